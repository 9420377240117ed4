"""An official reads what a payer may read, and the trail says so."""

import pytest
from sqlalchemy import select
from tests.portal.test_documents import PDF, fill

from skarbnik.audit.models import AuditEntry
from skarbnik.plugin_api import Role
from skarbnik.receivables.models import Liability


@pytest.fixture
def town(tenant):
    found = fill(tenant)
    with tenant.session() as session:
        liable = session.scalars(select(Liability).where(Liability.until_on.is_(None)).order_by(Liability.role)).first()
        stranger = session.scalars(select(Liability).where(Liability.until_on.is_not(None))).one()
    base = "/office/payers/{}/documents"
    return found | {"list": base.format(liable.payer_id), "of_stranger": base.format(stranger.payer_id)}


def acts(tenant):
    with tenant.session() as session:
        wanted = select(AuditEntry.action).where(AuditEntry.action.like("document%")).order_by(AuditEntry.id)
        return list(session.scalars(wanted))


def test_an_accountant_reads_a_payers_documents_and_each_look_is_written_down(official, town, tenant):
    browser = official()
    page = browser.get(town["list"])
    answer = browser.get(f"{town['list']}/{town['document'].id}")

    assert f"{town['list']}/{town['document'].id}" in page.text
    assert "PDF, 1\u00a0kB" in page.text
    assert answer.get_data() == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert acts(tenant) == ["documents.listed", "document.read"]
    assert town["list"] in browser.get(town["list"].removesuffix("/documents")).text


def test_a_document_is_found_among_those_of_its_payer_only(official, town):
    browser = official()

    assert str(town["document"].id) not in browser.get(town["of_stranger"]).text
    assert browser.get(f"{town['of_stranger']}/{town['document'].id}").status_code == 404


@pytest.mark.parametrize("role", [Role.COMMUNICATIONS, Role.SURVEYS])
def test_who_may_not_read_documents_is_told_of_none(official, town, tenant, role):
    browser = official(role)

    assert browser.get(town["list"]).status_code == 404
    assert browser.get(f"{town['list']}/{town['document'].id}").status_code == 404
    assert acts(tenant) == []


def test_the_page_of_a_file_tells_which_documents_did_not_come_and_why(official, receive, words, tenant, take):
    whole = words.receivable(
        "R-1", words.liability("P-1"), words.instalment("I-1"), words.document("D-1"), words.document("D-2", "b" * 64)
    )
    run = receive(words.Export(receivables=(whole,)))
    take()
    page = official().get(f"/office/exchange/{run.id}").text

    assert "D-1" in page
    assert f"{'b' * 64}.pdf" in page
    assert page.count("Pliku nie ma w folderze in/documents.") == 2
