"""Money that goes back: never more than came, to the grosz, once, and told to the books when they know of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from skarbnik import clock
from skarbnik.errors import Conflict, Forbidden, ForbiddenTransition, Invalid, NotFound
from skarbnik.exchange import batches
from skarbnik.money import Amounts, Money
from skarbnik.office.queries import money_equation
from skarbnik.payments.bookings import mark_booked, mark_refused, mark_seen, release_booking
from skarbnik.payments.models import BookingLine, Capture, Difference, Refund
from skarbnik.payments.queries import get_order, left_to_pay, rest_of
from skarbnik.payments.refunds import (
    TooMuch,
    approve_refund,
    decline_refund,
    mark_refund_refused,
    propose_refund,
    record_refund_report,
    withdraw_refund,
)
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState, RefundKind, RefundStage
from skarbnik.payments.suspense import book_capture, spread
from skarbnik.plugin_api import OperationKind, RefundReport, RefundState
from skarbnik.receivables.models import Instalment, Operation
from skarbnik.testing.factories import (
    InstalmentFactory,
    OfficialFactory,
    OrderLineFactory,
    PayerFactory,
    SourceFactory,
    TransactionFactory,
    bound_to,
    report_on,
)
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

B, R = BookingState, RefundStage
PUMA = PumaFinanceSystem(PumaSettings(tenant_code="PL-LIPOWO"))
PARTS = st.builds(Amounts, *[st.integers(0, 10**9).map(Money)] * 3)


@given(PARTS, st.data())
def test_a_part_is_split_in_proportion_and_to_the_grosz(whole, data):
    total = Money(data.draw(st.integers(0, whole.total.grosze)))

    part = whole.split(total)

    assert part.total == total
    for share, of in zip(
        (part.principal, part.interest, part.costs), (whole.principal, whole.interest, whole.costs), strict=True
    ):
        assert Money(0) <= share <= of
        assert abs(share.grosze * whole.total.grosze - of.grosze * total.grosze) < max(whole.total.grosze, 1)


@given(PARTS, st.lists(st.integers(0, 10**9), max_size=5))
def test_parts_taken_one_after_another_come_to_the_whole(whole, takes):
    left = whole
    for take in takes:
        left -= left.split(Money(min(take, left.total.grosze)))
    assert left - left.split(left.total) == Amounts()


@pytest.mark.parametrize("total", [-1, 101])
def test_no_part_is_below_nothing_or_above_the_whole(total):
    with pytest.raises(ValueError, match="is no part of"):
        Amounts(Money(60), Money(40)).split(Money(total))


def test_worked_examples_of_a_split():
    assert Amounts(Money(10_000), Money(900), Money(1_600)).split(Money(5_000)) == Amounts(
        Money(4_000), Money(360), Money(640)
    )
    assert Amounts(Money(1), Money(1), Money(1)).split(Money(1)) == Amounts(Money(1))
    assert Amounts(Money(1), Money(1), Money(1)).split(Money(2)) == Amounts(Money(1), Money(1))


@pytest.fixture
def people(session):
    return OfficialFactory(), OfficialFactory()


@pytest.fixture
def paid(session):
    """`paid()`: a capture of an instalment with 100,00 zł, interest 9,00 and costs 16,00; more is of the report."""

    def make(amount=None, **report):
        instalment = InstalmentFactory(interest=Money(900), costs=Money(1_600), payer=PayerFactory())
        transaction = TransactionFactory(started=True, instalment=instalment, amount=Money(12_500))
        record_report(session, transaction.id, report_on(transaction, f"E-{transaction.id}", amount, **report))
        return session.scalars(select(Capture).where(Capture.transaction_id == transaction.id)).one()

    return make


def lines_of(session, capture):
    session.flush()
    session.expire_all()
    capture_id = inspect(capture).identity[0]
    return session.scalars(
        select(BookingLine).where(BookingLine.capture_id == capture_id).order_by(BookingLine.id)
    ).all()


def states(session, capture):
    return [(line.amounts.total.grosze, line.state) for line in lines_of(session, capture)]


@pytest.fixture
def give_back(session, people):
    """`give_back(capture, grosze)`: recorded by one, confirmed by another. `of_rest` is of what is on no line."""

    def do(capture, grosze=0, *, of_rest=0, kind=RefundKind.OUTSIDE):
        made = propose(session, capture, people[0], grosze, of_rest=of_rest, kind=kind)
        return approve_refund(session, made.id, by=people[1].id)

    return do


def propose(session, capture, by, grosze=0, *, of_rest=0, kind=RefundKind.OUTSIDE, **more):
    original = next((line for line in lines_of(session, capture) if line.refund_id is None), None)
    words = {"happened_on": clock.today(), "reference": "WB 7", "reason": "nadpłata"} | more
    return propose_refund(
        session,
        capture.id,
        kind=kind,
        lines={original.id: Money(grosze)} if grosze else {},
        on_no_line=Money(of_rest),
        by=by.id,
        **words,
    )


def answered(session, refund, state, **more):
    words = {"amount": refund.amount, "currency": "PLN"} | more
    return record_refund_report(
        session, refund.id, RefundReport(refund.id, "R-1", words["amount"], words["currency"], state)
    )


def left_of(session, capture):
    session.flush()
    instalment = session.get_one(Instalment, lines_of(session, capture)[0].instalment_id)
    return left_to_pay(session, [instalment])[instalment.id].total.grosze


def holds(session):
    session.flush()
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    return all(each.holds for each in money_equation(session))


def open_kinds(session):
    session.flush()
    return sorted(session.scalars(select(Difference.kind).where(Difference.closed_at.is_(None))))


def test_nothing_moves_while_a_refund_is_only_proposed(session, paid, people):
    capture = paid()
    propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)

    assert states(session, capture) == [(12_500, B.WAITING), (-5_000, B.PLANNED)]
    assert left_of(session, capture) == 0
    assert holds(session)


def test_a_proposal_says_how_much_of_principal_interest_and_costs_goes_back(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000)

    (line,) = refund.lines
    assert line.amounts == Amounts(Money(-4_000), Money(-360), Money(-640))


@pytest.mark.parametrize("what", [approve_refund, decline_refund])
def test_who_proposed_does_not_decide(session, paid, people, what):
    refund = propose(session, paid(), people[0], 5_000)
    more = {"reason": "nie"} if what is decline_refund else {}
    with pytest.raises(Forbidden):
        what(session, refund.id, by=people[0].id, **more)
    assert refund.state is R.PROPOSED


def test_the_database_wants_four_eyes_too(session, paid, people):
    refund = propose(session, paid(), people[0], 5_000, kind=RefundKind.GATEWAY)
    refund.decided_by, refund.decided_at, refund.state = people[0].id, clock.now(), R.APPROVED
    with pytest.raises(IntegrityError, match="four_eyes"):
        session.flush()


def test_the_database_lets_no_gateway_be_asked_without_a_second_person(session, paid, people):
    refund = propose(session, paid(), people[0], 5_000, kind=RefundKind.GATEWAY)
    refund.state = R.APPROVED
    with pytest.raises(IntegrityError, match="refunds_decided_check"):
        session.flush()


def test_only_who_proposed_withdraws_and_only_before_a_decision(session, paid, people):
    refund = propose(session, paid(), people[0], 5_000, kind=RefundKind.GATEWAY)
    with pytest.raises(Forbidden):
        withdraw_refund(session, refund.id, by=people[1].id)
    approve_refund(session, refund.id, by=people[1].id)
    with pytest.raises(ForbiddenTransition):
        withdraw_refund(session, refund.id, by=people[0].id)


def test_more_than_is_left_of_a_line_is_not_proposed(session, paid, people, give_back):
    capture = paid()
    give_back(capture, 5_000)
    propose(session, capture, people[0], 4_000)
    with pytest.raises(TooMuch):
        propose(session, capture, people[0], 3_501)
    propose(session, capture, people[0], 3_500)


def test_what_came_to_nothing_can_be_proposed_again(session, paid, people):
    capture = paid()
    for end in ("withdrawn", "declined", "rejected"):
        refund = propose(session, capture, people[0], 12_500, kind=RefundKind.GATEWAY)
        if end == "withdrawn":
            withdraw_refund(session, refund.id, by=people[0].id)
        elif end == "declined":
            decline_refund(session, refund.id, by=people[1].id, reason="nie")
        else:
            approve_refund(session, refund.id, by=people[1].id)
            mark_refund_refused(session, refund.id, answer="NO_BALANCE")
    assert [line.state for line in lines_of(session, capture)][1:] == [B.DROPPED] * 3
    assert holds(session)


@pytest.mark.parametrize("wrong", [{"grosze": 0}, {"grosze": -1}, {"grosze": 5, "reason": "  "}])
def test_a_refund_is_of_something_and_has_a_reason(session, paid, people, wrong):
    with pytest.raises(Invalid):
        propose(session, paid(), people[0], **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"happened_on": None},
        {"reference": None},
        {"reference": " "},
        {"happened_on": clock.today() + timedelta(days=1)},
        {"happened_on": clock.today() - timedelta(days=9)},
    ],
)
@pytest.mark.parametrize("kind", [RefundKind.OUTSIDE, RefundKind.CHARGEBACK])
def test_money_that_went_without_us_has_a_day_and_a_reference(session, paid, people, kind, wrong):
    with pytest.raises(Invalid):
        propose(session, paid(), people[0], 100, kind=kind, **wrong)


def test_a_line_of_another_payment_is_not_refunded_here(session, paid, people):
    capture, other = paid(), paid()
    (line,) = lines_of(session, other)
    with pytest.raises(NotFound):
        propose_refund(
            session, capture.id, kind=RefundKind.GATEWAY, lines={line.id: Money(1)}, reason="x", by=people[0].id
        )


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


def echo(session, line):
    """The finance system's operation for a line, as an import brings it, and the balance it leaves."""
    instalment, run_id = session.get_one(Instalment, line.instalment_id), uuid4()
    session.add(
        Operation(
            source="puma", external_id=str(uuid4()), receivable_id=instalment.receivable_id,
            instalment_id=instalment.id, kind=OperationKind.PAYMENT, booked_on=clock.today(),
            happened_on=clock.today(), document="WB 1", principal=-line.principal, interest=-line.interest,
            costs=-line.costs, booking_id=line.id, digest=uuid4(), run_id=run_id,
        )
    )  # fmt: skip
    instalment.principal -= line.principal
    instalment.interest -= line.interest
    instalment.costs -= line.costs
    session.flush()
    return mark_seen(session, run_id)


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


def test_a_chargeback_lowers_money_as_a_refund_does(session, paid, give_back):
    capture = paid()
    refund = give_back(capture, 12_500, kind=RefundKind.CHARGEBACK)

    assert (refund.state, capture.transaction.order.state) == (R.COMPLETED, PaymentOrderState.REFUNDED)
    assert refund.went_back_at is not None
    assert clock.local_day(refund.went_back_at) == clock.today()
    assert holds(session)


@pytest.mark.parametrize(
    "wrong", [{"amount": Money(12_600)}, {"amount": Money(12_400)}, {"currency": "EUR"}, {"merchant": "999999"}]
)
def test_money_that_does_not_fit_goes_back_without_lines(session, paid, give_back, wrong):
    capture = paid(**wrong)
    give_back(capture, of_rest=capture.amount.grosze - 100)
    assert open_kinds(session) == ["capture_in_suspense"]
    give_back(capture, of_rest=100)

    assert lines_of(session, capture) == []
    assert (capture.state, capture.transaction.order.state) == (CaptureState.REFUNDED, PaymentOrderState.REFUNDED)
    assert open_kinds(session) == []
    assert holds(session)


def test_too_much_money_is_booked_and_what_is_above_goes_back(session, paid, give_back, people):
    capture = paid(Money(12_600))
    book_capture(session, capture.id, user_id=people[0].id)

    assert states(session, capture) == [(12_500, B.WAITING)]
    assert capture.transaction.order.state is PaymentOrderState.PAID
    (difference,) = session.scalars(select(Difference))
    session.refresh(difference)
    assert (difference.closed_at, difference.amount) == (None, Money(100))
    assert holds(session)

    give_back(capture, of_rest=100)
    assert open_kinds(session) == []
    assert holds(session)


def test_too_little_money_pays_a_part_of_the_line_in_proportion(session, paid, people):
    capture = paid(Money(5_000))
    book_capture(session, capture.id, user_id=people[0].id)

    (line,) = lines_of(session, capture)
    assert line.amounts == Amounts(Money(4_000), Money(360), Money(640))
    order = get_order(session, capture.transaction.order.number)
    assert order.state is PaymentOrderState.PARTLY_PAID
    assert rest_of(order) == Money(7_500)
    assert left_of(session, capture) == 7_500
    assert open_kinds(session) == []
    assert holds(session)


@pytest.mark.parametrize("wrong", [{"currency": "EUR"}, {"merchant": "999999"}, {}])
def test_only_money_of_another_amount_is_put_on_lines(session, paid, people, wrong):
    capture = paid(**wrong)
    with pytest.raises(Conflict):
        book_capture(session, capture.id, user_id=people[0].id)


def test_money_that_is_on_its_way_back_is_not_booked_besides(session, paid, people):
    capture = paid(Money(5_000))
    propose(session, capture, people[0], of_rest=5_000)
    with pytest.raises(Conflict):
        book_capture(session, capture.id, user_id=people[0].id)


@given(st.lists(st.builds(Amounts, *[st.integers(0, 5_000).map(Money)] * 3), max_size=5), st.integers(1, 60_000))
def test_money_is_spread_over_lines_to_the_grosz_and_in_their_order(amounts, grosze):
    class Line:
        def __init__(self, of):
            self.amounts = of

    lines = [Line(each) for each in amounts]
    parts = list(spread(lines, Money(grosze)))

    assert Amounts.sum(part for _line, part in parts).total.grosze == min(grosze, Amounts.sum(amounts).total.grosze)
    assert all(part == line.amounts for line, part in parts[:-1])


def test_an_order_whose_money_went_back_is_paid_by_money_that_comes_later(session, paid, give_back):
    capture = paid()
    give_back(capture, 12_500)
    attempt = capture.transaction
    assert attempt.order.state is PaymentOrderState.REFUNDED

    record_report(session, attempt.id, report_on(attempt, "E-LATE"))

    assert attempt.order.state is PaymentOrderState.PAID
    assert holds(session)


def test_a_report_about_another_amount_changes_nothing_and_is_shown(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    answered(session, refund, RefundState.COMPLETED, amount=Money(4_999))

    assert refund.state is R.APPROVED
    assert open_kinds(session) == ["refund_amount"]


def test_a_refund_that_went_after_a_refusal_is_shown_to_a_person(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    mark_refund_refused(session, refund.id, answer="NO_BALANCE")
    answered(session, refund, RefundState.COMPLETED)

    assert refund.state is R.REJECTED
    assert open_kinds(session) == ["refund_after_all", "refund_refused"]


def test_the_gateways_answer_counts_once_and_in_any_order(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    approve_refund(session, refund.id, by=people[1].id)
    for state in (RefundState.COMPLETED, RefundState.PENDING, RefundState.COMPLETED, RefundState.REJECTED):
        answered(session, refund, state)

    assert refund.state is R.COMPLETED
    assert states(session, capture) == [(12_500, B.WAITING), (-5_000, B.WAITING)]
    assert open_kinds(session) == []


def test_a_gateway_that_answers_before_anybody_approved_is_not_believed(session, paid, people):
    capture = paid()
    refund = propose(session, capture, people[0], 5_000, kind=RefundKind.GATEWAY)
    answered(session, refund, RefundState.COMPLETED)
    assert refund.state is R.PROPOSED


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE refunds SET amount = amount + 1",
        "UPDATE booking_lines SET principal = principal - 1 WHERE refund_id IS NOT NULL",
        "UPDATE booking_lines SET principal = -10001, interest = 5001 WHERE refund_id IS NOT NULL",
        "UPDATE booking_lines SET state = 'dropped' WHERE refund_id IS NOT NULL",
    ],
)
def test_the_database_lets_no_more_go_back_than_came(session, paid, people, change):
    propose(session, paid(), people[0], 5_000)
    session.execute(text(change))
    with pytest.raises(IntegrityError, match=r"has refunds of|more goes back"):
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_of_eight_who_propose_at_once_no_more_comes_through_than_there_is(tenant):
    with tenant.session() as session, bound_to(session):
        transaction = TransactionFactory(started=True)
        record_report(session, transaction.id, report_on(transaction))
        capture_id, by = session.scalars(select(Capture.id)).one(), OfficialFactory().id
        line_id = session.scalars(select(BookingLine.id)).one()
    together = Barrier(8, timeout=20)

    def ask(_):
        together.wait()
        try:
            with tenant.session() as session:
                propose_refund(
                    session, capture_id, kind=RefundKind.GATEWAY, lines={line_id: Money(3_000)}, reason="x", by=by
                )
        except TooMuch:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 3
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(Refund)) == 3


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
