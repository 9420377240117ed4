"""The queue of differences: found and closed as a whole set, taken, noted and closed by people.

Each kind has one question that finds what differs now. What it finds is opened once, what it finds no longer is closed.
What a person closed stays closed as long as it is about the same amount.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import Conflict, NotFound
from skarbnik.money import Money
from skarbnik.outbox import publish
from skarbnik.payments.models import BookingLine, Difference
from skarbnik.payments.services import MISFIT
from skarbnik.payments.states import BookingState

GRACE = timedelta(days=2)  # so long a payment may be missing in the report of its day
WAITS_FOR = timedelta(days=3)  # so long money may wait to be sent, or to be answered, over a weekend too
LOOKS_BACK = timedelta(days=60)
LONGEST_NOTE = 200
DECIDED_BY_BOOKING = (BookingState.IN_SUSPENSE, BookingState.REFUSED)
ENDS_ELSEWHERE = (MISFIT, "refund_proposed")  # with the money, or with the second person's word

# What each question is given: the account, the open subjects of its kind, days and moments to look at.
_LINES = """
    SELECT l.id AS subject_id, t.order_id, l.counts_on AS day, l.amount, l.transaction_id
    FROM settlement_lines l LEFT JOIN captures c ON c.id = l.capture_id
    LEFT JOIN transactions t ON t.id = coalesce(c.transaction_id, l.transaction_id)
    WHERE l.merchant_account_id = :account AND (l.counts_on >= :since OR l.id = ANY(CAST(:open AS uuid[])))
"""
_BOOKINGS = """
    SELECT b.id AS subject_id, t.order_id, (c.captured_at AT TIME ZONE 'Europe/Warsaw')::date AS day,
        b.principal + b.interest + b.costs AS amount, CAST(NULL AS uuid) AS transaction_id
    FROM booking_lines b JOIN captures c ON c.id = b.capture_id JOIN transactions t ON t.id = c.transaction_id
    WHERE c.merchant_account_id = :account AND b.seen_at IS NULL
"""
QUESTIONS: dict[str, str] = {
    "gateway_only": f"{_LINES} AND l.kind = 'payment' AND l.capture_id IS NULL",
    "amount_differs": f"""
        {_LINES} AND CASE l.kind
            WHEN 'payment' THEN l.amount <> c.amount OR l.currency <> c.currency
            ELSE l.amount <> -(SELECT r.amount FROM refunds r WHERE r.id = l.refund_id) END
    """,  # noqa: S608  # our own words
    "refund_outside": f"{_LINES} AND l.kind = 'refund' AND l.refund_id IS NULL",
    "chargeback": f"{_LINES} AND l.kind = 'chargeback' AND l.refund_id IS NULL",
    "portal_only": """
        SELECT c.id AS subject_id, t.order_id, (c.captured_at AT TIME ZONE 'Europe/Warsaw')::date AS day, c.amount,
            CAST(NULL AS uuid) AS transaction_id
        FROM captures c JOIN transactions t ON t.id = c.transaction_id
        LEFT JOIN settlement_reports r ON r.merchant_account_id = c.merchant_account_id
            AND r.day = (c.captured_at AT TIME ZONE 'Europe/Warsaw')::date
        WHERE c.merchant_account_id = :account
            AND NOT EXISTS (SELECT FROM settlement_lines l WHERE l.capture_id = c.id AND l.kind = 'payment')
            AND (c.id = ANY(CAST(:open AS uuid[])) OR (c.captured_at >= :since_moment AND c.captured_at < :grace
                AND r.told_at >= (r.day + CAST(:grace_days AS integer))::timestamp AT TIME ZONE 'Europe/Warsaw'))
        UNION ALL
        SELECT b.id, t.order_id, (b.settled_at AT TIME ZONE 'Europe/Warsaw')::date, -b.amount, CAST(NULL AS uuid)
        FROM refunds b JOIN captures c ON c.id = b.capture_id JOIN transactions t ON t.id = c.transaction_id
        LEFT JOIN settlement_reports r ON r.merchant_account_id = c.merchant_account_id AND r.origin <> 'asked'
            AND r.day = (b.settled_at AT TIME ZONE 'Europe/Warsaw')::date
        WHERE c.merchant_account_id = :account AND b.state = 'completed' AND b.kind = 'gateway'
            AND NOT EXISTS (SELECT FROM settlement_lines l WHERE l.refund_id = b.id)
            AND (b.id = ANY(CAST(:open AS uuid[])) OR (b.settled_at >= :since_moment AND b.settled_at < :grace
                AND r.told_at >= (r.day + CAST(:grace_days AS integer))::timestamp AT TIME ZONE 'Europe/Warsaw'))
    """,
    "payout_differs": """
        SELECT p.id AS subject_id, CAST(NULL AS uuid) AS order_id, p.paid_on AS day,
            p.amount + p.fee - coalesce(s.amount, 0) AS amount, CAST(NULL AS uuid) AS transaction_id
        FROM payouts p LEFT JOIN LATERAL (
            SELECT sum(l.amount - l.fee)::bigint AS amount FROM settlement_lines l WHERE l.payout_id = p.id
        ) AS s ON true
        WHERE p.merchant_account_id = :account AND (p.paid_on >= :since OR p.id = ANY(CAST(:open AS uuid[])))
            AND p.amount + p.fee <> coalesce(s.amount, 0)
    """,
    "not_sent": f"{_BOOKINGS} AND b.state = 'waiting' AND b.recorded_at < :late",
    "not_answered": f"{_BOOKINGS} AND b.state = 'sent' AND b.sent_at < :late",
}
# What a difference that mended itself is closed with.
MENDED = {
    "gateway_only": "captured",
    "amount_differs": "equal",
    "refund_outside": "recorded",
    "chargeback": "recorded",
    "portal_only": "told",
    "payout_differs": "adds_up",
    "not_sent": "moved_on",
    "not_answered": "moved_on",
}
_OPEN = text(
    "SELECT subject_id FROM differences WHERE kind = :kind AND closed_at IS NULL AND merchant_account_id = :account"
)
_NEWS = """
    SELECT f.* FROM ({question}) AS f
    WHERE NOT EXISTS (
        SELECT FROM differences d WHERE d.subject_id = f.subject_id AND d.kind = :kind AND (
            d.closed_at IS NULL OR (d.closed_by IS NOT NULL AND d.amount IS NOT DISTINCT FROM f.amount)
        )
    )
"""
_CLOSE = """
    UPDATE differences d SET closed_at = :now, resolution = :resolution
    WHERE d.kind = :kind AND d.closed_at IS NULL AND d.merchant_account_id = :account
        AND NOT EXISTS (SELECT FROM ({question}) AS f WHERE f.subject_id = d.subject_id)
"""
_CHANGE = """
    UPDATE differences d SET amount = f.amount FROM ({question}) AS f
    WHERE d.kind = :kind AND d.closed_at IS NULL AND d.subject_id = f.subject_id
        AND d.amount IS DISTINCT FROM f.amount
"""
HEALS_IN = timedelta(minutes=1)


def look(session: Session, account_id: UUID, *, heal: bool = True) -> None:
    """Open what differs on an account now and close what no longer does. Safe to repeat.

    Of money the gateway has and we do not, it is asked at once when the attempt is ours: that captures it.
    """
    today = clock.today()
    words: dict[str, Any] = {
        "account": account_id,
        "since": today - LOOKS_BACK,
        "since_moment": clock.start_of(today - LOOKS_BACK),
        "grace": clock.start_of(today - GRACE + timedelta(days=1)),
        "grace_days": GRACE.days,
        "late": clock.now() - WAITS_FOR,
        "now": clock.now(),
    }
    for kind, question in QUESTIONS.items():
        words |= {"kind": kind, "resolution": MENDED[kind]}
        words["open"] = list(session.scalars(_OPEN, {"kind": kind, "account": account_id}))
        session.execute(text(_CLOSE.format(question=question)), words)
        session.execute(text(_CHANGE.format(question=question)), words)
        news = [
            {
                "id": new_id(),
                "kind": kind,
                "subject_id": row.subject_id,
                "order_id": row.order_id,
                "merchant_account_id": account_id,
                "day": row.day,
                "amount": Money(row.amount),
                "opened_at": clock.now(),
            }
            for row in session.execute(text(_NEWS.format(question=question)), words)
        ]
        if news:
            session.execute(insert(Difference).on_conflict_do_nothing(), news)
    if heal:
        _ask_about(session, account_id, words)


def _ask_about(session: Session, account_id: UUID, words: dict[str, Any]) -> None:
    """Whatever is captured of it closes its difference a moment later."""
    found = session.execute(text(QUESTIONS["gateway_only"]), words | {"open": []})
    transactions = {row.transaction_id for row in found if row.transaction_id is not None}
    for transaction_id in sorted(transactions):
        publish(session, "payments.notified", transaction_id)
    if transactions:
        publish(session, "settlements.match", account_id, due_at=clock.now() + HEALS_IN)


def get_difference(session: Session, difference_id: UUID, *, lock: bool = False) -> Difference:
    query = select(Difference).where(Difference.id == difference_id)
    if lock:
        query = query.with_for_update(of=Difference).execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"no difference {difference_id}")
    return found


def take(session: Session, difference_id: UUID, *, by: UUID) -> Difference:
    """Say that one looks into it. Another may take it over: the last who took it has it."""
    found = _lock_open(session, difference_id)
    found.owner_id = by
    return found


def give_back(session: Session, difference_id: UUID) -> Difference:
    """Nobody looks into it any more."""
    found = _lock_open(session, difference_id)
    found.owner_id = None
    return found


def write_note(session: Session, difference_id: UUID, note: str) -> Difference:
    """What was found out so far, for whoever looks next. One note, the newest."""
    found = _lock_open(session, difference_id)
    found.note = note.strip()[:LONGEST_NOTE] or None
    return found


def close(session: Session, difference_id: UUID, *, resolution: str, by: UUID) -> Difference:
    """A person says how it ended. Conflict while its money waits for a decision that is made elsewhere.

    The booking is looked at without a lock: a decision made meanwhile closes the difference itself.
    """
    found = _lock_open(session, difference_id)
    state = session.scalar(select(BookingLine.state).where(BookingLine.id == found.subject_id))
    if state in DECIDED_BY_BOOKING or found.kind in ENDS_ELSEWHERE:
        raise Conflict(f"difference {difference_id} ends when what it is about does")
    found.closed_at, found.closed_by, found.resolution = clock.now(), by, resolution.strip()[:200]
    return found


def _lock_open(session: Session, difference_id: UUID) -> Difference:
    found = get_difference(session, difference_id, lock=True)
    if found.closed_at is not None:
        raise Conflict(f"difference {difference_id} is closed")
    return found
