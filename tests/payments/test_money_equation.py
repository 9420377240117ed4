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
from skarbnik.errors import Conflict, ForbiddenTransition, Invalid
from skarbnik.money import Amounts, Money
from skarbnik.office.queries import money_equation
from skarbnik.payments.bookings import mark_booked, mark_refused, mark_seen, release_booking
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Refund, Transaction
from skarbnik.payments.ordering import Chosen, open_transaction, order_payment
from skarbnik.payments.queries import left_of_lines, left_on_no_line, left_to_pay
from skarbnik.payments.refunds import (
    TooMuch,
    approve_refund,
    decline_refund,
    mark_refund_refused,
    note_refund_silence,
    propose_refund,
    record_refund_report,
    withdraw_refund,
)
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, CaptureState, PaymentOrderState, RefundKind, RefundStage
from skarbnik.payments.suspense import book_capture, is_bookable
from skarbnik.plugin_api import GatewayReport, OperationKind, RefundReport, RefundState, TransactionState
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
    refunds = Bundle("refunds")

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
        self.user, self.other = OfficialFactory(), OfficialFactory()
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
                mark_booked(self.session, line, reference="WB 1", booked_on=clock.today())
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
        assert mark_seen(self.session, run_id) == (line.state not in {B.IN_SUSPENSE, B.PLANNED, B.DROPPED})

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

    @rule(pick=st.randoms(use_true_random=False))
    def the_finance_system_books_what_it_had_refused_or_never_heard_of(self, pick):
        """It answers a batch again, or a person there booked by hand: in the books is in the books."""
        lines = self.session.scalars(select(BookingLine).where(BookingLine.state.in_([B.REFUSED, B.REFUNDED]))).all()
        if lines:
            mark_booked(self.session, pick.choice(lines), reference="WB 2", booked_on=clock.today())

    @rule(pick=st.randoms(use_true_random=False))
    def money_that_does_not_fit_is_booked_as_far_as_it_goes(self, pick):
        captures = self.session.scalars(select(Capture)).all()
        if not captures:
            return
        capture = pick.choice(captures)
        bookable = is_bookable(capture)
        try:
            book_capture(self.session, capture.id, user_id=self.user.id)
        except Conflict:
            assert not bookable

    @rule(
        target=refunds,
        pick=st.randoms(use_true_random=False),
        kind=st.sampled_from(list(RefundKind)),
        whole=st.booleans(),
        too_much=st.sampled_from([0, 0, 0, 1]),
    )
    def somebody_proposes_a_refund(self, pick, kind, whole, too_much):
        captures = self.session.scalars(select(Capture)).all()
        if not captures:
            return multiple()
        capture = pick.choice(captures)
        left = {each: amounts.total.grosze for each, amounts in left_of_lines(capture).items()}
        rest = left_on_no_line(capture).grosze
        lines = {each: Money(most if whole else pick.randint(0, most)) for each, most in left.items()}
        on_no_line = Money(rest if whole else pick.randint(0, max(rest, 0))) + Money((rest + 1) * too_much)
        try:
            made = propose_refund(
                self.session,
                capture.id,
                kind=kind,
                lines=lines,
                on_no_line=on_no_line,
                reason="nadpłata",
                by=self.user.id,
                happened_on=clock.today(),
                reference="WB 3",
            )
        except TooMuch:
            assert too_much
            return multiple()
        except Invalid:
            assert not Money.total([*lines.values(), on_no_line])
            return multiple()
        assert not too_much
        return made.id

    @rule(refund=refunds, what=st.sampled_from([approve_refund, approve_refund, decline_refund, withdraw_refund]))
    def somebody_decides_about_a_refund(self, refund, what):
        words = {"by": self.user.id if what is withdraw_refund else self.other.id}
        if what is decline_refund:
            words["reason"] = "nie"
        open_still = self.session.get_one(Refund, refund).state is RefundStage.PROPOSED
        try:
            what(self.session, refund, **words)
        except (Conflict, ForbiddenTransition):
            assert not open_still

    @rule(refund=refunds, said=st.sampled_from([*RefundState, RefundState.COMPLETED, "refused", "silent"]))
    def the_gateway_answers_about_a_refund(self, refund, said):
        """Also about one it was not asked for, and again."""
        found = self.session.get_one(Refund, refund)
        if found.kind is not RefundKind.GATEWAY:
            return
        if said == "refused":
            mark_refund_refused(self.session, refund, answer="NO_BALANCE")
        elif said == "silent":
            note_refund_silence(self.session, refund, answer="timeout")
        else:
            report = RefundReport(refund, "R-1", found.amount, found.capture.currency, said)
            record_refund_report(self.session, refund, report)

    @invariant()
    def every_grosz_is_in_one_place(self):
        self.session.flush()
        self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        self.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        self.session.expire_all()
        equations = money_equation(self.session)
        assert all(each.holds for each in equations)
        assert all(min(each.in_suspense, each.refunded) >= Money(0) for each in equations)
        assert sum(each.captured.grosze for each in equations) == sum(self.came.values())

    @invariant()
    def captured_money_is_never_lost_again(self):
        states = dict(self.session.execute(select(Transaction.id, Transaction.state)).all())
        assert all(states[each] is T.COMPLETED for each in self.completed)
        orders = self.session.scalars(select(PaymentOrder)).all()
        paid = {order.id for order in orders if order.state is PaymentOrderState.PAID}
        refunded = {order.id for order in orders if order.state is PaymentOrderState.REFUNDED}
        assert self.paid <= paid | refunded
        self.paid = paid

    @invariant()
    def an_order_is_refunded_when_all_that_came_for_it_is_gone(self):
        for order in self.session.scalars(select(PaymentOrder)):
            captures = [capture for attempt in order.transactions for capture in attempt.captures]
            gone = [each for capture in captures for each in capture.refunds if each.state is RefundStage.COMPLETED]
            came = Money.total(capture.amount for capture in captures)
            whole = bool(captures) and came == Money.total(each.amount for each in gone)
            assert (order.state is PaymentOrderState.REFUNDED) <= whole or order.state is not PaymentOrderState.PAID
            assert not whole or order.state is PaymentOrderState.REFUNDED

    @invariant()
    def the_finance_system_hears_of_what_is_left_and_of_nothing_else(self):
        """Line by line: what is in the books or on its way there is what came less what went back, in each part."""
        for capture in self.session.scalars(select(Capture)):
            beside = {}
            for line in capture.booking_lines:
                beside.setdefault(line.order_line_id, []).append(line)
            for lines in beside.values():
                counted = [line for line in lines if line.state not in {B.PLANNED, B.DROPPED}]
                left = Amounts.sum(line.amounts for line in counted)
                assert min(left.principal, left.interest, left.costs) >= Money(0)
                gone = [
                    line for line in lines if line.refund_id is not None and line.state not in {B.PLANNED, B.DROPPED}
                ]
                assert all(line.refund.state is RefundStage.COMPLETED for line in gone)
                never = Amounts.sum(line.amounts for line in lines if line.state is B.REFUNDED)
                assert never == Amounts()

    @invariant()
    def nobody_is_asked_for_less_than_nothing(self):
        for left in left_to_pay(self.session, getattr(self, "instalments", [])).values():
            assert min(left.principal, left.interest, left.costs) >= Money(0)

    @invariant()
    def each_order_line_is_booked_once_for_each_capture(self):
        pair = (BookingLine.capture_id, BookingLine.order_line_id)
        paid = BookingLine.refund_id.is_(None)
        doubled = select(*pair).where(paid).group_by(*pair).having(func.count() > 1)
        assert self.session.execute(doubled).all() == []


def test_the_money_equation_holds_after_every_step(lab):
    Town.lab = lab
    run_state_machine_as_test(
        Town,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
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
