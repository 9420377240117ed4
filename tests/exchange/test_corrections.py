"""What a finance system corrects, from its file to what a resident sees, owes and may pay.

The office's own figures are in the files; these tests follow each through the import to the pages' own queries.
"""

from contextlib import contextmanager
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from skarbnik import clock
from skarbnik.accounts.pesel import hash_pesel
from skarbnik.exchange.states import RunState
from skarbnik.money import Amounts, Money
from skarbnik.payers.models import Payer
from skarbnik.payments.ordering import BasketChanged, Chosen, NotLiable, order_payment
from skarbnik.portal.debts import list_to_pay
from skarbnik.portal.operations import OperationChoice, list_operations
from skarbnik.portal.queries import list_payers_of
from skarbnik.testing.factories import PASSWORD, UserFactory, bound_to

TODAY = date(2026, 11, 25)


@contextmanager
def on(day):
    """That day at noon."""
    with clock.stopped_at(datetime(day.year, day.month, day.day, 11, tzinfo=UTC)):
        yield


@pytest.fixture
def id_of(rows):
    def find(external_id, table="payers"):
        ((found,),) = rows(f"SELECT id FROM {table} WHERE external_id = :own", own=external_id)
        return found

    return find


@pytest.fixture
def debts(tenant, id_of):
    """`debts("P-1")`: what that payer has to pay on a day, by receivable and instalment."""

    def read(payer, day=TODAY):
        with on(day), tenant.session() as session:
            rows = list_to_pay(session, payer_id=id_of(payer), today=day, now=clock.now()).rows
            names = dict(session.execute(text("SELECT id, external_id FROM instalments")).all())
            return {names[row.id]: row for row in rows}

    return read


@pytest.fixture
def left(debts):
    """The same as grosze by instalment."""
    return lambda payer, day=TODAY: {name: row.grosze for name, row in debts(payer, day).items()}


@pytest.fixture
def balances(tenant, id_of):
    """`balances("P-1", "R-1")`: the balance after each operation, the oldest first; of one receivable or of all."""

    def read(payer, receivable=None):
        wanted = OperationChoice(receivable=id_of(receivable, "receivables") if receivable else None)
        with tenant.session() as session:
            rows = list_operations(session, payer_id=id_of(payer), today=TODAY, choice=wanted)
            return [row.balance.grosze for row in reversed(rows)]

    return read


@pytest.fixture
def pay(tenant, id_of):
    """`pay("P-1", "I-1", 10_000)`: order that much on a day."""

    def order(payer, instalment, grosze, day=TODAY):
        with on(day), tenant.session() as session:
            return order_payment(
                session,
                request_key=uuid4(),
                payer_id=id_of(payer),
                user_id=None,
                chosen=[Chosen(id_of(instalment, "instalments"), Amounts(Money(grosze)))],
                email=None,
                language="pl",
            )

    return order


@pytest.fixture
def page(browse, tenant, id_of):
    """`page("P-1", "R-1")`: the page of a receivable as a resident acting for that payer is shown it on a day."""
    emails = {}

    def get(payer, receivable, day=TODAY):
        with on(day):
            if payer not in emails:
                with tenant.session() as session, bound_to(session):
                    acting = UserFactory(acts_for=[session.get_one(Payer, id_of(payer))])
                    session.execute(text("UPDATE mandates SET from_on = '2020-01-01'"))
                    emails[payer] = acting.email
            browser = browse("lipowo")
            browser.sign_in(emails[payer], PASSWORD)
            return browser.get(f"/receivables/{id_of(receivable, 'receivables')}")

    return get


# Re-booking (przeksięgowanie)


def wrongly_booked(words, *corrections, number=1, second_owner="P-1"):
    """100 zł that were paid for R-2 and booked on R-1, and what corrects it."""
    first, second = corrections or ((), ())
    return words.Export(
        payers=(words.payer("P-1"), words.payer("P-2", "Nowak Piotr")),
        receivables=(
            words.receivable(
                "R-1",
                words.liability("P-1"),
                words.instalment("I-1", "100.00" if first else "0.00", charged="100.00"),
                words.operation("O-1", "100.00", kind="charge"),
                words.operation("O-2", "-100.00"),
                *first,
            ),
            words.receivable(
                "R-2",
                words.liability(second_owner),
                words.instalment("I-2", "0.00" if second else "100.00", charged="100.00"),
                words.operation("O-3", "100.00", kind="charge"),
                *second,
            ),
        ),
        number=number,
    )


def legs(words):
    rebooking = {"kind": "rebooking", "document": "PK 7/2026"}
    return (
        (words.operation("O-4", "100.00", instalment="I-1", counterpart="O-5", **rebooking),),
        (words.operation("O-5", "-100.00", instalment="I-2", counterpart="O-4", **rebooking),),
    )


def test_a_rebooking_over_two_receivables_leaves_the_right_balance_on_both(receive, words, balances, left):
    receive(wrongly_booked(words))
    assert (balances("P-1", "R-1"), balances("P-1", "R-2")) == ([10_000, 0], [10_000])
    assert left("P-1") == {"I-2": 10_000}

    run = receive(wrongly_booked(words, *legs(words), number=2))

    assert run.state is RunState.APPLIED
    assert balances("P-1", "R-1") == [10_000, 0, 10_000]
    assert balances("P-1", "R-2") == [10_000, 0]
    assert balances("P-1")[-1] == 10_000
    assert left("P-1") == {"I-1": 10_000}


def test_a_rebooking_between_two_payers_is_on_the_account_of_each(receive, words, balances, left):
    receive(wrongly_booked(words, second_owner="P-2"))
    receive(wrongly_booked(words, *legs(words), number=2, second_owner="P-2"))

    assert (balances("P-1"), balances("P-2")) == ([10_000, 0, 10_000], [10_000, 0])
    assert (left("P-1"), left("P-2")) == ({"I-1": 10_000}, {})


def test_one_leg_alone_is_refused_and_changes_no_balance(receive, words, balances):
    receive(wrongly_booked(words))
    run = receive(wrongly_booked(words, legs(words)[0], (), number=2))

    assert [problem.code for problem in run.problems] == ["one-sided-rebooking"]
    assert balances("P-1", "R-1") == [10_000, 0]


# Remission (umorzenie)


@pytest.mark.parametrize(
    ("remitted", "rest", "owed"), [("-40.00", "60.00", {"I-1": 6_000}), ("-100.00", "0.00", {})], ids=["part", "all"]
)
def test_what_is_remitted_is_owed_no_more(receive, words, left, balances, page, remitted, rest, owed):
    def books(number, principal, *operations):
        parts = (
            words.instalment("I-1", principal, charged="100.00"),
            words.operation("O-1", "100.00", kind="charge"),
            *operations,
        )
        return words.Export(receivables=(words.receivable("R-1", words.liability("P-1"), *parts),), number=number)

    receive(books(1, "100.00"))
    remission = words.operation("O-2", remitted, kind="remission", document="UM 1/2026", instalment="I-1")
    receive(books(2, rest, remission))

    assert left("P-1") == owed
    assert balances("P-1", "R-1") == [10_000, sum(owed.values())]
    shown = page("P-1", "R-1")
    assert "UM 1/2026" in shown.text
    assert ('name="i"' in shown.text) is bool(owed)


# Deferral (odroczenie) and instalment plan (rozłożenie na raty)


def test_a_deferral_moves_the_due_date_and_nothing_else(receive, words, debts, rows, id_of, pay):
    def books(number, due, *operations):
        parts = (words.instalment("I-1", due=due), words.operation("O-1", "100.00", kind="charge"), *operations)
        return words.Export(receivables=(words.receivable("R-1", words.liability("P-1"), *parts),), number=number)

    kept = "SELECT id, charged, principal, interest, costs, number, closed_at FROM instalments"
    receive(books(1, "2026-11-16"))
    before, late = rows(kept), debts("P-1")["I-1"]
    run = receive(books(2, "2027-03-31", words.operation("O-2", "0.00", kind="deferral", instalment="I-1")))
    moved = debts("P-1")["I-1"]

    assert run.counts == {"instalments": {"changed": 1}, "operations": {"new": 1}}
    assert rows(kept) == before
    assert (late.due_on, late.overdue, late.grosze) == (date(2026, 11, 16), True, 10_000)
    assert (moved.due_on, moved.overdue, moved.grosze) == (date(2027, 3, 31), False, 10_000)
    assert not debts("P-1", date(2027, 3, 31))["I-1"].overdue
    assert debts("P-1", date(2027, 4, 1))["I-1"].overdue
    assert pay("P-1", "I-1", 10_000).amount == Money(10_000)


def test_one_instalment_becomes_twelve_of_the_same_sum(receive, words, left, debts, balances, rows, pay):
    charge = words.operation("O-1", "1200.00", kind="charge")
    owner = words.liability("P-1")
    receive(words.Export(receivables=(words.receivable("R-1", owner, words.instalment("I-0", "1200.00"), charge),)))
    assert left("P-1") == {"I-0": 120_000}

    plan = [words.instalment(f"I-{month}", number=month + 1, due=f"2027-{month:02d}-15") for month in range(1, 13)]
    spread = [
        words.operation("O-2", "-1200.00", kind="deferral", document="RAT 1", instalment="I-0"),
        *(
            words.operation(f"O-2-{month}", "100.00", kind="deferral", document="RAT 1", instalment=f"I-{month}")
            for month in range(1, 13)
        ),
    ]
    old = words.instalment("I-0", "0.00", closed="true")
    whole = words.receivable("R-1", owner, old, *plan, *spread)
    run = receive(words.Export(receivables=(whole,), payers=(), kinds=(), number=2, kind="incremental"))

    assert run.counts["instalments"] == {"new": 12, "changed": 1}
    assert left("P-1") == {f"I-{month}": 10_000 for month in range(1, 13)}
    assert sum(left("P-1").values()) == 120_000 == balances("P-1", "R-1")[-1]
    assert [row.due_on.month for row in debts("P-1").values()] == list(range(1, 13))
    assert not any(row.overdue for row in debts("P-1").values())
    assert rows("SELECT closed_at IS NOT NULL FROM instalments WHERE external_id = 'I-0'") == [(True,)]
    with pytest.raises(BasketChanged):
        pay("P-1", "I-0", 120_000)
    assert pay("P-1", "I-1", 10_000).amount == Money(10_000)


def test_a_plan_whose_old_instalment_is_only_left_out_closes_it_too(receive, words, left):
    owner = words.liability("P-1")
    receive(words.Export(receivables=(words.receivable("R-1", owner, words.instalment("I-0", "200.00")),)))
    plan = (words.instalment("I-1"), words.instalment("I-2", number=2, due="2027-02-15"))
    whole = words.receivable("R-1", owner, *plan)
    receive(words.Export(receivables=(whole,), payers=(), kinds=(), number=2, kind="incremental"))

    assert left("P-1") == {"I-1": 10_000, "I-2": 10_000}


# Who is liable


SOLD = date(2026, 6, 30)
BOUGHT = date(2026, 7, 1)


@pytest.fixture
def sold(receive, words):
    receive(
        words.Export(
            payers=(words.payer("P-1"), words.payer("P-2", "Nowak Piotr")),
            receivables=(
                words.receivable(
                    "R-1",
                    words.liability("P-1", until=SOLD),
                    words.liability("P-2", from_=BOUGHT),
                    words.instalment("I-1", due="2026-09-15"),
                    words.operation("O-1", "100.00", kind="charge"),
                ),
            ),
        )
    )


@pytest.mark.parametrize(
    ("day", "liable", "other"), [(SOLD, "P-1", "P-2"), (BOUGHT, "P-2", "P-1"), (TODAY, "P-2", "P-1")], ids=str
)
def test_a_house_that_was_sold_in_mid_year_is_on_each_day_its_owners(sold, left, pay, page, day, liable, other):
    assert left(liable, day) == {"I-1": 10_000}
    assert left(other, day) == {}
    assert (page(liable, "R-1", day).status_code, page(other, "R-1", day).status_code) == (200, 404)
    with pytest.raises(NotLiable):
        pay(other, "I-1", 10_000, day)
    assert pay(liable, "I-1", 10_000, day).amount == Money(10_000)


def test_the_payer_at_the_end_of_a_chain_of_three_sees_all_and_may_pay_all(
    receive, words, left, pay, page, balances, tenant, id_of
):
    people = [words.payer(f"P-{each}") for each in (1, 2, 3)]
    debts = tuple(
        words.receivable(
            f"R-{each}",
            words.liability(f"P-{each}"),
            words.instalment(f"I-{each}"),
            words.operation(f"O-{each}", "100.00", kind="charge"),
        )
        for each in (1, 2, 3)
    )
    receive(words.Export(payers=tuple(people), receivables=debts))
    assert left("P-3") == {"I-3": 10_000}
    merged = (words.payer("P-1", merged_into="P-2"), words.payer("P-2", merged_into="P-3"))
    receive(words.Export(payers=merged, receivables=(), kinds=(), number=2, kind="incremental"))

    assert left("P-3") == {"I-1": 10_000, "I-2": 10_000, "I-3": 10_000}
    assert balances("P-3")[-1] == 30_000
    assert [page("P-3", f"R-{each}").status_code for each in (1, 2, 3)] == [200, 200, 200]
    assert pay("P-3", "I-1", 10_000).payer_id == id_of("P-3")
    with tenant.session() as session, bound_to(session):
        user = UserFactory(acts_for=[session.get_one(Payer, id_of("P-1"))])
        (acting,) = list_payers_of(session, user_id=user.id, today=clock.today())
    assert acting.id == id_of("P-3")


# What the books no longer have


def test_a_receivable_that_was_deleted_stays_readable_is_not_payable_and_comes_back(
    receive, words, left, pay, page, balances, rows
):
    gone = words.receivable(
        "R-1",
        words.liability("P-1"),
        words.instalment("I-1"),
        words.operation("O-1", "100.00", kind="charge", document="PK 12/2026"),
        words.document("D-1"),
        title="Podatek skreślony",
    )
    stays = words.receivable("R-2", words.liability("P-1"), words.instalment("I-2"))
    history = "SELECT id, closed_at FROM operations UNION ALL SELECT id, closed_at FROM documents ORDER BY 1"
    receive(words.Export(receivables=(gone, stays)))
    before = rows(history)
    for number in (2, 3):  # and it stays so with every later file
        run = receive(words.Export(receivables=(stays,), number=number))
        assert run.counts == ({"receivables": {"closed": 1}, "instalments": {"closed": 1}} if number == 2 else {})

    assert left("P-1") == {"I-2": 10_000}
    shown = page("P-1", "R-1")
    assert shown.status_code == 200
    assert "Podatek skreślony" in shown.text
    assert "PK 12/2026" in shown.text
    assert 'name="i"' not in shown.text
    assert balances("P-1", "R-1") == [10_000]
    assert rows(history) == before
    with pytest.raises(BasketChanged):
        pay("P-1", "I-1", 10_000)

    receive(words.Export(receivables=(gone, stays), number=4))
    assert left("P-1") == {"I-1": 10_000, "I-2": 10_000}
    assert rows(history) == before
    assert pay("P-1", "I-1", 10_000).amount == Money(10_000)


def test_what_vanished_inside_a_receivable_that_is_still_there_is_closed(receive, words, balances, rows):
    def books(number, *parts):
        parts = (words.liability("P-1"), words.instalment("I-1"), *parts)
        return words.Export(receivables=(words.receivable("R-1", *parts),), number=number)

    charge = words.operation("O-1", "100.00", kind="charge")
    receive(books(1, charge, words.operation("O-2", "5.00", kind="charge"), words.document("D-1")))
    run = receive(books(2, charge))

    assert run.counts == {"operations": {"closed": 1}, "documents": {"closed": 1}}
    assert balances("P-1", "R-1") == [10_000]


# Numbers of people and companies


NUMBERS = {"pesel": "44051401359", "nip": "5260001246", "regon": "123456785"}


def test_numbers_with_right_check_digits_are_kept_and_found_again(receive, words, tenant, rows):
    people = (
        words.payer("P-1", pesel=NUMBERS["pesel"]),
        words.payer("P-2", "Tartak", "company", nip=NUMBERS["nip"], regon=NUMBERS["regon"]),
        words.payer("P-3", "Filia", "company", regon="12345678512347"),
    )
    receive(words.Export(payers=people))

    assert rows("SELECT external_id, nip, regon FROM payers ORDER BY 1") == [
        ("P-1", None, None),
        ("P-2", NUMBERS["nip"], NUMBERS["regon"]),
        ("P-3", None, "12345678512347"),
    ]
    found = rows("SELECT external_id FROM payers WHERE pesel_hash = :hash", hash=hash_pesel(tenant, NUMBERS["pesel"]))
    assert found == [("P-1",)]
    assert rows("SELECT count(*) FROM payers WHERE pesel_sealed LIKE :plain", plain=f"%{NUMBERS['pesel']}%") == [(0,)]


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("place", [0, -1], ids=["the first digit", "the check digit"])
def test_a_number_with_one_wrong_digit_refuses_the_file_and_is_not_repeated(receive, words, rows, kind, place):
    digits = list(NUMBERS[kind])
    digits[place] = str((int(digits[place]) + 1) % 10)
    wrong = "".join(digits)
    run = receive(words.Export(payers=(words.payer("P-1", **{kind: wrong}),)))

    assert [problem.code for problem in run.problems] == [kind]
    assert wrong not in run.problems[0].message
    assert rows("SELECT count(*) FROM payers") == [(0,)]


def test_a_payer_whose_pesel_was_corrected_is_found_by_the_new_one_only(receive, words, tenant, rows):
    receive(words.Export(payers=(words.payer("P-1", pesel=NUMBERS["pesel"]),)))
    receive(words.Export(payers=(words.payer("P-1", pesel="84051203469"),), number=2))

    by_pesel = "SELECT external_id FROM payers WHERE pesel_hash = :hash"
    assert rows(by_pesel, hash=hash_pesel(tenant, NUMBERS["pesel"])) == []
    assert rows(by_pesel, hash=hash_pesel(tenant, "84051203469")) == [("P-1",)]


# The corrected file


def test_a_corrected_file_comes_under_the_number_of_the_refused_one(receive, words, left, rows):
    receive(words.Export())
    wrong = words.receivable("R-1", words.liability("P-7"), words.instalment("I-1", "50.00"))
    right = words.receivable("R-1", words.liability("P-1"), words.instalment("I-1", "50.00"))
    words_of = {"payers": (), "kinds": (), "number": 2, "kind": "incremental"}

    refused = receive(words.Export(receivables=(wrong,), **words_of))
    assert (refused.state, [each.code for each in refused.problems]) == (RunState.REFUSED, ["unknown-payer"])
    assert left("P-1") == {"I-1": 10_000}

    assert receive(words.Export(receivables=(right,), **words_of)).state is RunState.APPLIED
    assert left("P-1") == {"I-1": 5_000}
    again = receive(words.Export(receivables=(right,), **words_of))
    assert [each.code for each in again.problems] == ["old-number"]
    assert rows("SELECT number, state FROM import_runs WHERE number = 2 ORDER BY id") == [
        (2, "refused"),
        (2, "applied"),
        (2, "refused"),
    ]
