"""Echoes of payments through the portal that a finance system takes back, or books anew."""

import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.exchange.states import RunState
from skarbnik.payers.models import Payer
from skarbnik.payments.services import record_report
from skarbnik.portal.debts import list_to_pay
from skarbnik.receivables.models import Instalment
from skarbnik.testing.factories import TransactionFactory, bound_to, report_on


@pytest.fixture
def left(tenant):
    """`left()`: grosze of each instalment the payer is shown."""

    def read():
        with tenant.session() as session:
            payer_id = session.scalars(select(Payer.id).where(Payer.external_id == "P-1")).one()
            debts = list_to_pay(session, payer_id=payer_id, today=clock.today(), now=clock.now())
            return [row.grosze for row in debts.rows]

    return read


def paid(tenant, rows):
    """Money came for the only instalment: the id of its booking."""
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True, instalment=session.scalars(select(Instalment)).one())
        record_report(session, transaction.id, report_on(transaction))
    ((booking,),) = rows("SELECT id FROM booking_lines")
    return booking


def test_money_that_goes_out_of_the_books_is_on_its_way_again_and_not_asked_for_twice(
    receive, words, tenant, rows, left
):
    """A finance system that forgot a booking owes its echo as before: what was paid through the portal is paid."""

    def books(number, *echoes, principal="0.00"):
        instalment = words.instalment("I-1", principal, charged="100.00")
        receivable = words.receivable("R-1", words.liability("P-1"), instalment, *echoes)
        return receive(words.Export(receivables=(receivable,), number=number)).state

    assert books(1, principal="100.00") is RunState.APPLIED
    echo = words.operation("O-1", "-100.00", booking=paid(tenant, rows))
    seen = "SELECT seen_at IS NOT NULL FROM booking_lines"

    assert (books(2, echo), rows(seen), left()) == (RunState.APPLIED, [(True,)], [])
    assert (books(3, principal="100.00"), rows(seen), left()) == (RunState.APPLIED, [(False,)], [0])
    assert (books(4, echo), rows(seen), left()) == (RunState.APPLIED, [(True,)], [])


def test_an_echo_booked_anew_takes_the_place_of_the_one_that_is_gone(receive, words, tenant, rows, left):
    """What was booked is not changed: a wrong day is mended by another operation, and a full file closes the old."""

    def books(number, *operations, kind="full"):
        instalment = words.instalment("I-1", "0.00" if operations else "100.00", charged="100.00")
        receivable = words.receivable("R-1", words.liability("P-1"), instalment, *operations)
        return receive(words.Export(receivables=(receivable,), number=number, kind=kind))

    books(1)
    booking = paid(tenant, rows)
    one, other = (words.operation(name, "-100.00", booking=booking) for name in ("O-1", "O-2"))
    assert books(2, one).state is RunState.APPLIED

    assert [each.code for each in books(3, other, kind="incremental").problems] == ["echoed-twice"]
    assert [each.code for each in books(3, one, other).problems] == ["echoed-twice"] * 2
    assert books(3, other).state is RunState.APPLIED
    assert rows("SELECT external_id FROM operations WHERE closed_at IS NULL") == [("O-2",)]
    assert (rows("SELECT seen_at IS NOT NULL FROM booking_lines"), left()) == ([(True,)], [])


def test_an_echo_may_be_booked_anew_on_another_receivable_when_its_own_is_gone(receive, words, tenant, rows):
    """What was booked on a receivable that vanished stays its history, and echoes nothing any more."""

    def books(number, name, *operations, kind="full"):
        instalment = words.instalment(f"I-{name}", "0.00" if operations else "100.00", charged="100.00")
        receivable = words.receivable(f"R-{name}", words.liability("P-1"), instalment, *operations)
        return receive(words.Export(receivables=(receivable,), number=number, kind=kind))

    books(1, 1)
    booking = paid(tenant, rows)
    one, other = (words.operation(name, "-100.00", booking=booking) for name in ("O-1", "O-2"))
    assert books(2, 1, one).state is RunState.APPLIED

    assert [each.code for each in books(3, 2, other, kind="incremental").problems] == ["echoed-twice"]
    assert books(3, 2, other).state is RunState.APPLIED
    assert books(4, 2, other, kind="incremental").state is RunState.APPLIED
    assert books(5, 2, other).state is RunState.APPLIED
    assert rows("SELECT seen_at IS NOT NULL FROM booking_lines") == [(True,)]
