"""What gateway, portal and finance system say differently is opened once, mends itself, or is closed by a person."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from tests.payments.refunding import propose

from skarbnik import clock
from skarbnik.errors import Conflict, NotFound
from skarbnik.money import Money
from skarbnik.payments import differences, settlements
from skarbnik.payments.bookings import mark_refused, release_booking
from skarbnik.payments.differences import MENDED, QUESTIONS, close, give_back, look, take, write_note
from skarbnik.payments.models import BookingLine, Difference, SettlementOrigin
from skarbnik.payments.refunds import approve_refund
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, RefundKind, RefundStage
from skarbnik.payments.suspense import book_capture
from skarbnik.plugin_api import SettlementKind
from skarbnik.testing.factories import InstalmentFactory, OfficialFactory, TransactionFactory, report_on

K = SettlementKind
DAY = date(2026, 11, 24)
NEXT_NIGHT = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.fixture
def published(monkeypatch):
    """What gateways are asked about at once."""
    found = []
    monkeypatch.setattr(differences, "publish", lambda session, topic, subject, **more: found.append((topic, subject)))
    return found


@pytest.fixture
def night(session, account, published):
    """`night(*lines)`: the gateway tells a day, and what differs is looked for."""

    def make(*told, days=1, day=DAY, is_told=True):
        with clock.stopped_at(NEXT_NIGHT + timedelta(days=days - 1)):
            settlements.keep(session, account.id, told, SettlementOrigin.REPORT)
            if is_told:
                settlements.note_told(session, account.id, day, SettlementOrigin.REPORT)
            settlements.match(session, account.id)
            look(session, account.id)
        session.expire_all()

    return make


@pytest.fixture
def queue(session):
    """Kinds and amounts of what is open."""

    def read():
        query = select(Difference.kind, Difference.amount).where(Difference.closed_at.is_(None))
        return [(row.kind, row.amount.grosze) for row in session.execute(query.order_by(Difference.id))]

    return read


@pytest.fixture
def closed(session):
    def read():
        query = select(Difference.kind, Difference.resolution).where(Difference.closed_at.is_not(None))
        return [tuple(row) for row in session.execute(query.order_by(Difference.id))]

    return read


def test_every_kind_can_mend_itself():
    assert QUESTIONS.keys() == MENDED.keys()


def test_a_day_that_agrees_has_no_difference_however_often_it_is_looked_at(captured, told, night, queue):
    capture = captured()

    night(told(capture, fee=Money(120)), told(kind=K.FEE, amount=Money(-50)), told(kind=K.CORRECTION, amount=Money(-1)))
    night(told(capture, fee=Money(120)))

    assert queue() == []


def test_money_the_gateway_has_and_we_do_not_is_asked_about_at_once_and_mends_itself(
    session, account, told, night, queue, closed, published
):
    instalment = InstalmentFactory(receivable__kind__creditor_account=account.creditor_account)
    transaction = TransactionFactory(started=True, instalment=instalment, merchant_account=account)
    line = told(external_id=transaction.external_id, transaction_id=transaction.id)

    night(line)
    assert queue() == [("gateway_only", 10_000)]
    assert published == [("payments.notified", transaction.id), ("settlements.match", account.id)]
    (row,) = session.scalars(select(Difference))
    assert (row.order_id, row.day, row.merchant_account_id) == (transaction.order_id, DAY, account.id)

    record_report(session, transaction.id, report_on(transaction, transaction.external_id))
    night(line)
    assert queue() == []
    assert closed() == [("gateway_only", "captured")]


def test_money_of_another_program_is_shown_and_nobody_is_asked(told, night, queue, published):
    night(told(external_id="SHOP-17"))

    assert queue() == [("gateway_only", 10_000)]
    assert published == []


def test_a_payment_missing_in_the_report_has_two_days_to_come(captured, told, night, queue, closed):
    capture = captured()

    night()
    assert queue() == []
    night(days=2)
    assert queue() == [("portal_only", 10_000)]
    night(told(capture), days=3)
    assert queue() == []
    assert closed() == [("portal_only", "told")]


def test_a_refund_missing_in_the_report_has_two_days_to_come(captured, told, went_back, night, queue, closed):
    capture = captured()
    went_back(capture, 400)

    night(told(capture))
    assert queue() == []
    night(days=2)
    assert queue() == [("portal_only", -400)]
    night(told(kind=K.REFUND, external_id="BACK-1", amount=Money(-400)), days=3)
    assert closed() == [("portal_only", "told")]


def test_a_decision_about_money_says_nothing_about_what_the_gateway_does_not_report(session, captured, night, queue):
    """A person puts too much money on the order, and gives back the rest: it is still not in the gateway's report."""
    capture = captured(paid=10_500)
    night(days=2)
    assert sorted(queue()) == [("capture_in_suspense", 10_500), ("portal_only", 10_500)]

    book_capture(session, capture.id, user_id=OfficialFactory().id)
    assert sorted(queue()) == [("capture_in_suspense", 500), ("portal_only", 10_500)]
    refund = propose(session, capture, OfficialFactory(), of_rest=500, happened_on=clock.today())
    approve_refund(session, refund.id, by=OfficialFactory().id)

    assert queue() == [("portal_only", 10_500)]


def test_a_line_that_is_sent_again_may_be_waited_for_again(session, captured, told, night, queue):
    """The silence that ended with a refusal is not what the person decides about."""
    with clock.stopped_at(datetime(2026, 11, 24, 12, tzinfo=UTC)):
        (booking,) = captured().booking_lines
        booking.move_to(BookingState.SENT)
        booking.sent_at = clock.now()
    session.flush()
    night(days=4, is_told=False)
    assert queue() == [("not_answered", 10_000)]
    mark_refused(session, booking, reason="Rata jest zamknięta")
    release_booking(session, booking.id, user_id=OfficialFactory().id)
    booking.move_to(BookingState.SENT)
    session.flush()
    night(days=5, is_told=False)
    assert queue() == [("not_answered", 10_000)]


def test_nothing_is_missing_in_a_report_that_never_came(captured, night, queue):
    captured()

    night(days=5, is_told=False)

    assert queue() == []


@pytest.mark.parametrize("wrong", [{"amount": Money(9_999)}, {"currency": "EUR"}])
def test_another_amount_is_shown_until_the_gateway_says_the_right_one(captured, told, night, queue, closed, wrong):
    capture = captured()

    night(told(capture, **wrong))
    assert [kind for kind, _amount in queue()] == ["amount_differs"]
    night(told(capture), days=2)
    assert queue() == []
    assert closed() == [("amount_differs", "equal")]


def test_a_refund_nobody_asked_for_here_is_shown_until_it_is_recorded(
    session, captured, told, went_back, night, queue, closed
):
    capture = captured()
    refund = told(kind=K.REFUND, external_id="BACK-1", amount=Money(-400), payment=capture.external_id)

    night(told(capture), refund)
    assert queue() == [("refund_outside", -400)]
    assert session.scalars(select(Difference.order_id)).one() is not None

    went_back(
        capture,
        400,
        None,
        kind=RefundKind.OUTSIDE,
        reference="BACK-1",
        happened_on=DAY,
    )
    night(days=2)
    assert queue() == []
    assert closed() == [("refund_outside", "recorded")]


def test_a_refund_of_another_amount_than_was_asked_for_is_shown(captured, told, went_back, night, queue):
    capture = captured()
    went_back(capture, 400)

    night(told(capture), told(kind=K.REFUND, external_id="BACK-1", amount=Money(-401)))

    assert queue() == [("amount_differs", -401)]


def test_a_refund_by_ordinary_transfer_is_nothing_the_gateway_could_tell(captured, told, went_back, night, queue):
    capture = captured()
    went_back(
        capture,
        400,
        None,
        kind=RefundKind.OUTSIDE,
        reference="PRZELEW 7",
        happened_on=DAY,
    )

    night(told(capture))
    night(days=2)
    night(days=3)

    assert queue() == []


def test_a_chargeback_is_settled_when_it_is_recorded_with_its_number(captured, told, went_back, night, queue, closed):
    capture = captured()
    back = told(kind=K.CHARGEBACK, external_id="CB-1", amount=Money(-400), payment=capture.external_id)
    night(told(capture), back)
    assert queue() == [("chargeback", -400)]

    went_back(
        capture,
        400,
        None,
        kind=RefundKind.CHARGEBACK,
        reference="CB-1",
        happened_on=DAY,
    )
    night(days=2)

    assert queue() == []
    assert closed() == [("chargeback", "recorded")]


def test_a_chargeback_of_more_than_was_recorded_is_shown(captured, told, went_back, night, queue):
    capture = captured()
    went_back(capture, 400, None, kind=RefundKind.CHARGEBACK, reference="CB-1", happened_on=DAY)

    night(told(capture), told(kind=K.CHARGEBACK, external_id="CB-1", amount=Money(-10_000)))

    assert queue() == [("amount_differs", -10_000)]


@pytest.mark.parametrize("state", [RefundStage.REJECTED, RefundStage.WITHDRAWN, RefundStage.DECLINED])
def test_money_that_went_although_its_refund_came_to_nothing_here_is_shown_until_it_is_recorded(
    session, captured, told, went_back, night, queue, state
):
    capture = captured()
    refund = went_back(capture, 400)
    back = told(kind=K.REFUND, external_id="BACK-1", amount=Money(-400), payment=capture.external_id)
    night(told(capture), back)
    refund.state = state  # what came of it here was known later than what the gateway told
    refund.declined_because = "nie" if state is RefundStage.DECLINED else None
    if state is RefundStage.WITHDRAWN:
        refund.decided_by = refund.decided_at = None
    session.flush()

    night(told(capture), back, days=2)
    assert queue() == [("refund_outside", -400)]

    went_back(capture, 400, None, kind=RefundKind.OUTSIDE, reference="BACK-1", happened_on=DAY)
    night(told(capture), back, days=3)
    assert queue() == []


def test_money_that_went_twice_for_one_refund_is_shown_until_the_second_is_recorded(
    captured, told, went_back, night, queue
):
    capture = captured()
    refund = went_back(capture, 400, None)
    words = {"kind": K.REFUND, "amount": Money(-400), "payment": capture.external_id, "refund_id": refund.id}
    twice = [told(external_id=number, **words) for number in ("BACK-1", "BACK-2")]

    night(told(capture), *twice)
    night(told(capture), *twice, days=2)
    assert queue() == [("refund_outside", -400)]

    went_back(capture, 400, None, kind=RefundKind.OUTSIDE, reference="BACK-2", happened_on=DAY)
    night(told(capture), *twice, days=3)
    assert queue() == []


def test_a_refund_recorded_with_the_number_of_another_payments_refund_does_not_settle_that(
    captured, told, went_back, night, queue
):
    """Who sends money back in the panel and records it on another payment has not told of the first one."""
    capture, other = captured(), captured()
    back = told(kind=K.REFUND, external_id="BACK-1", amount=Money(-400), payment=capture.external_id)
    night(told(capture), told(other), back)

    went_back(other, 400, None, kind=RefundKind.OUTSIDE, reference="BACK-1", happened_on=DAY)
    night(told(capture), told(other), back, days=2)

    assert queue() == [("refund_outside", -400)]


def test_money_in_suspense_is_not_lost_by_closing_its_difference(session, captured, queue):
    captured(10_000, paid=9_000)
    (difference,) = session.scalars(select(Difference))
    assert difference.kind == "capture_in_suspense"

    with pytest.raises(Conflict):
        close(session, difference.id, resolution="nic", by=OfficialFactory().id)


def test_a_chargeback_waits_for_a_person_and_stays_closed(session, captured, told, night, queue):
    capture, official = captured(), OfficialFactory()
    back = told(kind=K.CHARGEBACK, external_id="CB-1", amount=Money(-10_000), payment=capture.external_id)
    night(told(capture), back)
    assert queue() == [("chargeback", -10_000)]

    (difference,) = session.scalars(select(Difference))
    close(session, difference.id, resolution="Bank oddał pieniądze", by=official.id)
    session.flush()
    night(told(capture), back, days=2)
    assert queue() == []

    night(told(kind=K.CHARGEBACK, external_id="CB-1", amount=Money(-9_000), payment=capture.external_id), days=3)
    assert queue() == [("chargeback", -9_000)]


def test_what_mended_itself_and_differs_again_is_open_again(captured, told, night, queue, closed):
    capture = captured()
    night(told(capture, amount=Money(1)))
    night(told(capture), days=2)

    night(told(capture, amount=Money(1)), days=3)

    assert queue() == [("amount_differs", 1)]
    assert closed() == [("amount_differs", "equal")]


def test_an_open_difference_shows_the_newest_amount(captured, told, night, queue):
    capture = captured()
    night(told(capture, amount=Money(1)))

    night(told(capture, amount=Money(2)), days=2)

    assert queue() == [("amount_differs", 2)]


def test_a_payout_that_is_not_the_sum_of_its_lines_is_shown_by_how_much(captured, told, night, queue, closed):
    capture = captured()
    lines = [told(capture, fee=Money(100), payout="P-1"), told(kind=K.FEE, amount=Money(-50), payout="P-1")]

    night(told(kind=K.PAYOUT, external_id="P-1", amount=Money(9_848), fee=Money(3)), *lines)
    assert queue() == [("payout_differs", 1)]
    night(told(kind=K.PAYOUT, external_id="P-1", amount=Money(9_847), fee=Money(3)), days=2)
    assert queue() == []
    assert closed() == [("payout_differs", "adds_up")]


@pytest.mark.parametrize(("state", "kind"), [("waiting", "not_sent"), ("sent", "not_answered")])
def test_money_the_finance_system_is_silent_about_for_three_days_is_shown(
    session, captured, told, night, queue, closed, state, kind
):
    with clock.stopped_at(datetime(2026, 11, 24, 12, tzinfo=UTC)):
        capture = captured()
        (booking,) = capture.booking_lines
        if state == "sent":
            booking.move_to(BookingState.SENT)
            booking.sent_at = clock.now()
    session.flush()

    night(told(capture), days=3)
    assert queue() == []
    night(days=4)
    assert queue() == [(kind, 10_000)]
    (booking,) = session.scalars(select(BookingLine))
    booking.move_to(BookingState.BOOKED)
    night(days=5)
    assert queue() == []
    assert closed() == [(kind, "moved_on")]


def test_it_is_taken_by_one_person_taken_over_by_another_and_given_back(session, told, night):
    first, second = OfficialFactory(), OfficialFactory()
    night(told())
    (difference,) = session.scalars(select(Difference))

    assert take(session, difference.id, by=first.id).owner_id == first.id
    assert take(session, difference.id, by=second.id).owner_id == second.id
    assert give_back(session, difference.id).owner_id is None
    assert write_note(session, difference.id, "  pytałam PayU  ").note == "pytałam PayU"
    assert write_note(session, difference.id, " ").note is None


def test_a_closed_one_is_changed_by_nobody(session, told, night):
    official = OfficialFactory()
    night(told())
    (difference,) = session.scalars(select(Difference))
    close(session, difference.id, resolution="inny program", by=official.id)

    assert (difference.closed_by, difference.resolution) == (official.id, "inny program")
    for act in (
        lambda: take(session, difference.id, by=official.id),
        lambda: give_back(session, difference.id),
        lambda: write_note(session, difference.id, "x"),
        lambda: close(session, difference.id, resolution="x", by=official.id),
    ):
        with pytest.raises(Conflict):
            act()
    with pytest.raises(NotFound):
        take(session, official.id, by=official.id)


def test_money_that_waits_for_a_decision_is_not_lost_by_closing_its_difference(session, account, told, captured):
    capture, official = captured(), OfficialFactory()
    (booking,) = capture.booking_lines
    paid = booking.order_line.instalment
    transaction = TransactionFactory(started=True, merchant_account=account, instalment=paid)
    record_report(session, transaction.id, report_on(transaction, "AGAIN"))
    (difference,) = session.scalars(select(Difference))
    assert (difference.kind, difference.merchant_account_id) == ("overpaid", account.id)

    with pytest.raises(Conflict):
        close(session, difference.id, resolution="nic", by=official.id)
    release_booking(session, difference.subject_id, user_id=official.id)
    session.refresh(difference)
    assert difference.resolution == "released"
