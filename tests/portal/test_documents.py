"""A resident reads the decision; nobody else does."""

import hashlib
import tracemalloc
from datetime import timedelta
from urllib.parse import unquote
from uuid import uuid4

import pytest
from sqlalchemy import text

from skarbnik import clock
from skarbnik.exchange.documents import place_of
from skarbnik.exchange.spool import open_spool
from skarbnik.plugin_api import LARGEST_DOCUMENT, LiabilityRole
from skarbnik.receivables.models import DocumentTrouble
from skarbnik.testing.factories import (
    PASSWORD,
    DocumentFactory,
    InstalmentFactory,
    LiabilityFactory,
    PayerFactory,
    UserFactory,
    bound_to,
)

PDF = b"%PDF-1.7\nDecyzja\n%%EOF\n"


def keep(tenant, content=PDF):
    """The bytes are where the worker would have put them."""
    sha256 = hashlib.sha256(content).hexdigest()
    kept = place_of(open_spool(tenant.instance.settings.files, tenant.id, "puma"), sha256)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    return {"sha256": sha256, "size": len(content), "arrived_at": clock.now()}


def fill(tenant, **more):
    """A receivable of Anna, who owns with Jan since Stefan sold; a decision, and people who look for it."""
    today = clock.today()
    with tenant.session() as session, bound_to(session):
        anna, jan, stefan, other = (PayerFactory() for _ in range(4))
        receivable = InstalmentFactory(payer=anna).receivable
        share = {"receivable_id": receivable.id, "share_whole": 2}
        LiabilityFactory(payer_id=jan.id, role=LiabilityRole.CO_OWNER, **share)
        LiabilityFactory(payer_id=stefan.id, role=LiabilityRole.OWNER, until_on=today - timedelta(days=1), **share)
        document = DocumentFactory(receivable_id=receivable.id, **(keep(tenant) | more))
        people = {"anna": anna, "jan": jan, "stefan": stefan, "other": other}
        emails = {name: UserFactory(acts_for=[payer]).email for name, payer in people.items()}
        path = f"/receivables/{receivable.id}/documents/{document.id}"
        return {"emails": emails, "receivable": receivable, "document": document, "path": path}


@pytest.fixture
def town(tenant):
    return fill(tenant)


@pytest.fixture
def look(browse, town):
    """`look(who, path)`: what somebody of Lipowo is answered."""

    def get(who, path):
        browser = browse("lipowo")
        browser.sign_in(town["emails"][who], PASSWORD)
        return browser.get(path)

    return get


@pytest.fixture
def change(tenant):
    """`change("title = …")`: another file has come, or something happened to the gmina."""

    def go(what, table="documents", **words):
        with tenant.session() as session:
            session.execute(text(f"UPDATE {table} SET {what}"), words)

    return go


@pytest.mark.parametrize(
    ("who", "status"), [("anna", 200), ("jan", 200), ("stefan", 404), ("other", 404)], ids=lambda value: str(value)
)
def test_who_may_see_the_receivable_reads_its_decision(look, town, who, status):
    answer = look(who, town["path"])

    assert answer.status_code == look(who, f"/receivables/{town['receivable'].id}").status_code == status
    assert (answer.get_data() == PDF) is (status == 200)


def test_it_is_kept_by_the_browser_and_neither_shown_nor_run_nor_remembered(look, town):
    headers = look("anna", town["path"]).headers

    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Length"] == str(len(PDF))
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers.getlist("Content-Security-Policy") == ["sandbox; default-src 'none'"]
    assert headers.getlist("Cache-Control") == ["no-store"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Upomnienie nr 33/2026 – żółte", "Upomnienie nr 33-2026 – żółte.pdf"),
        ('a"; filename=evil.exe', "a-; filename=evil.exe.pdf"),
        ("..", "dokument.pdf"),
    ],
)
def test_the_name_of_the_file_is_the_title_and_nothing_but_a_name(look, town, change, title, name):
    change("title = :title", title=title)
    value = look("anna", town["path"]).headers["Content-Disposition"]

    assert value.isascii()
    plain, encoded = value.removeprefix("attachment; ").split("; ")
    assert plain == f'filename="dokument-{clock.today()}.pdf"'
    assert unquote(encoded.removeprefix("filename*=UTF-8''")) == name


def test_the_page_says_what_there_is_and_what_did_not_come(look, town, tenant):
    with tenant.session() as session, bound_to(session):
        DocumentFactory(receivable_id=town["receivable"].id, title="Upomnienie", trouble=DocumentTrouble.CHECKSUM)
        DocumentFactory(receivable_id=town["receivable"].id, title="Wycofana", closed_at=clock.now())
    page = look("anna", f"/receivables/{town['receivable'].id}").text

    assert town["path"] in page
    assert "PDF, 1\u00a0kB" in page
    assert page.count("/documents/") == 1
    assert "Upomnienie" in page
    assert "Wycofana" not in page
    assert "/pages/formal-service" in page.partition("<main")[2].partition("</main>")[0]


def test_a_receivable_without_documents_says_nothing_of_them(look, town, change):
    change("closed_at = now()")

    assert (
        "formal-service"
        not in look("anna", f"/receivables/{town['receivable'].id}").text.partition("<main")[2].partition("</main>")[0]
    )


@pytest.mark.parametrize(
    "what",
    ["arrived_at = NULL", "closed_at = now()", "sha256 = repeat('0', 64)"],
    ids=["not delivered", "withdrawn", "bytes that are gone"],
)
def test_what_cannot_be_read_is_not_there(look, town, change, what):
    change(what)

    assert look("anna", town["path"]).status_code == 404


def test_a_closed_receivable_keeps_its_decision(look, town, change):
    change("closed_at = now()", table="receivables")

    assert look("anna", town["path"]).get_data() == PDF


def test_an_address_is_of_one_document_of_one_receivable(look, town, tenant):
    with tenant.session() as session, bound_to(session):
        elsewhere = InstalmentFactory().receivable_id
    for receivable, document in ((elsewhere, town["document"].id), (town["receivable"].id, uuid4())):
        assert look("anna", f"/receivables/{receivable}/documents/{document}").status_code == 404


def test_the_neighbour_finds_nothing_at_the_same_address(browse, neighbour, town):
    theirs = fill(neighbour)
    browser = browse("debina")
    browser.sign_in(theirs["emails"]["anna"], PASSWORD)

    assert browser.get(town["path"]).status_code == 404
    assert browser.get(theirs["path"]).get_data() == PDF


def test_who_is_not_signed_in_is_asked_to(browse, town):
    assert browse("lipowo").get(town["path"]).status_code == 303


def test_the_largest_one_is_answered_in_flat_memory(browse, tenant, town):
    large = fill(tenant, **keep(tenant, PDF + b"x" * (LARGEST_DOCUMENT - len(PDF))))
    browser = browse("lipowo")
    browser.sign_in(large["emails"]["anna"], PASSWORD)
    browser.get("/dashboard")
    tracemalloc.start()
    try:
        answer = browser.client.get(large["path"], base_url="https://lipowo.skarbnik.test", buffered=False)
        length = sum(len(piece) for piece in answer.response)
        assert tracemalloc.get_traced_memory()[1] < 5 * 1024**2
    finally:
        tracemalloc.stop()
    assert (answer.status_code, length) == (200, LARGEST_DOCUMENT)
