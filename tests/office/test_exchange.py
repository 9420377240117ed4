"""A clerk and the exchange: bring a file, try it, apply it, agree or not, compare, send a batch again, set hours."""

import hashlib
import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from tests.exchange.test_changes import two_payers
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from skarbnik import clock
from skarbnik.audit.models import AuditEntry
from skarbnik.clock import WARSAW
from skarbnik.errors import Conflict
from skarbnik.exchange import imports, spool
from skarbnik.exchange.fetching import begin_asking
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.models import BatchState, BookingBatch, ImportRun, Source
from skarbnik.exchange.spool import Spool
from skarbnik.exchange.states import RunState
from skarbnik.exchange.tasks import deliver_batch, read_file
from skarbnik.money import Money
from skarbnik.payers.models import Payer
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, bound_to
from skarbnik.web.formats import money

MANY = 60


def upload(browser, content, way="apply", name="puma-export-000001.xml"):
    browser.get("/office/exchange/upload")
    data = {"source": "puma", "way": way, "file": (io.BytesIO(content), name)}
    return browser.post("/office/exchange/upload", data, content_type="multipart/form-data")


def many(words, count=MANY, number=1):
    return words.Export(
        receivables=tuple(
            words.receivable(f"R-{each}", words.liability("P-1"), words.instalment(f"I-{each}"))
            for each in range(count)
        ),
        number=number,
    )  # fmt: skip


def acts(tenant):
    with tenant.session() as session:
        wanted = select(AuditEntry.action).where(AuditEntry.action.like("exchange.%")).order_by(AuditEntry.id)
        return [each for each in session.scalars(wanted) if each != "exchange.imported"]


def newest(tenant):
    with tenant.session() as session:
        return session.scalars(select(ImportRun).order_by(ImportRun.id.desc())).first()


def open_debts(tenant):
    with tenant.session() as session:
        return session.execute(text("SELECT count(*) FROM instalments WHERE closed_at IS NULL")).scalar_one()


def test_a_file_brought_by_hand_is_tried_then_applied(official, source, tenant, words):
    browser = official()

    sent = upload(browser, words.Export().body(), way="try")
    run = newest(tenant)
    read_file(tenant, run.id)

    assert sent.location == f"/office/exchange/{run.id}"
    page = browser.get(sent.location)
    assert "Plik jest dobry. Niczego nie zmieniono." in page.text
    assert open_debts(tenant) == 0

    applied = browser.post(f"/office/exchange/{run.id}/apply")
    again = newest(tenant)
    read_file(tenant, again.id)

    assert applied.location == f"/office/exchange/{again.id}"
    assert (newest(tenant).state, open_debts(tenant)) == (RunState.APPLIED, 1)
    assert acts(tenant) == ["exchange.uploaded", "exchange.uploaded"]
    assert "Należność główna do zapłaty" in browser.get(applied.location).text


def test_a_broken_file_brought_by_hand_lists_every_problem_and_changes_nothing(official, source, tenant, words):
    browser = official()
    broken = words.Export(
        receivables=(
            words.receivable("R-1", words.liability("P-8"), words.instalment("I-1")),
            words.receivable("R-2", words.liability("P-9"), words.instalment("I-2")),
        )
    )

    sent = upload(browser, broken.body())
    read_file(tenant, newest(tenant).id)
    page = browser.get(sent.location).text

    assert "P-8" in page
    assert "P-9" in page
    assert page.index('data-label="Wiersz"') < page.index("Suma kontrolna")  # what to mend comes first
    table = browser.get(f"{sent.location}/problems.csv")
    here = newest(tenant).registered_at.astimezone(WARSAW)
    assert table.headers["Content-Disposition"].endswith(f'import-{here:%Y%m%d-%H%M}.csv"')
    assert "unknown-payer" in table.get_data(as_text=True)
    assert open_debts(tenant) == 0


@pytest.mark.parametrize(("way", "tags"), [("try", 1), ("apply", 0)])
def test_a_refused_trial_is_told_from_a_refused_file(official, source, tenant, words, way, tags):
    browser = official()

    sent = upload(browser, b"<not-ours/>", way=way)
    read_file(tenant, newest(tenant).id)

    assert browser.get(sent.location).text.count(">tylko próba<") == tags
    assert browser.get("/office/exchange").text.count('">tylko próba</span>') == tags


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd", "passwd"), ("/e.xml", "e.xml"), ("plik z PUMY.xml", "plik z PUMY.xml")],
)
def test_the_name_of_a_file_leads_nowhere(official, source, tenant, words, name, kept):
    upload(official(), words.Export().body(), name=name)

    assert newest(tenant).file_name == kept
    assert [each.name.partition(" ")[2] for each in (source.root / "reading").iterdir()] == [kept]


@pytest.mark.parametrize("name", ["", "..", "a" * 200 + ".xml", "a\x07.xml", "puma.xml.part"])
def test_a_name_that_cannot_be_used_is_told_and_nothing_is_kept(official, source, tenant, words, name):
    answer = upload(official(), words.Export().body(), name=name)

    assert answer.status_code == 422
    assert newest(tenant) is None
    assert list((source.root / "reading").iterdir()) == []


def test_a_disk_that_is_nearly_full_takes_no_file_and_says_so(official, source, tenant, words, monkeypatch):
    monkeypatch.setattr(spool, "RESERVE", 2**62)

    answer = upload(official(), words.Export().body())

    assert answer.status_code == 422
    assert newest(tenant) is None
    assert list((source.root / "reading").iterdir()) == []


def test_the_same_name_twice_waits_for_the_first_report(official, source, tenant, words):
    browser = official()
    upload(browser, words.Export().body())

    second = upload(browser, words.Export().body())

    assert second.status_code == 422
    assert "jest właśnie wczytywany" in second.text


def test_no_transaction_is_open_while_a_file_is_copied(official, source, tenant, clean, words, monkeypatch):
    browser, open_ones, lay = official(), [], Spool.lay

    def look(*args, **more):
        with clean.as_admin() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            open_ones.append(connection.execute(query).fetchone()[0])
        return lay(*args, **more)

    monkeypatch.setattr(Spool, "lay", look)

    assert upload(browser, words.Export().body()).status_code == 303
    assert open_ones == [0]


def test_an_official_who_brings_a_file_again_gets_a_report_of_it(official, source, tenant, words):
    browser, body = official(), words.Export().body()
    upload(browser, body)
    first = newest(tenant)
    read_file(tenant, first.id)

    upload(browser, body)
    again = newest(tenant)
    assert (again.id != first.id, again.sha256) == (True, hashlib.sha256(body).hexdigest())
    read_file(tenant, again.id)
    assert newest(tenant).state is RunState.REFUSED


def send(browser, content, name):
    """A whole form with a file in it, read or not: the status, and how much of it was read."""
    values = {"source": "puma", "way": "apply", "csrf_token": browser.token()}
    encoded, length, boundary = stream_encode_multipart(values | {"file": FileStorage(io.BytesIO(content), name)})
    body = io.BytesIO(encoded.read())
    answer = browser.client.post(
        "/office/exchange/upload", base_url=browser.base, headers={"Origin": browser.base}, input_stream=body,
        content_length=length, content_type=f"multipart/form-data; boundary={boundary}",
    )  # fmt: skip
    return answer.status_code, body.tell() / length


def test_a_file_larger_than_other_requests_is_taken_from_a_clerk_and_from_nobody_else(official, browse, source, words):
    large = words.Export().body() + b"\n" * (3 * 1024 * 1024)

    assert send(official(), large, "clerk.xml") == (303, 1)
    assert send(browse("lipowo"), large, "stranger.xml") == (303, 0)  # to the door
    assert send(official(Role.AUDITOR), large, "auditor.xml") == (404, 0)
    assert [path.name.partition(" ")[2] for path in source.root.glob("reading/*")] == ["clerk.xml"]


def test_a_full_file_that_closes_much_stops_until_an_official_agrees(official, receive, lay, report, tenant, words):
    receive(many(words))
    run_id = lay(many(words, 2, number=2).body())

    read_file(tenant, run_id)

    assert (report(run_id).state, open_debts(tenant)) == (RunState.HELD, MANY)
    browser = official()
    page = browser.get(f"/office/exchange/{run_id}").text
    assert f"{MANY - 2} z {MANY}" in page
    (kind,) = report(run_id).counts["closing_sums"]
    rows = [re.sub(r"<[^>]+>|\s", " ", row).split() for row in page.partition("<table")[2].split("</tr>")]
    with tenant.session() as session:
        each = session.scalar(text("SELECT min(principal + interest + costs) FROM instalments"))
    shown = money(Money((MANY - 2) * each)).split()
    assert [*kind.split(), str(MANY - 2), *shown] in rows
    assert ["Razem", str(MANY - 2), *shown] in rows
    read_file(tenant, run_id)  # whoever rings: nothing moves without consent
    assert report(run_id).state is RunState.HELD

    for seen in ({}, {"closing": "all"}, {"closing": MANY}):  # not what the page says
        browser.post(f"/office/exchange/{run_id}/consent", seen)
        assert report(run_id).state is RunState.HELD
    browser.post(f"/office/exchange/{run_id}/consent", {"closing": re.search(r'name="closing" value="(\d+)"', page)[1]})
    read_file(tenant, run_id)

    assert (report(run_id).state, open_debts(tenant)) == (RunState.APPLIED, 2)
    assert acts(tenant) == ["exchange.consented"]


def test_files_behind_a_held_one_wait_for_the_decision_however_long_it_takes(receive, lay, report, tenant, words):
    receive(many(words))
    held = lay(many(words, 2, number=2).body())
    read_file(tenant, held)
    behind = lay(many(words, 2, number=3).body())
    with tenant.session() as session:
        session.get_one(ImportRun, held).registered_at -= timedelta(days=5)

    again = read_file(tenant, behind)

    assert again is not None
    assert report(behind).state is RunState.WAITING


def test_an_errand_that_comes_late_does_not_undo_the_consent(
    official, receive, lay, report, tenant, words, monkeypatch
):
    """Two errands read one file: the second finds too much after the official has agreed to what the first found."""
    receive(many(words))
    run_id = lay(many(words, 2, number=2).body())
    hold = imports._hold

    def agreed_meanwhile(tenant, run_id, manifest, held):
        hold(tenant, run_id, manifest, held)
        with tenant.session() as session:
            imports.consent(session, run_id, user_id=uuid4(), closing=MANY - 2)
        return hold(tenant, run_id, manifest, held)

    monkeypatch.setattr(imports, "_hold", agreed_meanwhile)
    assert read_file(tenant, run_id) is None
    assert report(run_id).state is RunState.WAITING
    read_file(tenant, run_id)

    assert (report(run_id).state, open_debts(tenant)) == (RunState.APPLIED, 2)


def test_an_official_is_asked_again_when_a_held_file_came_to_close_more(receive, lay, report, tenant, words):
    """An earlier file waited for its hour, and brought new debts while somebody thought about the later one."""
    receive(many(words, 40))
    earlier = lay(many(words, MANY, number=2).body())
    with tenant.session() as session:
        session.get_one(ImportRun, earlier).due_at = clock.now() + timedelta(hours=1)
    held = lay(many(words, 2, number=3).body())
    read_file(tenant, held)
    assert report(held).counts["debts"] == {"open": 40, "closing": 38}
    with tenant.session() as session:
        session.get_one(ImportRun, earlier).due_at = clock.now()
    read_file(tenant, earlier)
    with tenant.session() as session:
        imports.consent(session, held, user_id=uuid4(), closing=38)

    read_file(tenant, held)

    assert (report(held).state, report(held).consented_by, open_debts(tenant)) == (RunState.HELD, None, MANY)
    assert report(held).counts["debts"] == {"open": MANY, "closing": MANY - 2}
    with tenant.session() as session:
        with pytest.raises(Conflict):  # of a page that was opened before
            imports.consent(session, held, user_id=uuid4(), closing=38)
        imports.consent(session, held, user_id=uuid4(), closing=MANY - 2)
    read_file(tenant, held)
    assert (report(held).state, open_debts(tenant)) == (RunState.APPLIED, 2)


def test_who_does_not_agree_keeps_the_debts(official, source, receive, lay, report, tenant, words):
    receive(many(words))
    run_id = lay(many(words, 2, number=2).body())
    read_file(tenant, run_id)
    browser = official()
    browser.get(f"/office/exchange/{run_id}")

    browser.post(f"/office/exchange/{run_id}/decline")
    read_file(tenant, run_id)

    assert (report(run_id).state, open_debts(tenant)) == (RunState.REFUSED, MANY)
    assert len(list((source.root / "refused").iterdir())) == 1
    assert receive(many(words, number=2)).state is RunState.APPLIED
    late = browser.post(f"/office/exchange/{run_id}/consent")
    assert late.status_code == 303
    assert report(run_id).state is RunState.REFUSED


def test_a_trial_of_such_a_file_tells_that_consent_will_be_needed(official, receive, tenant, words):
    receive(many(words))
    browser = official()

    sent = upload(browser, many(words, 2, number=2).body(), way="try", name="puma-export-000002.xml")
    read_file(tenant, newest(tenant).id)

    assert newest(tenant).counts["debts"] == {"open": MANY, "closing": MANY - 2}
    assert "poprosi o zgodę" in browser.get(sent.location).text


def test_an_office_says_what_is_too_much(receive, lay, report, tenant, words):
    receive(many(words))
    with tenant.session() as session:
        session.get_one(Source, "puma").most_closing = 100
    run_id = lay(many(words, 2, number=2).body())

    read_file(tenant, run_id)

    assert report(run_id).state is RunState.APPLIED


def test_hours_make_files_wait_and_a_clerk_need_not(official, lay, report, tenant, source, words):
    admin = official(Role.ADMINISTRATOR)
    admin.get("/office/exchange/sources/puma")
    wrong = admin.post("/office/exchange/sources/puma", {"hours": "25:00", "most_closing": "30"})
    assert wrong.status_code == 422

    saved = admin.post("/office/exchange/sources/puma", {"hours": "3:15", "most_closing": "40"})
    run_id = lay(words.Export().body())

    assert saved.status_code == 303
    waiting = report(run_id)
    assert waiting.due_at == next_moment("03:15", waiting.registered_at)
    clerk = official()
    assert "Wczytaj teraz" in clerk.get(f"/office/exchange/{run_id}").text
    clerk.post(f"/office/exchange/{run_id}/now")
    assert report(run_id).due_at is None


def test_a_clerk_compares_two_files_for_one_payer(official, receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    browser = official()
    with tenant.session() as session:
        payer_id = session.scalars(select(Payer.id).where(Payer.external_id == "P-1")).one()
    path = f"/office/payers/{payer_id}/changes"
    assert "czego porównać" in browser.get(path).text
    receive(two_payers(words, words.instalment("I-1", principal="60.00"), number=2))

    page = browser.get(path).text

    assert "o 40,00\xa0zł mniej" in page
    assert "60,00" in page
    assert "najpierw starszy plik" in browser.get(f"{path}?older=2&newer=1").text


def test_a_batch_is_sent_again_with_the_same_bytes(official, source, tenant):
    with tenant.session() as session:
        batch = BookingBatch(
            source="puma", number=1, state=BatchState.DELIVERED, file_name="puma-bookings-000001.xml",
            content=b"<bookings/>", sha256="0" * 64, made_at=clock.now() - timedelta(days=3),
        )  # fmt: skip
        session.add(batch)
    browser = official()
    assert "3 dni" in browser.get("/office/exchange/batches").text
    browser.get(f"/office/exchange/batches/{batch.id}")

    sent = browser.post(f"/office/exchange/batches/{batch.id}/again")
    deliver_batch(tenant, batch.id)

    assert sent.status_code == 303
    assert (source.outgoing / batch.file_name).read_bytes() == b"<bookings/>"
    assert browser.get(f"/office/exchange/batches/{batch.id}/file").data == b"<bookings/>"
    assert acts(tenant) == ["exchange.batch_sent_again", "exchange.batch_taken"]


def test_an_auditor_sees_and_brings_nothing(official, lay, report, tenant, source, words):
    run_id = lay(words.Export().body())
    auditor = official(Role.AUDITOR)

    assert auditor.get("/office/exchange").status_code == 200
    assert auditor.get(f"/office/exchange/{run_id}").status_code == 200
    assert auditor.get("/office/exchange/upload").status_code == 404
    assert auditor.post(f"/office/exchange/{run_id}/now").status_code == 404
    assert auditor.get("/office/exchange/sources/puma").status_code == 404
    assert report(run_id).state is RunState.WAITING


def test_a_file_of_the_neighbour_does_not_exist(browse, lay, tenant, neighbour, source, words):
    run_id = lay(words.Export().body())
    with neighbour.session() as session, bound_to(session):
        email = OfficialFactory(has_roles=[Role.ADMINISTRATOR]).email
    browser = browse("debina")
    browser.sign_in(email, PASSWORD, office=True)

    assert browser.get(f"/office/exchange/{run_id}").status_code == 404
    for what in ("apply", "consent", "decline", "now"):
        assert browser.post(f"/office/exchange/{run_id}/{what}").status_code == 404
    assert upload(browser, words.Export().body()).status_code == 422  # no finance system is connected there


def test_a_clerk_asks_the_system_now(official, tenant, source, clean):
    browser = official()
    assert "Zapytaj o pliki teraz" not in browser.get("/office/exchange").text
    assert browser.post("/office/exchange/sources/puma/ask").status_code == 404  # its files come through the folder
    with tenant.session() as session:
        begin_asking(session, session.get_one(Source, "puma"))
    assert "Zapytaj o pliki teraz" in browser.get("/office/exchange").text

    asked = browser.post("/office/exchange/sources/puma/ask")

    assert asked.status_code == 303
    assert topics(clean) == ["exchange.fetch", "exchange.fetch_now"]
    assert acts(tenant) == ["exchange.asked"]
    assert browser.post("/office/exchange/sources/puma/ask", token=False).status_code == 400
    assert official(Role.AUDITOR).post("/office/exchange/sources/puma/ask").status_code == 404
    assert browser.post("/office/exchange/sources/other/ask").status_code == 404


def test_other_hours_hold_for_what_waits_already(official, tenant, source, clean):
    with tenant.session() as session:
        begin_asking(session, session.get_one(Source, "puma"))
        before = session.get_one(Source, "puma").fetch_key
    admin = official(Role.ADMINISTRATOR)
    admin.get("/office/exchange/sources/puma")

    admin.post("/office/exchange/sources/puma", {"hours": "3:15", "most_closing": "30"})
    for _ in range(2):  # nothing new about hours, then nothing new
        admin.post("/office/exchange/sources/puma", {"hours": "3:15", "most_closing": "40"})

    with tenant.session() as session:
        found = session.get_one(Source, "puma")
    assert found.fetch_key != before
    assert found.next_fetch_at == next_moment("03:15", clock.now())
    with tenant.session() as session:
        changes = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "source.changed")).all()
    assert topics(clean) == ["exchange.bookings_wait", "exchange.fetch", "exchange.fetch"]
    assert len(changes) == 2


def topics(lab):
    with lab.as_admin() as connection:
        return [
            topic
            for (topic,) in connection.execute(
                "SELECT topic FROM work.outbox WHERE topic <> 'audit.seal' ORDER BY 1"
            ).fetchall()
        ]
