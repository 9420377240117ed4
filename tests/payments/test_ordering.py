"""Deciding to pay: what was shown is what is ordered, once, for one day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from skarbnik import clock
from skarbnik.errors import Conflict, Invalid
from skarbnik.money import Amounts, Money
from skarbnik.payments.models import BookingLine, OrderLine, PaymentOrder
from skarbnik.payments.ordering import (
    HOLD,
    MOST_LINES,
    BasketChanged,
    Chosen,
    NotLiable,
    NotPayableOnline,
    new_number,
    open_transaction,
    order_payment,
)
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import record_report
from skarbnik.payments.states import ON_ITS_WAY, BookingState, PaymentOrderState
from skarbnik.portal.debts import list_to_pay
from skarbnik.receivables.models import Instalment, Liability, Receivable
from skarbnik.testing.factories import (
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    MerchantAccountFactory,
    PayerFactory,
    ReceivableFactory,
    TransactionFactory,
    report_on,
)


def chosen(*instalments):
    return [Chosen(each.id, each.balance) for each in instalments]


def make_liable(session, payer, choice):
    """What is chosen is the payer's, where nobody said whose it is."""
    for receivable_id in session.scalars(
        select(Instalment.receivable_id)
        .where(Instalment.id.in_([each.instalment_id for each in choice]))
        .where(Instalment.receivable_id.not_in(select(Liability.receivable_id).where(Liability.payer_id == payer.id)))
        .distinct()
    ):
        LiabilityFactory(receivable_id=receivable_id, payer_id=payer.id)


@pytest.fixture
def order(session):
    payer = PayerFactory()

    def make(choice, *, liable=True, **words):
        if liable:
            make_liable(session, payer, choice)
        words = {"request_key": uuid4(), "payer_id": payer.id, "user_id": None, "email": None, "language": "pl"} | words
        return order_payment(session, chosen=choice, **words)

    return make


def test_an_order_is_a_snapshot_of_what_was_shown(order):
    late, soon = InstalmentFactory(costs=Money(1_600)), InstalmentFactory(overdue=True)

    made = order(chosen(late, soon))

    assert made.amount == Money(10_900 + 11_600)
    assert [(line.position, line.instalment_id, line.amounts) for line in made.lines] == [
        (1, soon.id, Amounts(Money(10_000), Money(900), Money(0))),
        (2, late.id, Amounts(Money(10_000), Money(0), Money(1_600))),
    ]
    assert {line.instalment_digest for line in made.lines} == {late.digest, soon.digest}


def test_a_double_click_orders_once(order, session):
    instalment, key = InstalmentFactory(), uuid4()

    assert order(chosen(instalment), request_key=key).id == order(chosen(instalment), request_key=key).id
    assert session.scalar(select(func.count()).select_from(OrderLine)) == 1


def test_the_key_of_another_payers_order_is_worth_nothing(order):
    instalment, key = InstalmentFactory(), uuid4()
    order(chosen(instalment), request_key=key)

    with pytest.raises(Conflict):
        order(chosen(instalment), request_key=key, payer_id=PayerFactory().id)


@pytest.mark.parametrize("part", ["principal", "interest", "costs"])
@pytest.mark.parametrize("change", [1, -1])
def test_amounts_that_are_not_those_of_today_are_refused(order, session, part, change):
    instalment = InstalmentFactory(overdue=True, costs=Money(100))
    shown = instalment.balance
    other = replace(shown, **{part: getattr(shown, part) + Money(change)})

    with pytest.raises(BasketChanged):
        order([Chosen(instalment.id, other)])
    assert session.scalar(select(func.count()).select_from(PaymentOrder)) == 0


def test_money_moved_from_principal_to_interest_is_another_basket(order):
    instalment = InstalmentFactory(overdue=True)
    moved = Amounts(instalment.principal + instalment.interest, Money(0), Money(0))

    with pytest.raises(BasketChanged):
        order([Chosen(instalment.id, moved)])


def test_a_closed_instalment_is_not_ordered(order):
    with pytest.raises(BasketChanged):
        order(chosen(InstalmentFactory(closed_at=clock.now())))


def test_an_instalment_of_a_closed_receivable_is_not_ordered(order):
    with pytest.raises(BasketChanged):
        order(chosen(InstalmentFactory(receivable=ReceivableFactory(closed_at=clock.now()))))


def test_an_instalment_that_is_paid_is_not_ordered(order):
    with pytest.raises(BasketChanged):
        order(chosen(InstalmentFactory(principal=Money(0))))


def test_an_instalment_that_does_not_exist_is_not_ordered(order):
    with pytest.raises(BasketChanged):
        order([Chosen(uuid4(), Amounts(Money(1)))])


def test_nothing_the_same_twice_and_too_much_are_no_orders(order):
    instalment = InstalmentFactory()
    for choice in ([], chosen(instalment, instalment), [Chosen(uuid4(), Amounts(Money(1)))] * 1):
        with pytest.raises((Invalid, BasketChanged)):
            order(choice)
    with pytest.raises(Invalid, match=f"1 to {MOST_LINES}"):
        order([Chosen(uuid4(), Amounts(Money(1))) for _ in range(MOST_LINES + 1)])


@pytest.mark.parametrize("kind", [{"online": False}, {"creditor_account": None}])
def test_what_has_no_account_at_a_gateway_is_paid_by_transfer_only(order, kind):
    instalment = InstalmentFactory(receivable=ReceivableFactory(kind=KindFactory(**kind)))

    with pytest.raises(NotPayableOnline):
        order(chosen(instalment))


@pytest.mark.parametrize(
    "liability",
    [
        None,
        {"until_on": clock.today() - timedelta(days=2)},
        {"from_on": clock.today() + timedelta(days=2)},
        {"closed_at": clock.now()},
    ],
)
def test_only_who_is_liable_today_orders(order, session, liability):
    mine, theirs = InstalmentFactory(), InstalmentFactory(payer=PayerFactory())
    payer = PayerFactory()
    LiabilityFactory(receivable_id=mine.receivable_id, payer_id=payer.id)
    if liability is not None:
        LiabilityFactory(receivable_id=theirs.receivable_id, payer_id=payer.id, **liability)

    with pytest.raises(NotLiable):
        order(chosen(mine, theirs), payer_id=payer.id, liable=False)
    assert session.scalar(select(func.count()).select_from(PaymentOrder)) == 0
    assert order(chosen(mine), payer_id=payer.id, liable=False).payer_id == payer.id


def test_while_somebody_pays_others_are_warned_and_not_locked_out(order, session):
    payer = PayerFactory()
    instalment = InstalmentFactory(payer=payer)
    first = order(chosen(instalment))

    def held_until(now):
        (row,) = list_to_pay(session, payer_id=payer.id, today=clock.today(), now=now).rows
        return row.held_until

    assert held_until(clock.now()) == first.held_until
    assert first.held_until - first.ordered_at == HOLD
    assert order(chosen(instalment)).id != first.id
    assert held_until(clock.now() + HOLD + timedelta(seconds=1)) is None


@pytest.mark.parametrize("state", list(BookingState))
def test_the_list_and_the_order_agree_on_money_that_is_on_its_way(session, state):
    payer = PayerFactory()
    instalment = InstalmentFactory(payer=payer)
    paid = TransactionFactory(started=True, instalment=instalment)
    record_report(session, paid.id, report_on(paid))
    session.execute(update(BookingLine).values(state=state))

    (row,) = list_to_pay(session, payer_id=payer.id, today=clock.today(), now=clock.now()).rows
    assert row.amounts == left_to_pay(session, [instalment])[instalment.id]
    assert row.total == (Money(0) if state in ON_ITS_WAY else Money(10_000))


def test_an_order_is_of_the_day_it_was_made_in_warsaw(order, session):
    with clock.stopped_at(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)):
        instalment = InstalmentFactory()
        made = order(chosen(instalment))
        account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
        assert made.ordered_on.isoformat() == "2026-11-23"
        session.refresh(made)
        open_transaction(session, made, account)
    with clock.stopped_at(datetime(2026, 11, 23, 23, 0, tzinfo=UTC)), pytest.raises(BasketChanged, match="day"):
        open_transaction(session, made, account)


def test_no_attempt_begins_for_an_order_that_is_paid(order, session):
    transaction = TransactionFactory(started=True)
    record_report(session, transaction.id, report_on(transaction, "E-1"))

    with pytest.raises(Conflict, match="paid"):
        open_transaction(session, transaction.order, transaction.merchant_account)


def test_no_attempt_begins_for_a_debt_somebody_else_has_paid(order, session):
    instalment = InstalmentFactory()
    mine = order(chosen(instalment))
    theirs = TransactionFactory(started=True, instalment=instalment)
    record_report(session, theirs.id, report_on(theirs, "E-1"))
    session.refresh(mine)

    with pytest.raises(BasketChanged):
        open_transaction(session, mine, theirs.merchant_account)
    assert left_to_pay(session, [instalment])[instalment.id].total == Money(0)


@pytest.mark.parametrize("change", ["another is liable", "the receivable is closed"])
def test_no_attempt_begins_for_what_an_import_took_from_the_payer(order, session, change):
    """The amounts are those of the order still."""
    instalment = InstalmentFactory()
    mine = order(chosen(instalment))
    account = MerchantAccountFactory(creditor_account=instalment.receivable.kind.creditor_account)
    session.refresh(mine)
    gone = Liability if change == "another is liable" else Receivable
    session.execute(update(gone).values(closed_at=clock.now()))

    with pytest.raises(BasketChanged):
        open_transaction(session, mine, account)
    assert mine.state is PaymentOrderState.CREATED


def test_a_merchant_account_that_receives_nothing_of_an_order_is_not_used(order, session):
    made = order(chosen(InstalmentFactory()))
    session.refresh(made)

    with pytest.raises(NotPayableOnline):
        open_transaction(session, made, MerchantAccountFactory())
    assert made.state is PaymentOrderState.CREATED


def test_numbers_can_be_read_out_and_do_not_repeat():
    numbers = {new_number() for _ in range(2000)}

    assert len(numbers) == 2000
    assert all(len(number) == 11 and not set(number) & set("01IO") for number in numbers)
