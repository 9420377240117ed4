"""What goes back stands beside what it takes back: told to the books when they know of it, and owed again at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from lxml import etree
from sqlalchemy import select
from tests.payments.refunding import answered, echo, holds, left_of, lines_of, open_kinds, propose, states

from skarbnik import clock
from skarbnik.errors import ForbiddenTransition
from skarbnik.exchange import batches
from skarbnik.money import Money
from skarbnik.office.queries import money_equation
from skarbnik.payments.bookings import mark_booked, mark_refused, release_booking
from skarbnik.payments.models import Capture, Difference
from skarbnik.payments.refunds import (
    approve_refund,
    propose_refund,
)
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState, RefundKind, RefundStage
from skarbnik.plugin_api import RefundState
from skarbnik.receivables.models import Instalment
from skarbnik.testing.factories import (
    InstalmentFactory,
    OfficialFactory,
    OrderLineFactory,
    SourceFactory,
    TransactionFactory,
    bound_to,
    report_on,
)
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

B, R = BookingState, RefundStage
PUMA = PumaFinanceSystem(PumaSettings(tenant_code="PL-LIPOWO"))


def test_what_no_batch_had_yet_never_comes_to_the_books(session, paid, give_back):
    capture = paid()
    give_back(capture, 5_000)
    assert states(session, capture) == [(12_500, B.WAITING), (-5_000, B.WAITING)]
    assert left_of(session, capture) == 5_000

    give_back(capture, 7_500)

    assert {state for _amount, state in states(session, capture)} == {B.REFUNDED}
    assert left_of(session, capture) == 12_500
    assert (capture.state, capture.transaction.order.state) == (CaptureState.REFUNDED, PaymentOrderState.REFUNDED)
    assert holds(session)


@pytest.mark.parametrize("state", [B.SENT, B.BOOKED])
def test_what_the_books_have_is_taken_back_there_with_the_next_batch(session, paid, give_back, state):
    capture = paid()
    (line,) = lines_of(session, capture)
    line.move_to(B.SENT)
    if state is B.BOOKED:
        mark_booked(session, line, reference="WB 1", booked_on=clock.today())
    give_back(capture, 5_000)

    assert states(session, capture) == [(12_500, state), (-5_000, B.WAITING)]
    assert left_of(session, capture) == 5_000
    assert capture.transaction.order.state is PaymentOrderState.PAID
    assert holds(session)


def test_a_batch_made_while_the_money_goes_back_at_the_gateway_is_answered_by_the_next_one(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 12_500, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    answered(session, refund, RefundState.PENDING)
    lines_of(session, capture)[0].move_to(B.SENT)
    session.flush()

    answered(session, refund, RefundState.COMPLETED)

    assert states(session, capture) == [(12_500, B.SENT), (-12_500, B.WAITING)]
    assert capture.transaction.order.state is PaymentOrderState.REFUNDED
    assert holds(session)


def test_a_debt_whose_money_went_back_is_open_at_once_and_stays_open_when_the_books_say_so(session, paid, give_back):
    capture = paid()
    (line,) = lines_of(session, capture)
    line.move_to(B.SENT)
    mark_booked(session, line, reference="WB 1", booked_on=clock.today())
    echo(session, line)
    assert left_of(session, capture) == 0

    give_back(capture, 5_000)
    assert left_of(session, capture) == 5_000
    back = lines_of(session, capture)[1]
    back.move_to(B.SENT)
    assert left_of(session, capture) == 5_000
    mark_booked(session, back, reference="ZW 1", booked_on=clock.today())
    assert left_of(session, capture) == 5_000

    assert echo(session, back) == 1
    assert left_of(session, capture) == 5_000
    assert holds(session)


def test_a_line_in_suspense_is_partly_booked_and_partly_refunded(session, paid, give_back, people):
    capture = paid()
    instalment = session.get_one(Instalment, lines_of(session, capture)[0].instalment_id)
    again = TransactionFactory(started=True, instalment=instalment, amount=Money(12_500))
    record_report(session, again.id, report_on(again, "E-AGAIN"))
    second = session.scalars(select(Capture).where(Capture.transaction_id == again.id)).one()
    give_back(second, 7_500)

    (difference,) = session.scalars(select(Difference).where(Difference.closed_at.is_(None)))
    session.refresh(difference)
    assert (difference.kind, difference.amount) == ("overpaid", Money(5_000))
    assert states(session, second) == [(12_500, B.IN_SUSPENSE), (-7_500, B.IN_SUSPENSE)]
    release_booking(session, lines_of(session, second)[0].id, user_id=people[0].id)
    assert states(session, second) == [(12_500, B.WAITING), (-7_500, B.WAITING)]
    assert open_kinds(session) == []
    assert holds(session)


def test_a_line_in_suspense_that_went_back_whole_needs_no_decision(session, paid, give_back):
    capture = paid()
    instalment = session.get_one(Instalment, lines_of(session, capture)[0].instalment_id)
    again = TransactionFactory(started=True, instalment=instalment, amount=Money(12_500))
    record_report(session, again.id, report_on(again, "E-AGAIN"))
    second = session.scalars(select(Capture).where(Capture.transaction_id == again.id)).one()
    assert open_kinds(session) == ["overpaid"]

    give_back(second, 12_500)

    assert open_kinds(session) == []
    assert left_of(session, capture) == 0
    assert holds(session)


def test_a_refused_line_goes_back_or_is_sent_again_with_what_is_left(session, paid, give_back, people):
    capture = paid()
    (line,) = lines_of(session, capture)
    line.move_to(B.SENT)
    mark_refused(session, line, reason="Rata jest zamknięta")
    give_back(capture, 2_500)
    assert states(session, capture) == [(12_500, B.REFUSED), (-2_500, B.REFUSED)]

    release_booking(session, line.id, user_id=people[0].id)

    assert states(session, capture) == [(12_500, B.WAITING), (-2_500, B.WAITING)]
    assert holds(session)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("how", ["answer", "echo"])
def test_a_line_the_books_took_after_its_money_went_back_is_taken_back_there(session, paid, give_back, whole, how):
    """It was refused, its money went back, and then somebody there booked it after all."""
    capture = paid()
    (line,) = lines_of(session, capture)
    line.move_to(B.SENT)
    mark_refused(session, line, reason="Rata jest zamknięta")
    give_back(capture, 12_500 if whole else 2_500)
    (line, _back) = lines_of(session, capture)
    if how == "answer":
        mark_booked(session, line, reference="WB 1", booked_on=clock.today())
    else:
        assert echo(session, line) == 1

    assert [state for _amount, state in states(session, capture)] == [B.BOOKED, B.WAITING]
    assert left_of(session, capture) == (12_500 if whole else 2_500)
    assert holds(session)


def test_a_planned_or_refunded_line_is_not_sent_to_be_booked(session, paid, give_back, people):
    capture = paid()
    propose(session, capture, people[0], 500)
    planned = lines_of(session, capture)[1]
    with pytest.raises(ForbiddenTransition):
        release_booking(session, planned.id, user_id=people[0].id)
    give_back(capture, 12_000)
    other = paid()
    give_back(other, 12_500)
    with pytest.raises(ForbiddenTransition):
        release_booking(session, lines_of(session, other)[0].id, user_id=people[0].id)


def test_a_batch_and_a_refund_at_the_same_moment_leave_the_equation_whole(tenant):
    """Whichever is first: the finance system hears of the money and of its refund, or of neither."""
    with tenant.session() as session, bound_to(session):
        SourceFactory()
        first, second = OfficialFactory(), OfficialFactory().id
        captures = []
        for number in range(6):
            transaction = TransactionFactory(started=True)
            record_report(session, transaction.id, report_on(transaction, f"E-{number}"))
            captures.append(session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one())
        refunds = [propose(session, capture, first, 10_000, kind=RefundKind.OUTSIDE).id for capture in captures]
    together = Barrier(3, timeout=20)

    def confirm(ids):
        together.wait()
        for each in ids:
            with tenant.session() as session:
                approve_refund(session, each, by=second)

    def batch():
        together.wait()
        for _ in range(4):
            with tenant.session() as session:
                batches.make_batch(session, "puma", PUMA)

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(confirm, refunds[:3]), pool.submit(confirm, refunds[3:]), pool.submit(batch)]:
            each.result(30)
    with tenant.session() as session:
        batches.make_batch(session, "puma", PUMA)
        for capture in captures:
            found = [state for _amount, state in states(session, capture)]
            assert found in ([B.REFUNDED, B.REFUNDED], [B.SENT, B.SENT])
        assert all(each.holds for each in money_equation(session))


def test_the_finance_system_is_told_the_day_the_money_went_back(session, paid, give_back, people):
    with clock.stopped_at(datetime(2026, 11, 20, 10, tzinfo=UTC)):
        capture = paid()
        lines_of(session, capture)[0].move_to(B.SENT)
        session.flush()
    with clock.stopped_at(datetime(2026, 11, 27, 10, tzinfo=UTC)):
        refund = propose(session, capture, people[0], 5_000, happened_on=clock.today() - timedelta(days=2))
        approve_refund(session, refund.id, by=people[1].id)
        session.flush()
        ((_line, item),) = batches._waiting(session, "puma")

    assert item.amounts.total == Money(-5_000)
    assert clock.local_day(item.paid_at).isoformat() == "2026-11-25"


def test_a_basket_is_refunded_line_by_line(session, people):
    first = InstalmentFactory(principal=Money(3_000))
    second = InstalmentFactory(receivable=first.receivable, number=2, principal=Money(7_000))
    transaction = TransactionFactory(started=True, instalment=first)
    OrderLineFactory(
        order=transaction.order, instalment=second, payer_id=transaction.order.payer_id, position=2,
        creditor_account_id=first.receivable.kind.creditor_account_id, principal=Money(7_000),
    )  # fmt: skip
    session.expire_all()
    record_report(session, transaction.id, report_on(transaction, "E-1"))
    capture = session.scalars(select(Capture)).one()
    lines = {line.amounts.total.grosze: line for line in lines_of(session, capture)}
    made = propose_refund(
        session, capture.id, kind=RefundKind.OUTSIDE, reason="x", by=people[0].id, happened_on=clock.today(),
        reference="WB 1", lines={lines[3_000].id: Money(3_000), lines[7_000].id: Money(1)},
    )  # fmt: skip
    approve_refund(session, made.id, by=people[1].id)

    assert sorted(states(session, capture)) == [
        (-3_000, B.REFUNDED), (-1, B.WAITING), (3_000, B.REFUNDED), (7_000, B.WAITING),
    ]  # fmt: skip
    assert transaction.order.state is PaymentOrderState.PAID
    assert holds(session)


def test_what_went_back_of_a_line_that_is_refused_does_not_go_to_the_books_alone(session, paid, give_back):
    """The refund came to pass while the batch was on its way; the finance system then took none of it."""
    capture = paid()
    lines_of(session, capture)[0].move_to(B.SENT)
    session.flush()
    give_back(capture, 5_000)

    mark_refused(session, lines_of(session, capture)[0], reason="zamknięte")

    assert B.WAITING not in [state for _grosze, state in states(session, capture)]
    assert open_kinds(session) == ["booking_refused"]
    assert holds(session)

    release_booking(session, lines_of(session, capture)[0].id, user_id=OfficialFactory().id)
    assert states(session, capture) == [(12_500, B.WAITING), (-5_000, B.WAITING)]


def test_a_refused_line_all_of_which_went_back_meanwhile_needs_no_decision(session, paid, give_back):
    capture = paid()
    lines_of(session, capture)[0].move_to(B.SENT)
    session.flush()
    give_back(capture, 12_500)

    mark_refused(session, lines_of(session, capture)[0], reason="zamknięte")

    assert states(session, capture) == [(12_500, B.REFUNDED), (-12_500, B.REFUNDED)]
    assert open_kinds(session) == []
    assert holds(session)


def test_the_books_tell_refunds_of_two_payments_of_one_order_apart(session, paid, give_back, people):
    """Each is a booking with an id of its own and the gateway's number of its own payment; the order is one."""
    source, first = SourceFactory(), paid()
    record_report(session, first.transaction_id, report_on(first.transaction, "E-AGAIN"))
    second = session.scalars(select(Capture).where(Capture.external_id == "E-AGAIN")).one()
    release_booking(session, lines_of(session, second)[0].id, user_id=people[0].id)
    for capture, grosze in ((first, 5_000), (first, 5_000), (second, 5_000)):
        give_back(capture, grosze)

    batch = batches.make_batch(session, source.id, PUMA)

    bookings = [each.attrib for each in etree.fromstring(batch.content)]
    back = [each for each in bookings if each["principal"].startswith("-")]
    assert len({each["id"] for each in bookings}) == len(bookings) == 5
    assert sorted(each["gateway-id"] for each in back) == sorted(
        [first.external_id, first.external_id, second.external_id]
    )
    assert {each["order"] for each in bookings} == {first.transaction.order.number}
    ours = {str(line.id): capture.external_id for capture in (first, second) for line in lines_of(session, capture)}
    assert all(ours[each["id"]] == each["gateway-id"] for each in bookings)
