"""Operations with the balance after each: to the grosz, of this payer only, and the same in each file."""

import csv
import io
from datetime import date
from uuid import uuid4

import pytest

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.plugin_api import OperationKind
from skarbnik.portal.operations import PAGE, OperationChoice, list_operations, read_operation_choice
from skarbnik.receivables.models import Operation
from skarbnik.testing.factories import PASSWORD, InstalmentFactory, PayerFactory, UserFactory, bound_to

BOOKED = [
    (OperationKind.CHARGE, date(2025, 2, 1), 100_000, 0, 0),
    (OperationKind.PAYMENT, date(2025, 3, 15), -50_000, 0, 0),
    (OperationKind.CHARGE, date(2026, 2, 1), 80_000, 0, 0),
    (OperationKind.PAYMENT, date(2026, 4, 1), -30_000, -700, -1_600),
    (OperationKind.REMISSION, date(2026, 5, 1), -20_000, 0, 0),
]


def book(session, receivable_id, kind, day, principal, interest=0, costs=0):
    number = uuid4().hex
    session.add(
        Operation(
            source="puma", external_id=number, receivable_id=receivable_id, kind=kind, booked_on=day, happened_on=day,
            document=f"WB {number[:4]}/{day.year}", principal=Money(principal), interest=Money(interest),
            costs=Money(costs), digest=uuid4(), run_id=uuid4(),
        )
    )  # fmt: skip
    session.flush()


@pytest.fixture
def town(tenant):
    with tenant.session() as session, bound_to(session):
        payer, other = PayerFactory(), PayerFactory()
        mine, theirs = (InstalmentFactory(payer=each).receivable_id for each in (payer, other))
        for words in BOOKED:
            book(session, mine, *words)
        book(session, theirs, OperationKind.CHARGE, date(2026, 3, 1), 999_999)
        user = UserFactory(acts_for=[payer])
        return {"payer": payer.id, "email": user.email, "mine": mine, "theirs": theirs}


def read(tenant, town, page=1, **choice):
    with tenant.session() as session:
        found = list_operations(
            session, payer_id=town["payer"], today=clock.today(), choice=OperationChoice(**choice), page=page
        )
        return [(row.kind, row.amounts.total.grosze, row.balance.grosze) for row in found]


def test_the_balance_is_the_sum_of_all_operations_up_to_each(tenant, town):
    assert read(tenant, town) == [
        (OperationKind.REMISSION, -20_000, 77_700),
        (OperationKind.PAYMENT, -32_300, 97_700),
        (OperationKind.CHARGE, 80_000, 130_000),
        (OperationKind.PAYMENT, -50_000, 50_000),
        (OperationKind.CHARGE, 100_000, 100_000),
    ]


def test_a_filter_leaves_out_lines_and_not_what_they_did_to_the_balance(tenant, town):
    assert read(tenant, town, kind=OperationKind.PAYMENT) == [
        (OperationKind.PAYMENT, -32_300, 97_700),
        (OperationKind.PAYMENT, -50_000, 50_000),
    ]
    assert [row[2] for row in read(tenant, town, year=2025)] == [50_000, 100_000]
    assert read(tenant, town, receivable=town["theirs"]) == []


def test_pages_follow_each_other_without_a_gap(tenant, town):
    with tenant.session() as session:
        for number in range(PAGE):
            book(session, town["mine"], OperationKind.CHARGE, date(2024, 1, 1), number + 1)
    first, second = read(tenant, town), read(tenant, town, page=2)

    assert len(first) == PAGE + 1
    assert first[-1] == second[0]
    assert len(first[:PAGE] + second) == PAGE + len(BOOKED)


@pytest.mark.parametrize(
    "address", [{"kind": "x"}, {"year": "٢٠٢٥"}, {"year": "99999"}, {"receivable": "x"}, {"year": "-2025"}, {}]
)
def test_an_address_nobody_wrote_filters_nothing(address):
    assert read_operation_choice(address) == OperationChoice()


def test_a_resident_takes_the_operations_as_files(browse, tenant, town):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)
    page = browser.get("/operations?year=2026").text
    assert "777,00" in page
    assert "999" not in page.partition("<main")[2].partition("</main>")[0]

    answer = browser.get("/operations/csv?year=2026")

    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))
    assert [row[-1] for row in rows[1:]] == ["1300,00", "977,00", "777,00"]
    assert browser.get("/operations/pdf").get_data().startswith(b"%PDF-")
    assert browser.get("/operations/xlsx").get_data().startswith(b"PK")
    assert browser.get("/operations/docx").status_code == 404


def test_a_neighbour_takes_nothing(browse, town):
    browser = browse("debina")
    assert browser.get("/operations/csv").status_code == 303
