"""Money that does not fit its order is booked as far as it goes, or goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.payments.refunding import holds, left_of, lines_of, open_kinds, propose, states

from skarbnik.errors import Conflict
from skarbnik.money import Amounts, Money
from skarbnik.payments.models import Capture, Difference, OrderLine
from skarbnik.payments.queries import get_order, rest_of
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState, RefundStage
from skarbnik.payments.suspense import book_capture, spread
from skarbnik.plugin_api import Regime
from skarbnik.receivables.models import Instalment, Kind, Receivable
from skarbnik.receivables.parts import divide, split_part
from skarbnik.testing.factories import InstalmentFactory, OrderLineFactory, TransactionFactory, report_on

B, R = BookingState, RefundStage


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


@pytest.mark.parametrize(
    ("regime", "amounts"),
    [
        (Regime.TAX, Amounts(Money(3_119), Money(281), Money(1_600))),  # costs, then the rest in proportion
        (Regime.CIVIL, Amounts(Money(2_500), Money(900), Money(1_600))),  # costs, interest, principal
    ],
)
def test_too_little_money_pays_a_part_of_the_line_as_a_chosen_part_would(session, paid, people, regime, amounts):
    capture = paid(Money(5_000))
    (line,) = capture.transaction.order.lines
    line.instalment.receivable.kind.regime = regime
    book_capture(session, capture.id, user_id=people[0].id)

    (line,) = lines_of(session, capture)
    assert line.amounts == amounts
    assert line.amounts == split_part(regime, Amounts(Money(10_000), Money(900), Money(1_600)), Money(5_000))
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


def test_money_of_another_amount_pays_what_money_before_it_has_not(session, people):
    """Two attempts of one order were paid late, each with another amount: together they are what was ordered."""
    first = InstalmentFactory(interest=Money(900), costs=Money(1_600))
    second = InstalmentFactory(receivable=first.receivable, number=2)
    attempt = TransactionFactory(started=True, instalment=first, amount=Money(22_500))
    order = attempt.order
    OrderLineFactory(
        order=order, instalment=second, position=2, payer_id=order.payer_id,
        creditor_account_id=first.receivable.kind.creditor_account_id,
    )  # fmt: skip
    late = TransactionFactory(
        started=True, instalment=first, amount=Money(22_500), order=order, merchant_account=attempt.merchant_account
    )
    session.flush()
    session.expire(order, ["lines"])
    captures = []
    for transaction, grosze in ((attempt, 5_000), (late, 17_500)):
        report = report_on(transaction, f"E-{grosze}", Money(grosze))
        record_report(session, transaction.id, report)
        capture = session.scalars(select(Capture).where(Capture.external_id == report.external_id)).one()
        captures.append(book_capture(session, capture.id, user_id=people[0].id))

    assert [states(session, each) for each in captures] == [
        [(5_000, B.WAITING)],
        [(7_500, B.WAITING), (10_000, B.WAITING)],
    ]
    whole = [line.amounts for each in captures for line in lines_of(session, each)]
    assert Amounts.sum(whole) == Amounts(Money(20_000), Money(900), Money(1_600))
    assert order.state is PaymentOrderState.PAID
    assert open_kinds(session) == []
    assert holds(session)


def test_money_for_an_order_that_was_paid_already_waits_for_a_decision(session, paid, people):
    capture = paid()
    transaction = capture.transaction
    record_report(session, transaction.id, report_on(transaction, "E-AGAIN", Money(5_000)))
    again = session.scalars(select(Capture).where(Capture.external_id == "E-AGAIN")).one()
    book_capture(session, again.id, user_id=people[0].id)

    assert states(session, again) == [(5_000, B.IN_SUSPENSE)]
    assert open_kinds(session) == ["overpaid"]
    assert holds(session)


@given(
    st.lists(st.builds(Amounts, *[st.integers(0, 5_000).map(Money)] * 3), max_size=5),
    st.integers(1, 60_000),
    st.sampled_from(Regime),
)
def test_money_is_spread_over_lines_to_the_grosz_and_in_their_order(amounts, grosze, regime):
    kind = Kind(regime=regime)
    lines = [OrderLine(amounts=each, instalment=Instalment(receivable=Receivable(kind=kind))) for each in amounts]
    parts = list(spread([(line, line.amounts) for line in lines], Money(grosze)))

    assert Amounts.sum(part for _line, part in parts).total.grosze == min(grosze, Amounts.sum(amounts).total.grosze)
    assert all(part == line.amounts for line, part in parts[:-1])
    assert all(part == divide(regime, line.amounts, part.total) for line, part in parts)
    assert all(left == left.not_below_zero() for left in (line.amounts - part for line, part in parts))
