"""A finance system sends PDFs itself: by their SHA-256, those that an export named, once, for its own gmina."""

import hashlib

import pytest
from sqlalchemy import select
from tests.exchange.test_pushing import Program
from tests.exchange.test_taking import NAME, PDF, document, named

from skarbnik.audit.models import AuditEntry
from skarbnik.exchange import documents
from skarbnik.plugin_api import LARGEST_DOCUMENT


class Sender(Program):
    def send(self, content=PDF, sha256=None, source="puma"):
        path = f"/api/v1/exchange/{source}/documents/{sha256 or hashlib.sha256(content).hexdigest()}"
        return self.client.put(path, base_url=self.base, headers=self.headers, data=content)


@pytest.fixture
def program(app, tenant, source):
    return Sender(app, tenant)


@pytest.fixture
def seen(rows):
    return lambda: rows("SELECT external_id, arrived_at IS NOT NULL, trouble FROM documents ORDER BY 1")


def kept(source):
    return [path.stem for path in source.root.glob("documents/??/*.pdf")]


def test_what_an_export_names_is_sent_once_and_serves_every_row(program, receive, words, source, seen, tenant):
    receive(named(words, document(words, "D-1"), document(words, "D-2")))
    sent = program.send()

    assert (sent.status_code, sent.json) == (201, {"sha256": NAME, "size": len(PDF)})
    assert seen() == [("D-1", True, None), ("D-2", True, None)]
    assert documents.place_of(source, NAME).read_bytes() == PDF
    assert (program.send().status_code, program.send(b"%PDF-other", NAME).status_code) == (200, 422)
    assert documents.place_of(source, NAME).read_bytes() == PDF
    with tenant.session() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "exchange.document_sent")).one()
    assert entry.actor == "api"


def test_what_nobody_named_is_not_kept_and_may_be_sent_when_it_is_named(program, receive, words, source, seen):
    assert program.send().status_code == 404
    assert kept(source) == []

    receive(named(words, document(words, "D-1")))
    assert program.send().status_code == 201
    receive(named(words, document(words, "D-1"), document(words, "D-2"), number=2))
    assert program.send().status_code == 200
    assert seen() == [("D-1", True, None), ("D-2", True, None)]


@pytest.mark.parametrize(
    ("content", "status"),
    [(PDF + b" ", 422), (b"<html>", 422), (b"", 422), (PDF + b"x" * LARGEST_DOCUMENT, 413)],
    ids=["other bytes", "no pdf", "nothing", "too large"],
)
def test_a_wrong_one_is_refused_and_a_right_one_taken_afterwards(
    program, receive, words, source, seen, content, status
):
    receive(named(words, document(words, "D-1")))

    assert program.send(content, NAME).status_code == status
    assert (kept(source), seen()[0][1]) == ([], False)
    assert list(source.root.glob("documents/part/*")) == []
    assert program.send().status_code == 201


def test_another_size_than_the_export_says_is_told(program, receive, words, seen):
    receive(named(words, document(words, "D-1", size=len(PDF) + 1)))

    assert program.send().status_code == 422
    assert seen() == [("D-1", False, "size")]


def test_what_is_missing_is_listed_in_pages(program, receive, words, seen):
    sums = sorted(f"{each:064x}" for each in range(1, 4))
    receive(named(words, document(words, "D-0"), *(words.document(each[-4:], each) for each in sums)))
    program.send()

    first = program.get("puma/documents?limit=2").json
    assert first == {"items": [{"sha256": each, "size": 1000} for each in sums[:2]], "next": sums[1]}
    assert program.get(f"puma/documents?limit=2&after={sums[1]}").json == {
        "items": [{"sha256": sums[2], "size": 1000}],
        "next": None,
    }
    assert program.get("puma/documents?after=x").status_code == 422


@pytest.mark.parametrize("sha256", ["..%2F..%2Fpasswd", "A" * 64, "a" * 63, "%00"])
def test_a_name_leads_nowhere(program, receive, words, source, sha256):
    receive(named(words, document(words, "D-1")))

    assert program.send(PDF, sha256).status_code in {400, 404}
    assert kept(source) == []


def test_what_is_anothers_does_not_exist(app, program, receive, words, source, neighbour, tenant):
    receive(named(words, document(words, "D-1")))
    stranger, reader = Sender(app, neighbour), Sender(app, tenant, frozenset({"exchange:read"}))

    assert (stranger.send().status_code, reader.send().status_code) == (404, 403)
    assert program.send(source="other").status_code == 404
    assert stranger.get("puma/documents").status_code == 404
    assert kept(source) == []


def test_no_transaction_is_open_while_the_bytes_come(program, receive, words, clean, monkeypatch):
    receive(named(words, document(words, "D-1")))
    open_ones, keep = [], documents.keep

    def look(*given):
        with clean.as_admin() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            open_ones.append(connection.execute(query).fetchone()[0])
        return keep(*given)

    monkeypatch.setattr(documents, "keep", look)
    assert program.send().status_code == 201
    assert open_ones == [0]
