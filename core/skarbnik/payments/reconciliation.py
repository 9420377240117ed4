"""A day as the gateway, the portal and the finance system have it, side by side; payouts, split for booking.

Everything is counted by the database; a page is a few statements however much was paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payments.models import MerchantAccount, Payout, SettlementOrigin, SettlementReport
from skarbnik.plugin_api import SettlementKind

PAGE = 50
DAYS = 31  # on a page
FINANCE = ("booked", "echoed", "waiting", "in_suspense", "refused", "refunded")


@dataclass(frozen=True)
class Figure:
    """How many, and how much."""

    number: int = 0
    amount: Money = ZERO


@dataclass
class AccountDay:
    """One merchant account on one day: what each of the three says."""

    account: MerchantAccount
    report: SettlementReport | None
    gateway: dict[SettlementKind, Figure] = field(default_factory=dict)
    fees: Money = ZERO
    captured: Figure = field(default_factory=Figure)
    refunded: Figure = field(default_factory=Figure)
    finance: dict[str, Figure] = field(default_factory=dict)
    differences: int = 0

    def of_gateway(self, kind: str) -> Figure:
        return self.gateway.get(SettlementKind(kind), Figure())

    def of_finance(self, state: str) -> Figure:
        return self.finance.get(state, Figure())

    @property
    def was_told(self) -> bool:
        """Whether the gateway has told all of the day, after it was over."""
        report = self.report
        return (
            report is not None
            and report.told_at is not None
            and report.told_at >= clock.start_of(report.day + timedelta(days=1))
        )

    @property
    def refunds(self) -> Figure:
        """What was sent back here, as the gateway would report it."""
        return Figure(self.refunded.number, -self.refunded.amount)

    @property
    def mark(self) -> str:
        """`wrong` when something differs, `now` while the gateway has not told the day, `done` when it agrees.

        Money in suspense is there, and is to be decided: a difference. A gateway that was asked about payments one by
        one says nothing of refunds.
        """
        says_refunds = self.report is None or self.report.origin is not SettlementOrigin.ASKED
        same = self.of_gateway("payment") == self.captured
        same = same and (not says_refunds or self.of_gateway("refund") == self.refunds)
        if self.differences or (self.was_told and not same):
            return "wrong"
        return "done" if self.was_told else "now"

    @property
    def is_empty(self) -> bool:
        return not (self.gateway or self.captured.number or self.refunded.number or self.differences)


_BOUNDS = "c.captured_at >= :since AND c.captured_at < :until"
_GATEWAY = text("""
    SELECT merchant_account_id AS account, kind, count(*) AS number, sum(amount)::bigint AS amount,
        sum(fee)::bigint AS fee
    FROM settlement_lines WHERE counts_on = :day GROUP BY 1, 2
""")
_PORTAL = text(f"""
    SELECT c.merchant_account_id AS account, count(*) AS number, sum(c.amount)::bigint AS amount,
        count(*) FILTER (WHERE c.state = 'in_suspense') AS suspended,
        coalesce(sum(c.amount) FILTER (WHERE c.state = 'in_suspense'), 0)::bigint AS suspended_amount
    FROM captures c WHERE {_BOUNDS} GROUP BY 1
""")  # noqa: S608  # our own words
_REFUNDED = text("""
    SELECT c.merchant_account_id AS account, count(*) AS number, sum(r.amount)::bigint AS amount
    FROM refunds r JOIN captures c ON c.id = r.capture_id
    WHERE r.state = 'completed' AND r.settled_at >= :since AND r.settled_at < :until
        AND (r.kind = 'gateway' OR EXISTS (SELECT FROM settlement_lines l WHERE l.refund_id = r.id)) GROUP BY 1
""")
_STATE = """
    CASE WHEN b.state = 'booked' AND b.seen_at IS NOT NULL THEN 'echoed' WHEN b.state = 'sent' THEN 'waiting'
        ELSE b.state END
"""
_FINANCE = text(f"""
    SELECT c.merchant_account_id AS account, {_STATE} AS state, count(*) AS number,
        sum(b.principal + b.interest + b.costs)::bigint AS amount
    FROM captures c JOIN booking_lines b ON b.capture_id = c.id AND b.refund_id IS NULL
    WHERE {_BOUNDS} GROUP BY 1, 2
""")  # noqa: S608  # our own words
_OPEN = text("""
    SELECT merchant_account_id AS account, count(*) AS number FROM differences
    WHERE day = :day AND closed_at IS NULL AND merchant_account_id IS NOT NULL GROUP BY 1
""")


def get_day(session: Session, day: date) -> list[AccountDay]:
    """Every merchant account on a day, the oldest first; one that is switched off only if something happened."""
    reports = {
        each.merchant_account_id: each
        for each in session.scalars(select(SettlementReport).where(SettlementReport.day == day))
    }
    query = select(MerchantAccount).options(joinedload(MerchantAccount.creditor_account))
    accounts = session.scalars(query.order_by(MerchantAccount.created_at, MerchantAccount.id))
    found = {each.id: AccountDay(each, reports.get(each.id)) for each in accounts}
    words = _bounds(day)
    for row in session.execute(_GATEWAY, words):
        found[row.account].gateway[SettlementKind(row.kind)] = Figure(row.number, Money(row.amount))
        found[row.account].fees += Money(row.fee)
        if row.kind == SettlementKind.FEE:
            found[row.account].fees -= Money(row.amount)
    for row in session.execute(_PORTAL, words):
        found[row.account].captured = Figure(row.number, Money(row.amount))
        if row.suspended:
            found[row.account].finance["in_suspense"] = Figure(row.suspended, Money(row.suspended_amount))
    for row in session.execute(_REFUNDED, words):
        found[row.account].refunded = Figure(row.number, Money(row.amount))
    for row in session.execute(_FINANCE, words):
        finance, before = found[row.account].finance, found[row.account].of_finance(row.state)
        finance[row.state] = Figure(before.number + row.number, before.amount + Money(row.amount))
    for row in session.execute(_OPEN, words):
        found[row.account].differences = row.number
    return [each for each in found.values() if each.account.enabled or not each.is_empty]


def _bounds(day: date) -> dict[str, Any]:
    return {"day": day, "since": clock.start_of(day), "until": clock.start_of(day + timedelta(days=1))}


# What there is on either side: a capture with its line, a capture alone, and lines that belong to no capture.
_LINES = """
    WITH both_sides AS (
        SELECT c.captured_at AS at, c.id AS capture_id, l.id AS line_id, coalesce(l.kind, 'payment') AS kind,
            c.merchant_account_id AS account, c.external_id, c.amount AS ours, l.amount AS theirs, l.fee,
            c.transaction_id, c.state AS capture_state, l.currency <> c.currency AS other_currency
        FROM captures c LEFT JOIN LATERAL (
            SELECT * FROM settlement_lines WHERE capture_id = c.id AND kind = 'payment' LIMIT 1
        ) AS l ON true  -- by the index, whatever PostgreSQL believes of a day it has not analysed yet
        WHERE {bounds}
        UNION ALL
        SELECT l.happened_at, NULL, l.id, l.kind, l.merchant_account_id, l.external_id, -r.amount, l.amount, l.fee,
            coalesce(o.transaction_id, l.transaction_id), NULL, false
        FROM settlement_lines l LEFT JOIN captures o ON o.id = l.capture_id LEFT JOIN refunds r ON r.id = l.refund_id
        WHERE l.counts_on = :day AND (l.kind <> 'payment' OR l.capture_id IS NULL)
    ), chosen AS (
        SELECT *, CASE WHEN kind IN ('fee', 'correction') THEN false
            WHEN theirs IS NULL THEN EXISTS (  -- before that the gateway has only not told yet
                SELECT FROM settlement_reports r WHERE r.merchant_account_id = account AND r.day = :day
            )
            ELSE ours IS DISTINCT FROM theirs OR other_currency END AS differs
        FROM both_sides
    )
    SELECT chosen.*, o.number, f.states FROM (
        SELECT * FROM chosen WHERE NOT :differing OR differs
        ORDER BY at, coalesce(capture_id, line_id) LIMIT :most OFFSET :skipped
    ) AS chosen
    LEFT JOIN transactions t ON t.id = chosen.transaction_id LEFT JOIN payment_orders o ON o.id = t.order_id
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT {state}) AS states FROM booking_lines b
        WHERE b.capture_id = chosen.capture_id AND b.refund_id IS NULL
    ) AS f ON true
    ORDER BY chosen.at, coalesce(chosen.capture_id, chosen.line_id)
"""
_DAY_LINES = text(_LINES.format(bounds=_BOUNDS, state=_STATE))


@dataclass(frozen=True)
class DayLine:
    """A payment, refund, fee… of a day, on both sides. None where a side has nothing."""

    at: datetime
    kind: SettlementKind
    account_id: UUID
    external_id: str
    ours: Money | None
    theirs: Money | None
    fee: Money
    number: str | None  # of the payment order
    states: tuple[str, ...]  # what the finance system made of it
    differs: bool


def list_lines(
    session: Session, day: date, *, differing: bool = False, page: int = 1, size: int = PAGE
) -> list[DayLine]:
    """The lines of a day in their order; one more than a page shows, when there is one."""
    words = {**_bounds(day), "differing": differing, "most": size + 1, "skipped": (page - 1) * size}
    return [
        DayLine(
            at=row.at,
            kind=SettlementKind(row.kind),
            account_id=row.account,
            external_id=row.external_id,
            ours=None if row.ours is None else Money(row.ours),
            theirs=None if row.theirs is None else Money(row.theirs),
            fee=Money(row.fee or 0),
            number=row.number,
            states=("in_suspense",) if row.capture_state == "in_suspense" else tuple(sorted(row.states or ())),
            differs=row.differs,
        )
        for row in session.execute(_DAY_LINES, words)
    ]


_DAYS = text("""
    WITH days AS (
        SELECT generate_series(CAST(:last AS date), CAST(:first AS date), interval '-1 day')::date AS day
    ), captured AS (
        SELECT (captured_at AT TIME ZONE 'Europe/Warsaw')::date AS day, count(*) AS number,
            sum(amount)::bigint AS amount
        FROM captures WHERE captured_at >= :since AND captured_at < :until GROUP BY 1
    ), told AS (
        SELECT counts_on AS day, sum(amount)::bigint AS amount, count(*) AS number FROM settlement_lines
        WHERE kind = 'payment' AND counts_on BETWEEN :first AND :last GROUP BY 1
    ), differing AS (
        SELECT day, count(*) AS number FROM differences
        WHERE closed_at IS NULL AND day BETWEEN :first AND :last GROUP BY 1
    ), heard AS (
        SELECT day, count(*) AS number FROM settlement_reports
        WHERE day BETWEEN :first AND :last AND told_at >= (day + 1)::timestamp AT TIME ZONE 'Europe/Warsaw' GROUP BY 1
    ), accounts AS (
        SELECT d.day, count(m.id) AS number FROM days d LEFT JOIN merchant_accounts m
            ON m.enabled AND (m.created_at AT TIME ZONE 'Europe/Warsaw')::date <= d.day GROUP BY 1
    )
    SELECT day, coalesce(captured.number, 0) AS captures, coalesce(captured.amount, 0) AS captured,
        coalesce(told.number, 0) AS told, coalesce(told.amount, 0) AS told_amount,
        coalesce(differing.number, 0) AS differences, coalesce(heard.number, 0) >= accounts.number AS is_told,
        accounts.number > 0 AS has_accounts
    FROM days LEFT JOIN captured USING (day) LEFT JOIN told USING (day) LEFT JOIN differing USING (day)
    LEFT JOIN heard USING (day) JOIN accounts USING (day)
    ORDER BY day DESC
""")


@dataclass(frozen=True)
class DayRow:
    """A line of the list of days."""

    day: date
    captured: Figure
    told: Figure
    differences: int
    is_told: bool  # by every gateway, after the day was over
    has_accounts: bool  # at a gateway, on that day

    @property
    def mark(self) -> str:
        """`wrong` when something differs, `now` while gateways have not told it, `done` when it agrees.

        Nothing before there was an account.
        """
        if self.differences or (self.is_told and self.captured != self.told):
            return "wrong"
        if not self.has_accounts and not self.captured.number:
            return ""
        return "done" if self.is_told else "now"


def list_days(session: Session, *, last: date, days: int = DAYS) -> list[DayRow]:
    """Days up to one, the newest first."""
    first = last - timedelta(days=days - 1)
    words = {"first": first, "last": last, "since": clock.start_of(first)}
    words |= {"until": clock.start_of(last + timedelta(days=1))}
    return [
        DayRow(
            row.day,
            Figure(row.captures, Money(row.captured)),
            Figure(row.told, Money(row.told_amount)),
            row.differences,
            row.is_told,
            row.has_accounts,
        )
        for row in session.execute(_DAYS, words)
    ]


def list_payouts(session: Session, *, page: int = 1) -> list[Payout]:
    """The newest first; one more than a page shows, when there is one."""
    query = select(Payout).options(joinedload(Payout.merchant_account).joinedload(MerchantAccount.creditor_account))
    query = query.order_by(Payout.paid_on.desc(), Payout.id.desc()).limit(PAGE + 1).offset((page - 1) * PAGE)
    return list(session.scalars(query))


def get_payout(session: Session, payout_id: UUID) -> Payout:
    query = select(Payout).options(joinedload(Payout.merchant_account).joinedload(MerchantAccount.creditor_account))
    payout = session.scalars(query.where(Payout.id == payout_id)).one_or_none()
    if payout is None:
        raise NotFound(f"no payout {payout_id}")
    return payout


# A payment is split as it was allocated, a refund as it was taken back; what nobody allocated yet stays a rest.
_SPLIT = text("""
    SELECT k.id AS kind_id, k.title, sum(b.principal)::bigint AS principal, sum(b.interest)::bigint AS interest,
        sum(b.costs)::bigint AS costs, count(DISTINCT l.id) AS number
    FROM settlement_lines l
    JOIN booking_lines b ON b.capture_id = l.capture_id AND b.state <> 'dropped' AND CASE l.kind
        WHEN 'payment' THEN b.refund_id IS NULL WHEN 'refund' THEN b.refund_id = l.refund_id ELSE false END
    JOIN instalments i ON i.id = b.instalment_id JOIN receivables r ON r.id = i.receivable_id
    JOIN kinds k ON k.id = r.kind_id
    WHERE l.payout_id = :payout GROUP BY k.id, k.title, k.position ORDER BY k.position, k.title, k.id
""")
_SUMS = text("""
    SELECT kind, sum(amount)::bigint AS amount, sum(fee)::bigint AS fee
    FROM settlement_lines WHERE payout_id = :payout GROUP BY kind
""")
_PAYOUT_LINES = text("""
    SELECT l.id, l.kind, l.external_id, l.amount, l.fee, l.happened_at, o.number
    FROM settlement_lines l LEFT JOIN captures c ON c.id = l.capture_id
    LEFT JOIN transactions t ON t.id = coalesce(c.transaction_id, l.transaction_id)
    LEFT JOIN payment_orders o ON o.id = t.order_id
    WHERE l.payout_id = :payout ORDER BY l.happened_at, l.id LIMIT :most OFFSET :skipped
""")


@dataclass(frozen=True)
class KindShare:
    """What of a payout belongs to one kind of receivable."""

    title: str
    number: int
    amounts: Amounts


@dataclass(frozen=True)
class PayoutSplit:
    """A payout as the bank account sees it, in parts that add up to the grosz."""

    kinds: Sequence[KindShare]
    unallocated: Money  # money that belongs to no kind of receivable yet
    fees: Money  # of the lines, alone and for paying out; never negative unless a gateway gave fees back
    missing: Money  # what the payout has more than its lines, or less

    @property
    def allocated(self) -> Amounts:
        return Amounts.sum(each.amounts for each in self.kinds)

    @property
    def total(self) -> Money:
        """Always the payout's amount."""
        return self.allocated.total + self.unallocated - self.fees + self.missing


def split_payout(session: Session, payout: Payout) -> PayoutSplit:
    """By kind of receivable, as its payments were allocated and its refunds taken back."""
    kinds = [
        KindShare(row.title, row.number, Amounts(Money(row.principal), Money(row.interest), Money(row.costs)))
        for row in session.execute(_SPLIT, {"payout": payout.id})
    ]
    gross, fees = ZERO, payout.fee
    for row in session.execute(_SUMS, {"payout": payout.id}):
        fees += Money(row.fee)
        if row.kind == SettlementKind.FEE:
            fees -= Money(row.amount)
        else:
            gross += Money(row.amount)
    unallocated = gross - Amounts.sum(each.amounts for each in kinds).total
    return PayoutSplit(kinds, unallocated, fees, payout.amount - (gross - fees))


def list_payout_lines(session: Session, payout_id: UUID, *, page: int = 1, size: int = PAGE) -> Sequence[Any]:
    """What was paid out, in its order; one more than a page shows, when there is one."""
    words = {"payout": payout_id, "most": size + 1, "skipped": (page - 1) * size}
    return session.execute(_PAYOUT_LINES, words).all()
