"""A finance system sends its files itself: checked while they come, kept once, for the gmina of its token alone."""

import base64
import hashlib
import io
import threading
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from tests.exchange.remote import pay, runs

from skarbnik import clock
from skarbnik.accounts.services import make_api_client
from skarbnik.audit.models import AuditEntry
from skarbnik.exchange import spool, tasks, uploads
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.models import BatchState, BookingBatch, Origin, Source
from skarbnik.exchange.states import RunState

BOTH = frozenset({"exchange:read", "exchange:write"})
NAME = "puma-export-000001.xml"


def digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class Program:
    """A finance system with a token of one gmina."""

    def __init__(self, app, tenant, scopes=BOTH):
        self.client, self.base = app.test_client(), f"https://{tenant.slug}.skarbnik.test"
        with tenant.session() as session:
            client = make_api_client(session, name="PUMA", scopes=scopes)
        token = self.client.post(
            "/api/v1/oauth/token", base_url=self.base, auth=client, data={"grant_type": "client_credentials"}
        ).json["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def put(self, content, name=NAME, source="puma", said=None, **headers):
        headers = self.headers | {"Repr-Digest": digest(content) if said is None else said} | headers
        path = f"/api/v1/exchange/{source}/files/{name}"
        return self.client.put(path, base_url=self.base, headers=headers, data=content)

    def get(self, path, **headers):
        return self.client.get(f"/api/v1/exchange/{path}", base_url=self.base, headers=self.headers | headers)


@pytest.fixture
def program(app, tenant, source):
    return Program(app, tenant)


def kept(source):
    ways = ("reading", "in", "done", "refused")
    return [each for way in ways for each in (source.root / way).iterdir() if each.is_file()]


def test_a_file_is_sent_read_and_reported(program, tenant, first_file):
    sent = program.put(first_file)

    assert sent.status_code == 202
    (run,) = runs(tenant)
    assert (run.origin, run.sha256) == (Origin.PUSH, hashlib.sha256(first_file).hexdigest())
    assert sent.location == f"/api/v1/exchange/runs/{run.id}"
    assert sent.json["state"] == "waiting"
    assert tasks.read_file(tenant, run.id) is None
    report = program.get(f"runs/{run.id}")
    assert (report.json["state"], report.json["number"], report.json["problems"]) == ("applied", 1, [])
    assert report.json["counts"]["payers"]["new"] > 5
    with tenant.session() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "exchange.pushed")).one()
    assert (entry.actor, entry.subject_id) == ("api", run.id)


def test_the_same_bytes_again_are_the_same_run(program, tenant, source, words):
    content = words.Export().body()
    first = program.put(content)
    again = program.put(content, name="puma-export-other-name.xml")
    tasks.read_file(tenant, runs(tenant)[0].id)
    late = program.put(content)

    assert [each.status_code for each in (first, again, late)] == [202, 200, 200]
    assert len({each.json["id"] for each in (first, again, late)}) == 1
    assert late.json["state"] == "applied"
    assert len(kept(source)) == 1


def test_a_file_that_came_too_early_is_read_when_it_is_sent_again(program, tenant, source, words):
    first, second = words.Export(), words.Export(number=2, kind="incremental")
    early = program.put(second.body(), name="puma-2.xml")
    tasks.read_file(tenant, runs(tenant)[-1].id)
    assert program.get(f"runs/{early.json['id']}").json["state"] == "refused"

    for content, name in ((first.body(), "puma-1.xml"), (second.body(), "puma-2.xml")):
        assert program.put(content, name=name).status_code == 202
        tasks.read_file(tenant, runs(tenant)[-1].id)

    assert [run.state for run in runs(tenant)] == [RunState.REFUSED, RunState.APPLIED, RunState.APPLIED]


def test_the_same_bytes_from_two_at_once_are_one_run(app, tenant, source, words):
    content, start, answers = words.Export().body(), threading.Barrier(4), []
    programs = [Program(app, tenant) for _ in range(4)]

    def send(program, name):
        start.wait()
        answers.append(program.put(content, name=name).status_code)

    senders = [threading.Thread(target=send, args=(each, f"puma-{place}.xml")) for place, each in enumerate(programs)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()

    assert sorted(answers) == [200, 200, 200, 202]
    assert len(runs(tenant)) == len(kept(source)) == 1


def test_a_refused_file_lists_its_problems(program, tenant, words):
    broken = words.Export(receivables=(words.receivable("R-1", words.liability("P-9"), words.instalment("I-1")),))
    run_id = program.put(broken.body()).json["id"]
    tasks.read_file(tenant, runs(tenant)[0].id)

    report = program.get(f"runs/{run_id}").json

    assert report["state"] == "refused"
    assert [each["code"] for each in report["problems"]] == ["unknown-payer"]
    assert report["problems"][0]["line"] > 1


@pytest.mark.parametrize("said", [digest(b"something else"), "sha-256=:AAAA:", "", "md5=:AAAA:", "sha-512=:AAAA:"])
def test_a_body_that_is_not_what_was_said_is_not_kept(program, tenant, source, words, said):
    answer = program.put(words.Export().body(), said=said)

    assert answer.status_code == (422 if said == digest(b"something else") else 400)
    assert answer.content_type == "application/problem+json"
    assert runs(tenant) == kept(source) == []


def test_a_known_sum_with_other_bytes_is_no_success(program, tenant, source, words):
    content = words.Export().body()
    program.put(content)

    assert program.put(content[:-5], said=digest(content)).status_code == 422
    assert len(runs(tenant)) == 1


def test_a_digest_may_stand_among_others(program, words):
    content = words.Export().body()
    assert program.put(content, said=f"sha-512=:AAAA:, {digest(content)}").status_code == 202


def test_a_file_may_be_large_but_not_too_large(program, tenant, source, words, monkeypatch):
    large = words.Export().body() + b"\n" * (3 * 1024 * 1024)
    assert program.put(large).status_code == 202
    monkeypatch.setattr(uploads, "LARGEST_UPLOAD", 1024 * 1024)

    answer = program.put(large + b"\n", name="puma-export-000002.xml")

    assert answer.status_code == 413
    assert len(runs(tenant)) == len(kept(source)) == 1


def test_a_disk_that_is_nearly_full_is_left_to_the_database(program, tenant, source, words, monkeypatch):
    """A system that sends the file again and again that is refused each time fills it otherwise."""
    monkeypatch.setattr(spool, "RESERVE", 2**62)

    answer = program.put(words.Export().body())

    assert answer.status_code == 503
    assert runs(tenant) == kept(source) == []


def test_what_is_announced_too_large_is_not_read(program, tenant, source):
    answer = program.client.put(
        f"/api/v1/exchange/puma/files/{NAME}", base_url=program.base, input_stream=io.BytesIO(b"x"),
        headers=program.headers | {"Repr-Digest": digest(b"x")},
        environ_overrides={"CONTENT_LENGTH": str(uploads.LARGEST_UPLOAD + 1)},
    )  # fmt: skip

    assert answer.status_code == 413
    assert runs(tenant) == kept(source) == []


def test_a_wrong_scope_or_none_sends_nothing_however_large(app, tenant, source, words):
    reader, writer = (Program(app, tenant, frozenset({scope})) for scope in sorted(BOTH))
    large = words.Export().body() + b"\n" * (3 * 1024 * 1024)

    assert reader.put(large).status_code == 403
    assert writer.get("puma/batches").status_code == 403
    assert writer.get(f"runs/{uuid4()}").status_code == 403
    reader.headers = {}
    assert reader.put(large).status_code == 401
    assert runs(tenant) == kept(source) == []


def test_what_is_anothers_does_not_exist(app, program, tenant, neighbour, source, words):
    run_id = program.put(words.Export().body()).json["id"]
    stranger = Program(app, neighbour)

    assert stranger.put(words.Export(number=2).body()).status_code == 404  # no finance system is connected there
    assert stranger.get(f"runs/{run_id}").status_code == 404
    assert stranger.get("puma/batches").status_code == 404
    assert program.put(b"x", source="other").status_code == 404
    stranger.headers = program.headers
    assert stranger.put(words.Export(number=2).body()).status_code == 401
    assert len(runs(tenant)) == 1


@pytest.mark.parametrize(
    ("name", "status"), [("..%2F..%2Fetc%2Fpasswd", 404), ("..", 404), ("a.part", 400), ("%00", 400), ("a" * 121, 400)]
)
def test_a_name_leads_nowhere(program, tenant, source, name, status):
    assert program.put(b"x", name=name).status_code in {status, 404, 400, 405}
    assert runs(tenant) == kept(source) == []


def test_another_file_of_a_name_that_is_being_read_waits(program, tenant, source, words):
    program.put(words.Export().body())

    assert program.put(words.Export(number=2).body()).status_code == 409
    assert len(runs(tenant)) == len(kept(source)) == 1


def test_a_sent_file_waits_for_the_hours_of_its_source(program, tenant, words):
    with tenant.session() as session:
        session.get_one(Source, "puma").hours = "03:15"

    program.put(words.Export().body())

    (run,) = runs(tenant)
    assert run.due_at == next_moment("03:15", run.registered_at)


def test_a_file_is_sent_while_somebody_holds_the_row_of_the_source(program, tenant, words):
    with tenant.session() as other:
        other.scalars(select(Source).with_for_update(key_share=True)).one()
        assert program.put(words.Export().body()).status_code == 202


def test_no_transaction_is_open_while_the_bytes_come(program, tenant, clean, words, monkeypatch):
    seen = []
    real = uploads.lay

    def look(*args, **words):
        with clean.as_admin() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            seen.append(connection.execute(query).fetchone()[0])
        return real(*args, **words)

    monkeypatch.setattr(uploads, "lay", look)
    assert program.put(words.Export().body()).status_code == 202
    assert seen == [0]


def test_batches_are_listed_taken_and_answered_through_the_api(program, tenant, first_file, source):
    program.put(first_file)
    tasks.read_file(tenant, runs(tenant)[0].id)
    pay(tenant)
    tasks.make_batches(tenant, uuid4())
    with tenant.session() as session:
        batch = session.scalars(select(BookingBatch)).one()

    listed = program.get("puma/batches?after=0").json
    assert listed == {
        "items": [
            {"number": 1, "file_name": batch.file_name, "sha256": batch.sha256, "state": "made",
             "made_at": batch.made_at.isoformat()},
        ],
        "next": None,
    }  # fmt: skip
    assert program.get("puma/batches?after=1").json["items"] == []
    taken = program.get("puma/batches/1")
    assert taken.data == batch.content
    assert taken.headers["Repr-Digest"] == digest(batch.content)
    assert taken.headers["ETag"] == f'"{batch.sha256}"'
    assert program.get("puma/batches/1", **{"If-None-Match": taken.headers["ETag"]}).status_code == 304
    assert program.get("puma/batches/2").status_code == 404
    assert program.get(f"puma/batches/{2**40}").status_code == 404
    with tenant.session() as session:
        assert session.get_one(BookingBatch, batch.id).state is BatchState.DELIVERED
        query = select(func.count()).where(AuditEntry.action == "exchange.batch_taken", AuditEntry.actor == "api")
        assert session.scalar(query) == 1

    refusal = refusing(batch)  # which says when it was made
    answered = program.put(refusal, name="puma-ack-000001.xml")
    assert answered.status_code == 202
    assert tasks.read_file(tenant, runs(tenant)[1].id) is None
    assert program.get("puma/batches").json["items"][0]["state"] == "answered"
    assert [run.state for run in runs(tenant)] == [RunState.APPLIED] * 2
    assert runs(tenant)[1].sha256 == hashlib.sha256(refusal).hexdigest()


def refusing(batch):
    (line,) = [part.split(b'"')[0] for part in batch.content.split(b'<booking id="')[1:]]
    head = f'batch="1" tenant="PL-LIPOWO" sha256="{batch.sha256}" created="{clock.now():%Y-%m-%dT%H:%M:%S}+00:00"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<acknowledgement xmlns="urn:skarbnik:exchange:acknowledgement:1"'
        f' {head} system="PUMA 7.2" format="1">\n<refused booking="{line.decode()}" reason="Rata jest zamknięta"/>\n'
        "</acknowledgement>\n"
    ).encode()


def test_pages_of_batches(program, tenant):
    with tenant.session() as session:
        session.add_all(
            BookingBatch(
                source="puma", number=number, file_name=f"puma-bookings-{number:06d}.xml", content=b"<x/>",
                sha256="0" * 64, made_at=clock.now(),
            )
            for number in range(1, 6)
        )  # fmt: skip
    page = program.get("puma/batches?limit=2").json
    assert ([each["number"] for each in page["items"]], page["next"]) == ([1, 2], 2)
    page = program.get("puma/batches?limit=3&after=2").json
    assert ([each["number"] for each in page["items"]], page["next"]) == ([3, 4, 5], None)
    assert program.get("puma/batches?limit=0").status_code == 422
    assert program.get("puma/batches?before=1").status_code == 422
