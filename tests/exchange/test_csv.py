"""A gmina without PUMA: a spreadsheet comes in, money goes out in a table, the filled table books it."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from skarbnik.exchange import imports, tasks
from skarbnik.exchange.models import BookingBatch, ImportRun, Source
from skarbnik.exchange.sources import connect_source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.tasks import read_file, spool_of
from skarbnik.payments.models import BookingLine, Difference
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState
from skarbnik.receivables.models import Instalment
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik.testing.factories import TransactionFactory, bound_to, report_on
from skarbnik_csv.settings import CsvSettings
from skarbnik_csv.system import CsvFinanceSystem

COLUMNS = (
    "kontrahent;osoba czy firma;nazwa;PESEL;kod rodzaju;rodzaj należności;rodzaj odsetek;rachunek;należność;tytuł;"
    "rata;termin;przypisano;należność główna"
)
KIND = "PODN;Podatek od nieruchomości;podatkowe;61109010140000071219812874"
ANNA = f"P-1;osoba;Kowalska Anna;44051401359;{KIND};N-1;Podatek 2026;"
JAN = f"P-2;osoba;Kowalski Jan;;{KIND};N-1;Podatek 2026;"
THIRD, FOURTH = f"{ANNA}3;15.09.2026;120,50;", f"{ANNA}4;15.11.2026;120,00;"
OWNERS = (THIRD + "120,50", FOURTH + "120,00", f"{JAN};;;")


def file(number, lines=OWNERS, principal="240,50", batches=0, **said):
    words = {
        "plik": "należności", "gmina": "LIPOWO", "numer": number, "stan na": "2026-11-23 02:00", "paczki": batches,
        "wiersze": len(lines), "należność główna": principal,
    } | said  # fmt: skip
    return "\r\n".join([*(f"#{key};{value}" for key, value in words.items()), COLUMNS, *lines, ""]).encode()


@pytest.fixture
def spool(tenant):
    """Lipowo keeps its receivables in a spreadsheet."""
    with tenant.session() as session:
        version = store_settings(session, tenant, "source:csv", CsvSettings(tenant_code="LIPOWO"))
        connect_source(session, "csv", plugin="csv", title="Arkusz", tenant_code="LIPOWO", settings_version=version)
    return spool_of(tenant, "csv").make()


@pytest.fixture
def arrive(tenant, spool):
    """`arrive(bytes)`: a file lies in the folder under a clerk's name for it, and is read. Its run."""

    def put(content, name="Należności (2).CSV"):
        (spool.incoming / name).write_bytes(content)
        with tenant.session() as session:
            names = spool.list_arrived(CsvFinanceSystem.file_pattern)
            (run,) = imports.register_arrivals(session, session.get_one(Source, "csv"), names)
        read_file(tenant, run.id)
        with tenant.session() as session:
            run = session.get_one(ImportRun, run.id)
            _ = run.problems
        return run

    return put


@pytest.fixture
def pay(tenant):
    """`pay("N-1/3")`: somebody pays the instalment and the gateway confirms it."""

    def go(external_id):
        with tenant.session() as session, bound_to(session):
            instalment = session.scalars(select(Instalment).where(Instalment.external_id == external_id)).one()
            transaction = TransactionFactory(started=True, instalment=instalment, amount=instalment.balance.total)
            record_report(session, transaction.id, report_on(transaction, f"EXT-{external_id}"))

    return go


@pytest.fixture
def receive(tenant, spool):
    """The table of payments as it lies in the outgoing folder, in lines."""

    def take(number=1):
        tasks.make_batches(tenant, uuid4())
        with tenant.session() as session:
            batch = session.scalars(select(BookingBatch).where(BookingBatch.number == number)).one()
        tasks.deliver_batch(tenant, batch.id)
        return (spool.outgoing / f"wplaty-{number:06d}.csv").read_text("utf-8-sig").splitlines()

    return take


def filled(lines, *answers):
    above, rows = lines[: -len(answers)], lines[-len(answers) :]
    rows = [row.removesuffix(";;") + answer for row, answer in zip(rows, answers, strict=True)]
    return "\r\n".join([*above, *rows, ""]).encode("utf-8-sig")


def left(tenant):
    with tenant.session() as session:
        instalments = session.scalars(select(Instalment).order_by(Instalment.external_id)).all()
        amounts = left_to_pay(session, instalments)
        return {each.external_id: str(amounts[each.id].principal) for each in instalments}


def test_a_table_becomes_what_is_owed(arrive, rows):
    run = arrive(file(1))

    assert (run.state, run.number, run.problems) == (RunState.APPLIED, 1, [])
    assert rows("SELECT external_id, kind, name FROM payers ORDER BY 1") == [
        ("P-1", "person", "Kowalska Anna"),
        ("P-2", "person", "Kowalski Jan"),
    ]
    assert rows("SELECT external_id, title FROM receivables") == [("N-1", "Podatek 2026")]
    assert rows("SELECT p.external_id, l.role FROM liabilities l JOIN payers p ON p.id = l.payer_id ORDER BY 1") == [
        ("P-1", "owner"),
        ("P-2", "co_owner"),
    ]
    assert rows("SELECT external_id, number, principal, due_on::text FROM instalments ORDER BY 1") == [
        ("N-1/3", 3, 12_050, "2026-09-15"),
        ("N-1/4", 4, 12_000, "2026-11-15"),
    ]
    assert rows("SELECT nrb FROM creditor_accounts") == [("61109010140000071219812874",)]


def test_the_next_table_closes_what_it_does_not_name(arrive, rows):
    arrive(file(1))
    run = arrive(file(2, lines=[OWNERS[1], OWNERS[2]], principal="120,00"))

    assert run.state is RunState.APPLIED
    closed = "SELECT external_id, closed_at IS NOT NULL FROM instalments ORDER BY 1"
    assert rows(closed) == [("N-1/3", True), ("N-1/4", False)]


def test_the_same_table_under_the_next_number_writes_nothing(arrive):
    arrive(file(1))
    assert arrive(file(2)).counts == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"principal": "240,51"}, "totals"),
        ({"odsetki": "0,01"}, "totals"),
        ({"wiersze": 4}, "truncated"),
        ({"gmina": "DEBOWO"}, "other_tenant"),
        ({"batches": 1}, "batch-not-answered"),
    ],
)
def test_a_table_that_does_not_hold_what_it_says_changes_nothing(arrive, checksum, change, code):
    before = checksum()
    run = arrive(file(1, **change))

    assert (run.state, [problem.code for problem in run.problems]) == (RunState.REFUSED, [code])
    assert checksum() == before


def test_money_goes_out_in_a_table_and_the_filled_table_books_it(arrive, pay, receive, tenant, rows):
    arrive(file(1))
    pay("N-1/3")
    pay("N-1/4")
    lines = receive()
    assert lines[1:5] == ["#gmina;LIPOWO", "#paczka;1", "#pozycje;2", "#razem;240,50"]

    run = arrive(filled(lines, "WB 231/2026;23.11.2026;", ";;Rata rozliczona w kasie"), "Paczka 1 zaksięgowana.csv")

    assert (run.state, run.counts) == (RunState.APPLIED, {"bookings": {"booked": 1, "refused": 1}})
    with tenant.session() as session:
        booked, refused = session.scalars(select(BookingLine).order_by(BookingLine.recorded_at)).all()
        assert (booked.state, booked.reference, str(booked.booked_on)) == (
            BookingState.BOOKED,
            "WB 231/2026",
            "2026-11-23",
        )
        assert (refused.state, refused.reason) == (BookingState.REFUSED, "Rata rozliczona w kasie")
        assert session.scalars(select(Difference.kind)).all() == ["booking_refused"]


def test_money_is_taken_from_the_balance_until_a_table_says_it_is_in_it(arrive, pay, receive, tenant, rows):
    arrive(file(1))
    pay("N-1/3")
    arrive(filled(receive(), "WB 1;2026-11-23;"), "paczka.csv")
    assert left(tenant) == {"N-1/3": "0.00", "N-1/4": "120.00"}

    arrive(file(2))  # exported before the clerk booked it
    assert left(tenant) == {"N-1/3": "0.00", "N-1/4": "120.00"}
    assert rows("SELECT seen_at FROM booking_lines") == [(None,)]

    corrected = (THIRD + "40,00", *OWNERS[1:])  # the payment is in, and a correction raised the debt by 40 zł
    run = arrive(file(3, lines=corrected, principal="160,00", batches=1))
    assert run.state is RunState.APPLIED
    assert left(tenant) == {"N-1/3": "40.00", "N-1/4": "120.00"}
    assert rows("SELECT count(seen_at) FROM booking_lines") == [(1,)]

    assert [problem.code for problem in arrive(file(4)).problems] == ["batches-taken-back"]


def test_a_table_of_payments_whose_columns_were_sorted_apart_books_nothing(arrive, pay, receive, tenant):
    arrive(file(1))
    pay("N-1/3")
    pay("N-1/4")
    *above, first, second = receive()
    swapped = [second[:36] + first[36:], first[:36] + second[36:]]

    run = arrive(filled([*above, *swapped], "WB 1;2026-11-23;", "WB 2;2026-11-23;"), "paczka.csv")

    assert (run.state, {problem.code for problem in run.problems}) == (RunState.REFUSED, {"control"})
    with tenant.session() as session:
        assert set(session.scalars(select(BookingLine.state))) == {BookingState.SENT}


def test_a_part_of_a_table_of_payments_books_nothing(arrive, pay, receive, tenant):
    arrive(file(1))
    pay("N-1/3")
    pay("N-1/4")
    lines = receive()
    part = [*lines[:3], "#pozycje;1", "#razem;120,50", *lines[5:-1]]

    run = arrive(filled(part, "WB 1;2026-11-23;"), "paczka.csv")

    assert [problem.code for problem in run.problems] == ["other-lines"]
