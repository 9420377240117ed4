"""Whatever happens in whatever order, each grosz that came is in exactly one place: the money equation holds.

captured = booked + waiting + in suspense + refunded, for each merchant account, after every single step.
"""

from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from skarbnik import clock
from skarbnik.db import SET_TENANT, TenantSession
from skarbnik.errors import Conflict, ForbiddenTransition
from skarbnik.money import Amounts, Money
from skarbnik.office.queries import money_equation
from skarbnik.payments.bookings import mark_booked, mark_refused, mark_seen, release_booking
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Transaction
from skarbnik.payments.ordering import Chosen, open_transaction, order_payment
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState
from skarbnik.plugin_api import GatewayReport, OperationKind, TransactionState
from skarbnik.receivables.models import Operation
from skarbnik.receivables.parts import smallest_part
from skarbnik.testing.factories import (
    InstalmentFactory,
    KindFactory,
    LiabilityFactory,
    MerchantAccountFactory,
    OfficialFactory,
    PayerFactory,
    ReceivableFactory,
    TransactionFactory,
    bound_to,
    report_on,
)

T, B = TransactionState, BookingState


def _part(instalment, left, per_cent):
    """So much of what is left, at least the smallest part; None is all of it."""
    if not instalment.receivable.kind.takes_parts:
        return None
    return max(smallest_part(left), Money(left.grosze * per_cent // 100))


class Town(RuleBasedStateMachine):
    """Two co-owners, three instalments, two merchant accounts, a gateway and a finance system without manners."""

    lab = None  # set by the test
    orders = Bundle("orders")
    transactions = Bundle("transactions")

    def __init__(self):
        super().__init__()
        tenant = self.lab.tenant("lipowo")
        self.connection = self.lab.instance.engine.connect()
        self.outer = self.connection.begin()
        self.connection.exec_driver_sql(SET_TENANT, (tenant.role, tenant.schema))
        self.session = TenantSession(
            self.connection,
            tenant_id=tenant.id,
            role=tenant.role,
            schema=tenant.schema,
            join_transaction_mode="create_savepoint",
        )
        self.bound = bound_to(self.session)
        self.bound.__enter__()
        self.came = {}  # (merchant account, gateway's id) -> grosze: what the gateway says it has
        self.completed = set()
        self.paid = set()

    def teardown(self):
        self.bound.__exit__(None, None, None)
        self.session.close()
        self.outer.rollback()
        self.connection.close()

    @initialize()
    def found_the_town(self):
        self.payers = [PayerFactory(), PayerFactory()]
        self.user = OfficialFactory()
        tax, waste = KindFactory(in_parts=True), KindFactory()
        self.accounts = [MerchantAccountFactory(creditor_account=kind.creditor_account) for kind in (tax, waste)]
        receivables = [ReceivableFactory(kind=tax), ReceivableFactory(kind=waste)]
        self.instalments = [
            InstalmentFactory(receivable=receivables[0], interest=Money(55)),
            InstalmentFactory(receivable=receivables[0], principal=Money(7)),
            InstalmentFactory(receivable=receivables[1], costs=Money(1_600)),
        ]
        for payer, receivable in product(self.payers, receivables):
            LiabilityFactory(receivable_id=receivable.id, payer_id=payer.id)

    @rule(
        target=orders,
        which=st.sets(st.integers(0, 2), min_size=1),
        payer=st.integers(0, 1),
        per_cent=st.sampled_from([100, 100, 99, 50, 33, 1]),
    )
    def order(self, which, payer, per_cent):
        """All of it, or of what may be paid in parts some per cent."""
        chosen = [self.instalments[number] for number in sorted(which)]
        left = left_to_pay(self.session, chosen)
        if any(each.closed_at or not left[each.id].total for each in chosen):
            return multiple()
        made = order_payment(
            self.session,
            request_key=uuid4(),
            payer_id=self.payers[payer].id,
            user_id=None,
            chosen=[Chosen(each.id, left[each.id], _part(each, left[each.id].total, per_cent)) for each in chosen],
            email=None,
            language="pl",
        )
        self.session.refresh(made)
        assert made.amount == Money.total(line.amounts.total for line in made.lines)
        rests = [left[line.instalment_id] - line.amounts for line in made.lines]
        assert rests == [rest.not_below_zero() for rest in rests]
        return made.id

    @rule(target=transactions, order=orders, account=st.integers(0, 1))
    def begin_an_attempt(self, order, account):
        try:
            begun = open_transaction(self.session, self.session.get_one(PaymentOrder, order), self.accounts[account])
        except Conflict:
            return multiple()
        return begun.id

    @rule(transaction=transactions, state=st.sampled_from([T.PENDING, T.REJECTED, T.UNKNOWN]))
    def the_gateway_has_no_money(self, transaction, state):
        found = self.session.get_one(Transaction, transaction)
        record_report(
            self.session, transaction, GatewayReport(transaction, found.external_id or "", Money(0), "PLN", state=state)
        )

    @rule(
        transaction=transactions,
        again=st.integers(0, 1),
        wrong=st.sampled_from([0, 0, 0, 0, -1, 500]),
        currency=st.sampled_from(["PLN", "PLN", "PLN", "EUR"]),
        foreign=st.sampled_from([False, False, False, True]),
    )
    def the_gateway_has_money(self, transaction, again, wrong, currency, foreign):
        """Also a second time under another number, with another amount, in another currency, for somebody else."""
        found = self.session.get_one(Transaction, transaction)
        amount = max(found.amount.grosze + wrong, 1)
        merchant = "999999" if foreign else found.merchant_account.merchant
        external_id = f"{transaction}-{again}"
        record_report(
            self.session,
            transaction,
            GatewayReport(transaction, external_id, Money(amount), currency, merchant=merchant),
        )
        self.came.setdefault((found.merchant_account_id, external_id), amount)
        self.completed.add(transaction)

    @rule(number=st.integers(0, 2), principal=st.integers(0, 20_000), closed=st.booleans())
    def an_import_changes_a_debt(self, number, principal, closed):
        instalment = self.instalments[number]
        instalment.principal, instalment.digest = Money(principal), uuid4()
        instalment.closed_at = clock.now() if closed else None
        self.session.flush()

    @rule(pick=st.randoms(use_true_random=False), refused=st.booleans())
    def the_finance_system_answers(self, pick, refused):
        lines = self.session.scalars(select(BookingLine).where(BookingLine.state == B.WAITING)).all()
        for line in lines if pick.random() < 0.5 else lines[:1]:
            line.move_to(B.SENT)
            if refused:
                mark_refused(self.session, line, reason="Rata jest zamknięta")
            else:
                mark_booked(line, reference="WB 1", booked_on=clock.today())
        self.session.flush()

    @rule()
    def an_import_echoes_what_was_booked(self):
        lines = self.session.scalars(select(BookingLine).where(BookingLine.seen_at.is_(None))).all()
        if not lines:
            return
        line, run_id = lines[0], uuid4()
        instalment = next(each for each in self.instalments if each.id == line.instalment_id)
        self.session.add(
            Operation(
                source="puma", external_id=str(uuid4()), receivable_id=instalment.receivable_id,
                instalment_id=instalment.id, kind=OperationKind.PAYMENT, booked_on=clock.today(),
                happened_on=clock.today(), document="WB 1", principal=-line.principal, interest=-line.interest,
                costs=-line.costs, booking_id=line.id, digest=uuid4(), run_id=run_id,
            )
        )  # fmt: skip
        instalment.principal = max(instalment.principal - line.principal, Money(0))
        self.session.flush()
        assert mark_seen(self.session, run_id) == (line.state is not B.IN_SUSPENSE)

    @rule(order=st.randoms(use_true_random=False))
    def an_accountant_decides(self, order):
        lines = self.session.scalars(select(BookingLine).order_by(BookingLine.recorded_at)).all()
        if not lines:
            return
        line = order.choice(lines)
        decidable = line.state in {B.IN_SUSPENSE, B.REFUSED, B.WAITING}
        try:
            release_booking(self.session, line.id, user_id=self.user.id)
        except ForbiddenTransition:
            assert not decidable

    @invariant()
    def every_grosz_is_in_one_place(self):
        self.session.flush()
        self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        self.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        self.session.expire_all()
        equations = money_equation(self.session)
        assert all(each.holds for each in equations)
        assert sum(each.captured.grosze for each in equations) == sum(self.came.values())

    @invariant()
    def captured_money_is_never_lost_again(self):
        states = dict(self.session.execute(select(Transaction.id, Transaction.state)).all())
        assert all(states[each] is T.COMPLETED for each in self.completed)
        paid = set(self.session.scalars(select(PaymentOrder.id).where(PaymentOrder.state == PaymentOrderState.PAID)))
        assert self.paid <= paid
        self.paid = paid

    @invariant()
    def nobody_is_asked_for_less_than_nothing(self):
        for left in left_to_pay(self.session, getattr(self, "instalments", [])).values():
            assert min(left.principal, left.interest, left.costs) >= Money(0)

    @invariant()
    def each_order_line_is_booked_once_for_each_capture(self):
        pair = (BookingLine.capture_id, BookingLine.order_line_id)
        doubled = select(*pair).group_by(*pair).having(func.count() > 1)
        assert self.session.execute(doubled).all() == []


def test_the_money_equation_holds_after_every_step(lab):
    Town.lab = lab
    run_state_machine_as_test(
        Town,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking over a database takes minutes
        ),
    )


def test_a_capture_whose_bookings_do_not_add_up_is_refused_by_the_database(session):
    transaction = TransactionFactory(started=True)
    record_report(session, transaction.id, report_on(transaction, "E-1"))
    line = session.scalars(select(BookingLine)).one()
    line.principal = Money(9_999)
    session.flush()

    with pytest.raises(IntegrityError, match="has booking lines of 9999"):
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_a_capture_without_any_booking_is_refused_by_the_database(session):
    transaction = TransactionFactory(started=True)
    session.add(
        Capture(
            transaction_id=transaction.id, merchant_account_id=transaction.merchant_account_id, external_id="E-1",
            amount=Money(1), currency="PLN", state=CaptureState.ALLOCATED, captured_at=clock.now(),
            recorded_at=clock.now(),
        )
    )  # fmt: skip
    session.flush()

    with pytest.raises(IntegrityError, match="has booking lines of 0"):
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.parametrize("amount", [0, -1])
def test_a_capture_of_nothing_is_refused_by_the_database(session, amount):
    transaction = TransactionFactory(started=True)
    with pytest.raises(IntegrityError, match="amount_positive"):
        record_report(session, transaction.id, report_on(transaction, "E-1", Money(amount)))


def test_a_basket_over_two_accounts_is_paid_when_both_parts_came(session):
    kinds = [KindFactory(), KindFactory()]
    payer = PayerFactory()
    instalments = [InstalmentFactory(receivable=ReceivableFactory(kind=kind), payer=payer) for kind in kinds]
    accounts = [MerchantAccountFactory(creditor_account=kind.creditor_account) for kind in kinds]
    made = order_payment(
        session,
        request_key=uuid4(),
        payer_id=payer.id,
        user_id=None,
        chosen=[Chosen(each.id, each.balance) for each in instalments],
        email=None,
        language="pl",
    )
    session.refresh(made)
    begun = [open_transaction(session, made, account) for account in accounts]

    states = []
    for number, transaction in enumerate(begun):
        report = report_on(transaction, f"E-{number}")
        record_report(session, transaction.id, report)
        states.append(made.state)

    assert states == [PaymentOrderState.PARTLY_PAID, PaymentOrderState.PAID]
    assert made.paid_at is not None


def test_money_that_comes_after_a_refusal_is_kept_and_pays(session):
    transaction = TransactionFactory(started=True)
    nothing = report_on(transaction, "E-1", Money(0), state=T.REJECTED)

    record_report(session, transaction.id, nothing)
    assert transaction.order.state is PaymentOrderState.ABANDONED
    with clock.stopped_at(clock.now() + timedelta(days=3)):
        record_report(session, transaction.id, report_on(transaction, "E-1"))
        record_report(session, transaction.id, nothing)

    assert (transaction.state, transaction.order.state) == (T.COMPLETED, PaymentOrderState.PAID)
    assert Amounts.sum(line.amounts for line in session.scalars(select(BookingLine))).total == Money(10_000)
