"""What gateways say happened on a merchant account: kept once, and matched with what we captured and refunded.

Nothing here takes a transaction, an order or a booking line: the account is locked first, so that two who match it wait
for each other, and differences last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import Nonsense
from skarbnik.payments.models import (
    Capture,
    MerchantAccount,
    Payout,
    Refund,
    SettlementLine,
    SettlementOrigin,
    SettlementReport,
    Transaction,
)
from skarbnik.payments.states import DEAD_REFUNDS
from skarbnik.plugin_api import SettlementKind
from skarbnik.plugin_api import SettlementLine as Told

LONGEST_ID = 80
LARGEST = 10**13  # grosze; beyond it something is wrong with the plugin
AT_ONCE = 1000  # rows of a statement
MONEY_BACK = (SettlementKind.REFUND, SettlementKind.CHARGEBACK)
NEGATIVE = (*MONEY_BACK, SettlementKind.FEE)


def lock_account(session: Session, account_id: UUID) -> MerchantAccount:
    """One at a time keeps and matches what is told of an account. Payments go on meanwhile: they only refer to it."""
    query = select(MerchantAccount).where(MerchantAccount.id == account_id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def keep(session: Session, account_id: UUID, told: Iterable[Told], origin: SettlementOrigin) -> int:
    """Keep lines once, with the newest word about each. How many are new or say something else than before.

    Nonsense, and nothing is kept, when one of them cannot be.
    """
    account = lock_account(session, account_id)
    lines = list({(each.kind, each.external_id): each for each in told}.values())
    for each in lines:
        _check(each)
    _keep_payouts(session, account, [each for each in lines if each.kind is SettlementKind.PAYOUT])
    payouts = _known_payouts(session, account, lines)
    rest = sorted(
        (each for each in lines if each.kind is not SettlementKind.PAYOUT),
        key=lambda each: (each.kind, each.external_id),
    )
    transactions = _known_transactions(session, account, rest)
    refunds = _known_refunds(session, account, rest)
    changed = 0
    for start in range(0, len(rest), AT_ONCE):
        rows = [
            {
                "id": new_id(),
                "merchant_account_id": account.id,
                "kind": each.kind,
                "external_id": each.external_id,
                "payment_id": each.external_id if each.kind is SettlementKind.PAYMENT else each.payment,
                "amount": each.amount,
                "fee": each.fee,
                "currency": each.currency,
                "happened_at": each.happened_at,
                "counts_on": clock.local_day(each.happened_at),
                "origin": origin,
                "told_at": clock.now(),
                "payout_id": payouts.get(each.payout) if each.payout else None,
                "transaction_id": each.transaction_id if each.transaction_id in transactions else None,
                "refund_id": _refund_of(each, refunds),
            }
            for each in rest[start : start + AT_ONCE]
        ]
        changed += _write_lines(session, rows)
    return changed


def _check(line: Told) -> None:
    """A plugin has read its gateway's words; what it made of them is checked before it stands beside our money."""
    for word in (line.external_id, line.payment, line.payout):
        if word is not None and not (0 < len(word) <= LONGEST_ID and word.isprintable()):
            raise Nonsense("a settlement line has a number that cannot be")
    amount, fee = line.amount.grosze, line.fee.grosze
    wrong_sign = amount >= 0 if line.kind in NEGATIVE else line.kind is SettlementKind.PAYMENT and amount <= 0
    if wrong_sign or abs(amount) > LARGEST or not 0 <= fee <= LARGEST:
        raise Nonsense(f"settlement line {line.external_id} has an amount that cannot be")
    if len(line.currency) != 3 or not line.currency.isalpha() or line.happened_at.tzinfo is None:
        raise Nonsense(f"settlement line {line.external_id} has no currency, or a moment without a zone")


def _keep_payouts(session: Session, account: MerchantAccount, told: Sequence[Told]) -> None:
    rows = [
        {
            "id": new_id(),
            "merchant_account_id": account.id,
            "external_id": each.external_id,
            "amount": each.amount,
            "fee": each.fee,
            "currency": each.currency,
            "paid_on": clock.local_day(each.happened_at),
            "told_at": clock.now(),
        }
        for each in told
    ]
    for start in range(0, len(rows), AT_ONCE):
        new = insert(Payout).values(rows[start : start + AT_ONCE])
        words = {name: new.excluded[name] for name in ("amount", "fee", "currency", "paid_on", "told_at")}
        session.execute(new.on_conflict_do_update(index_elements=["merchant_account_id", "external_id"], set_=words))


def _known_payouts(session: Session, account: MerchantAccount, told: Sequence[Told]) -> dict[str, UUID]:
    """Ids of the payouts that lines name, by the gateway's numbers."""
    named = {each.payout for each in told if each.payout}
    query = select(Payout.external_id, Payout.id).where(
        Payout.merchant_account_id == account.id, Payout.external_id.in_(named)
    )
    return {row.external_id: row.id for row in session.execute(query)} if named else {}


def _known_transactions(session: Session, account: MerchantAccount, told: Sequence[Told]) -> set[UUID | None]:
    """Of the ids that lines name, those of attempts on this very account."""
    ids = [each.transaction_id for each in told if each.transaction_id]
    query = select(Transaction.id).where(Transaction.id.in_(ids), Transaction.merchant_account_id == account.id)
    return set(session.scalars(query)) if ids else set()


def _known_refunds(session: Session, account: MerchantAccount, told: Sequence[Told]) -> dict[UUID | str | None, UUID]:
    """Refunds of this account that lines name, by our id and by the gateway's."""
    lines = [each for each in told if each.kind is SettlementKind.REFUND]
    if not lines:
        return {}
    named = Refund.id.in_([each.refund_id for each in lines if each.refund_id])
    numbered = Refund.external_id.in_([each.external_id for each in lines])
    rows = session.execute(
        select(Refund.id, Refund.external_id)
        .join(Capture, Capture.id == Refund.capture_id)
        .where(Capture.merchant_account_id == account.id, Refund.state.not_in(DEAD_REFUNDS), or_(named, numbered))
    ).all()
    found: dict[UUID | str | None, UUID] = {row.external_id: row.id for row in rows if row.external_id}
    return found | {row.id: row.id for row in rows}


def _refund_of(line: Told, refunds: dict[UUID | str | None, UUID]) -> UUID | None:
    if line.kind is not SettlementKind.REFUND:
        return None
    return refunds.get(line.refund_id) or refunds.get(line.external_id)


def _write_lines(session: Session, rows: list[dict[str, Any]]) -> int:
    """What was told with more than before is not forgotten when it is told with less; an answer has no fee to tell."""
    if not rows:
        return 0
    new = insert(SettlementLine).values(rows)
    old, said = SettlementLine, new.excluded
    only_asked = said.origin == SettlementOrigin.ASKED
    words = {
        "amount": said.amount,
        "currency": said.currency,
        "fee": case((only_asked, old.fee), else_=said.fee),
        "happened_at": case((only_asked, old.happened_at), else_=said.happened_at),
        "counts_on": case((or_(only_asked, old.capture_id.is_not(None)), old.counts_on), else_=said.counts_on),
        "origin": case((only_asked, old.origin), else_=said.origin),
        "payment_id": func.coalesce(said.payment_id, old.payment_id),
        "payout_id": func.coalesce(said.payout_id, old.payout_id),
        "transaction_id": func.coalesce(said.transaction_id, old.transaction_id),
        "refund_id": func.coalesce(said.refund_id, old.refund_id),
    }
    news = or_(*(getattr(old, name).is_distinct_from(value) for name, value in words.items()))
    written = session.execute(
        new.on_conflict_do_update(
            index_elements=["merchant_account_id", "kind", "external_id"],
            set_={**words, "told_at": said.told_at},
            where=news,
        ).returning(SettlementLine.id)
    )
    return len(written.all())


# A line belongs to a capture by the gateway's number of the payment, or by our own id of the attempt.
_CANDIDATES = """
    WITH waiting AS MATERIALIZED (
        SELECT id, kind, payment_id, transaction_id FROM settlement_lines
        WHERE merchant_account_id = :account AND capture_id IS NULL AND kind IN ('payment', 'refund', 'chargeback')
    ), candidates AS (
        SELECT w.id, w.kind, c.id AS capture_id, c.captured_at, 0 AS rank
        FROM waiting w JOIN captures c ON c.merchant_account_id = :account AND c.external_id = w.payment_id
        UNION ALL
        SELECT w.id, w.kind, c.id, c.captured_at, 1
        FROM waiting w JOIN captures c ON c.merchant_account_id = :account AND c.payment_id = w.payment_id
        UNION ALL
        SELECT w.id, w.kind, c.id, c.captured_at, 2
        FROM waiting w JOIN captures c ON c.merchant_account_id = :account AND c.transaction_id = w.transaction_id
    )
"""

# One payment line for a capture: the second is money that we do not have.
_MATCH_PAYMENTS = text(f"""
    {_CANDIDATES}, free AS (
        SELECT DISTINCT ON (capture_id) * FROM candidates
        WHERE kind = 'payment' AND NOT EXISTS (
            SELECT FROM settlement_lines o WHERE o.capture_id = candidates.capture_id AND o.kind = 'payment'
        )
        ORDER BY capture_id, rank, id
    )
    UPDATE settlement_lines l SET capture_id = f.capture_id,
        counts_on = (f.captured_at AT TIME ZONE 'Europe/Warsaw')::date
    FROM (SELECT DISTINCT ON (id) * FROM free ORDER BY id, rank, capture_id) AS f WHERE l.id = f.id
""")  # noqa: S608  # our own words

_MATCH_MONEY_BACK = text(f"""
    {_CANDIDATES}
    UPDATE settlement_lines l SET capture_id = f.capture_id
    FROM (SELECT DISTINCT ON (id) * FROM candidates WHERE kind <> 'payment' ORDER BY id, rank, capture_id) AS f
    WHERE l.id = f.id
""")  # noqa: S608  # our own words

# Money that went although its refund came to nothing here, or went a second time for one refund, is not that refund.
_FORGET_REFUNDS = text("""
    UPDATE settlement_lines l SET refund_id = NULL,
        counts_on = (l.happened_at AT TIME ZONE 'Europe/Warsaw')::date
    FROM refunds r
    WHERE l.merchant_account_id = :account AND r.id = l.refund_id AND (
        r.state IN ('withdrawn', 'declined', 'rejected')
        OR EXISTS (
            SELECT FROM settlement_lines o
            WHERE o.merchant_account_id = :account AND o.refund_id = l.refund_id AND o.id < l.id
        )
    )
""")

_MATCH_REFUNDS = text("""
    UPDATE settlement_lines l SET refund_id = r.id, capture_id = r.capture_id
    FROM refunds r JOIN captures c ON c.id = r.capture_id
    WHERE l.merchant_account_id = :account AND c.merchant_account_id = :account AND l.kind = 'refund'
        AND r.state NOT IN ('withdrawn', 'declined', 'rejected')
        AND (l.refund_id IS NULL AND r.external_id = l.external_id OR l.capture_id IS NULL AND r.id = l.refund_id)
""")

# What somebody wrote down is believed of the payment that the gateway names, and of no other. People call several
# refunds alike: the one of the line's amount is meant.
_MATCH_TOLD_REFUNDS = text("""
    UPDATE settlement_lines l SET refund_id = f.refund_id, capture_id = f.capture_id
    FROM (
        SELECT DISTINCT ON (w.id) w.id, r.id AS refund_id, r.capture_id
        FROM settlement_lines w JOIN refunds r ON r.reference = w.external_id JOIN captures c ON c.id = r.capture_id
        WHERE w.merchant_account_id = :account AND c.merchant_account_id = :account AND w.refund_id IS NULL
            AND r.state = 'completed' AND (w.kind, r.kind) IN (('refund', 'outside'), ('chargeback', 'chargeback'))
            AND (w.capture_id IS NULL OR w.capture_id = r.capture_id)
        ORDER BY w.id, r.amount <> -w.amount, r.id
    ) AS f
    WHERE l.id = f.id
""")


# As a payment counts on the day of its capture, a refund counts on the day it was settled here.
_DATE_REFUNDS = text("""
    UPDATE settlement_lines l SET counts_on = (r.settled_at AT TIME ZONE 'Europe/Warsaw')::date
    FROM refunds r
    WHERE l.merchant_account_id = :account AND l.refund_id = r.id AND r.settled_at IS NOT NULL AND r.state = 'completed'
        AND l.counts_on <> (r.settled_at AT TIME ZONE 'Europe/Warsaw')::date
""")


def match(session: Session, account_id: UUID) -> None:
    """Find what lines belong to. Whoever matched is not touched again; the account is locked."""
    lock_account(session, account_id)
    session.flush()
    for statement in (
        _FORGET_REFUNDS,
        _MATCH_REFUNDS,
        _MATCH_PAYMENTS,
        _MATCH_MONEY_BACK,
        _MATCH_TOLD_REFUNDS,
        _DATE_REFUNDS,
    ):
        session.execute(statement, {"account": account_id})


def note_asked(session: Session, account_id: UUID, day: date, origin: SettlementOrigin) -> SettlementReport:
    """The row of a day of an account, made when it is asked about for the first time."""
    session.execute(
        insert(SettlementReport)
        .values(id=new_id(), merchant_account_id=account_id, day=day, origin=origin, asked_at=clock.now())
        .on_conflict_do_nothing()
    )
    query = select(SettlementReport).where(
        SettlementReport.merchant_account_id == account_id, SettlementReport.day == day
    )
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def note_told(session: Session, account_id: UUID, day: date, origin: SettlementOrigin) -> None:
    """The gateway has told all it knows of a day."""
    report = note_asked(session, account_id, day, origin)
    report.origin, report.told_at, report.asked_to, report.error = origin, clock.now(), None, None


LOOKED_AT_AGAIN = 7  # days: so long a report may be late, or told anew


def days_to_ask(session: Session, account: MerchantAccount) -> list[date]:
    """Yesterday, and days before that were not told whole or have something unmatched. The oldest first."""
    today = clock.today()
    first = max(today - timedelta(days=LOOKED_AT_AGAIN), clock.local_day(account.created_at))
    days = [first + timedelta(days=number) for number in range((today - first).days)]
    query = select(SettlementReport.day, SettlementReport.told_at).where(
        SettlementReport.merchant_account_id == account.id, SettlementReport.day >= first
    )
    told = {row.day: row.told_at for row in session.execute(query)}
    unmatched = set(session.scalars(_UNMATCHED_DAYS, {"account": account.id, "since": clock.start_of(first)}))
    return [
        day
        for day in days
        if day in unmatched or (moment := told.get(day)) is None or moment < clock.start_of(day + timedelta(days=1))
    ]


_UNMATCHED_DAYS = text("""
    SELECT DISTINCT (c.captured_at AT TIME ZONE 'Europe/Warsaw')::date FROM captures c
    WHERE c.merchant_account_id = :account AND c.captured_at >= :since
        AND NOT EXISTS (SELECT FROM settlement_lines l WHERE l.capture_id = c.id AND l.kind = 'payment')
""")
