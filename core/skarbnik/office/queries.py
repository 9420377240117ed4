"""What the clerk's pages show, joined over features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import first_id_of, like_anywhere
from skarbnik.errors import NotFound
from skarbnik.money import Money
from skarbnik.payments.states import COUNTS_NOWHERE_SQL
from skarbnik.receivables.scopes import IN_SCOPE
from skarbnik.remarks.states import OPEN_SQL

PAGE = 30

_DAY = text("""
    SELECT
        (SELECT count(*) FROM booking_lines WHERE state = 'waiting') AS waiting,
        (SELECT count(*) FROM differences WHERE closed_at IS NULL) AS differences,
        (SELECT coalesce(sum(amount), 0)::bigint FROM captures WHERE id >= :first) AS captured,
        (SELECT count(*) FROM captures WHERE id >= :first) AS captures,
        (SELECT min(as_of) FROM sources) AS as_of
""")


def day_figures(session: Session, *, since: datetime) -> Any:
    """The few figures a clerk looks at in the morning; each is an index or a small table."""
    return session.execute(_DAY, {"first": first_id_of(since)}).one()


_DAY_OF_KINDS = text(f"""
    SELECT came.amount, came.orders,
        (SELECT count(*) FROM booking_lines b JOIN instalments i ON i.id = b.instalment_id
         JOIN receivables r ON r.id = i.receivable_id
         WHERE b.state = 'waiting' AND r.kind_id = ANY (CAST(:kinds AS uuid[]))) AS waiting,
        (SELECT count(*) FROM remarks m JOIN receivables r ON r.id = m.receivable_id
         WHERE m.state IN ({OPEN_SQL}) AND r.kind_id = ANY (CAST(:kinds AS uuid[]))) AS remarks,
        (SELECT min(as_of) FROM sources) AS as_of
    FROM (
        SELECT coalesce(sum(b.principal + b.interest + b.costs), 0)::bigint AS amount,
            count(DISTINCT l.order_id) AS orders
        FROM captures c JOIN booking_lines b ON b.capture_id = c.id AND b.refund_id IS NULL
        JOIN order_lines l ON l.id = b.order_line_id JOIN instalments i ON i.id = b.instalment_id
        JOIN receivables r ON r.id = i.receivable_id
        WHERE c.id >= :first AND r.kind_id = ANY (CAST(:kinds AS uuid[]))
    ) AS came
""")  # noqa: S608  # our own words


def day_of_kinds(session: Session, kinds: list[UUID], *, since: datetime) -> Any:
    """The same for who works with some kinds: what came for them, and what waits of them."""
    return session.execute(_DAY_OF_KINDS, {"first": first_id_of(since), "kinds": kinds}).one()


# What an order `o` pays for of the kinds an official works with. Amount and state are as if these lines were all of it,
# since the state of the whole tells what became of the rest; where there is no rest, or no scope, they are the order's.
_PART = f"""
    LEFT JOIN LATERAL (
        SELECT sum(ol.principal + ol.interest + ol.costs)::bigint AS amount,
            array_agg(DISTINCT ol.creditor_account_id) AS accounts, count(*) AS lines,
            bool_and(coalesce(b.came, 0) >= ol.principal + ol.interest + ol.costs) AS is_whole,
            coalesce(sum(b.came), 0) AS came, coalesce(sum(b.here), 0) AS here
        FROM order_lines ol
        JOIN instalments i ON i.id = ol.instalment_id
        JOIN receivables r ON r.id = i.receivable_id
        LEFT JOIN LATERAL (
            SELECT sum(n.principal + n.interest + n.costs) FILTER (WHERE n.refund_id IS NULL) AS came,
                sum(n.principal + n.interest + n.costs) AS here
            FROM transactions t JOIN captures c ON c.transaction_id = t.id JOIN booking_lines n ON n.capture_id = c.id
            WHERE t.order_id = o.id AND n.order_line_id = ol.id AND n.state NOT IN ({COUNTS_NOWHERE_SQL})
        ) AS b ON true
        WHERE ol.order_id = o.id AND r.kind_id = ANY (CAST(:kinds AS uuid[]))
        HAVING count(*) > 0
    ) AS part ON CAST(:kinds AS uuid[]) IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN part.lines IS NULL OR part.lines = (SELECT count(*) FROM order_lines a WHERE a.order_id = o.id)
                THEN o.state
            WHEN part.came > 0 AND part.here <= 0 THEN 'refunded'
            WHEN part.came > 0 AND part.is_whole THEN 'paid'
            WHEN part.came > 0 THEN 'partly_paid'
            WHEN o.state IN ('created', 'started', 'abandoned') THEN o.state
            WHEN o.held_until > :now THEN 'started'
            ELSE 'abandoned'
        END AS state, coalesce(part.amount, o.amount) AS amount
    ) AS seen
"""  # noqa: S608  # our own words
_HAS_PART = "(CAST(:kinds AS uuid[]) IS NULL OR part.lines IS NOT NULL)"
# Attempts at a gateway `t`, through the account `m`, to pay for that.
_ATTEMPTS = """
    FROM transactions t JOIN merchant_accounts m ON m.id = t.merchant_account_id
    WHERE t.order_id = o.id AND (part.lines IS NULL OR m.creditor_account_id = ANY (part.accounts))
"""
# Whether a payer `p` is or was liable for something of those kinds.
_PAYER_IN_SCOPE = """
    (CAST(:kinds AS uuid[]) IS NULL OR EXISTS (
        SELECT FROM liabilities l JOIN receivables r ON r.id = l.receivable_id
        WHERE l.payer_id = ANY (array_append(p.merged_from, p.id)) AND r.kind_id = ANY (CAST(:kinds AS uuid[]))))
"""

_ORDERS = text(f"""
    SELECT o.id, o.number, seen.state, seen.amount, o.ordered_at, p.name AS payer, p.id AS payer_id,
        (SELECT string_agg(DISTINCT m.title, ', ') {_ATTEMPTS}) AS gateways
    FROM payment_orders o JOIN payers p ON p.id = o.payer_id {_PART}
    WHERE (CAST(:state AS varchar) IS NULL OR seen.state = :state)
        AND (CAST(:number AS varchar) IS NULL OR o.number = :number)
        AND (CAST(:payer AS varchar) IS NULL OR p.name ILIKE :payer)
        AND (CAST(:since AS timestamptz) IS NULL OR o.ordered_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR o.ordered_at < :until)
        AND (CAST(:gateway AS varchar) IS NULL OR EXISTS (SELECT {_ATTEMPTS} AND m.gateway = :gateway))
        AND (CAST(:before AS uuid) IS NULL OR o.id < :before)
        AND {_HAS_PART}
    ORDER BY o.id DESC LIMIT :most
""")  # noqa: S608  # our own words


@dataclass(frozen=True)
class OrderFilter:
    """Which orders a list is of; None is any. Days are of Warsaw, both included.

    With `kinds` an order counts as far as it pays for something of them: amount, state and gateways are of that.
    """

    state: str | None = None
    number: str | None = None
    payer: str | None = None
    gateway: str | None = None
    from_on: date | None = None
    until_on: date | None = None
    kinds: list[UUID] | None = None


def list_orders(session: Session, wanted: OrderFilter, *, before: UUID | None) -> Sequence[Any]:
    """Newest first by id, which tells the time; one more than a page may come."""
    words = {
        "state": wanted.state,
        "number": wanted.number,
        "payer": like_anywhere(wanted.payer) if wanted.payer else None,
        "gateway": wanted.gateway,
        "since": clock.start_of(wanted.from_on) if wanted.from_on else None,
        "until": clock.start_of(wanted.until_on + timedelta(days=1)) if wanted.until_on else None,
        "before": before,
        "kinds": wanted.kinds,
        "now": clock.now(),
        "most": PAGE + 1,
    }
    return session.execute(_ORDERS, words).all()


def gateway_names(session: Session) -> dict[str, str]:
    """Gateways this office has or had an account at, by the word of their plugin."""
    rows = session.execute(text("SELECT gateway, min(title) AS title FROM merchant_accounts GROUP BY 1 ORDER BY 2"))
    return {row.gateway: row.title for row in rows}


_DECISIONS = text("""
    SELECT d.kind, d.amount, d.opened_at, d.closed_at, d.resolution, u.name AS closed_by,
        coalesce(s.currency, k.currency, g.currency, 'PLN') AS currency
    FROM differences d
    LEFT JOIN users u ON u.id = d.closed_by
    LEFT JOIN settlement_lines s ON s.id = d.subject_id
    LEFT JOIN captures k ON k.id = d.subject_id
    LEFT JOIN refunds f ON f.id = d.subject_id
    LEFT JOIN captures g ON g.id = f.capture_id
    WHERE d.order_id = :order ORDER BY d.opened_at, d.id LIMIT 100
""")


def list_decisions(session: Session, order_id: UUID) -> Sequence[Any]:
    """What of an order had to be decided, or has to be, and who did."""
    return session.execute(_DECISIONS, {"order": order_id}).all()


_DIFFERENCE = """
    SELECT d.id, d.kind, d.subject_id, d.amount, d.day, d.opened_at, d.owner_id, d.note, d.closed_at, d.resolution,
        o.number, b.state AS booking_state, b.reason, u.name AS owner, c.name AS closed_by, m.title AS account,
        p.id AS payout_id, coalesce(s.external_id, k.external_id) AS gateway_number, s.amount AS theirs,
        CASE WHEN s.kind = 'payment' OR s.id IS NULL THEN k.amount END AS ours, k.currency AS our_currency,
        coalesce(s.currency, k.currency, g.currency, p.currency, 'PLN') AS currency
    FROM differences d
    LEFT JOIN payment_orders o ON o.id = d.order_id
    LEFT JOIN booking_lines b ON b.id = d.subject_id
    LEFT JOIN users u ON u.id = d.owner_id
    LEFT JOIN users c ON c.id = d.closed_by
    LEFT JOIN merchant_accounts m ON m.id = d.merchant_account_id
    LEFT JOIN payouts p ON p.id = d.subject_id
    LEFT JOIN settlement_lines s ON s.id = d.subject_id
    LEFT JOIN captures k ON k.id = coalesce(s.capture_id, d.subject_id)
    LEFT JOIN refunds f ON f.id = d.subject_id
    LEFT JOIN captures g ON g.id = f.capture_id
"""
_CHOSEN = """
    (CAST(:kind AS varchar) IS NULL OR d.kind = :kind)
    AND (CAST(:owner AS uuid) IS NULL OR d.owner_id = :owner) AND (NOT :nobodys OR d.owner_id IS NULL)
    AND (CAST(:opened_before AS timestamptz) IS NULL OR d.opened_at < :opened_before)
"""
_OPEN_DIFFERENCES = text(f"""
    {_DIFFERENCE} WHERE d.closed_at IS NULL AND {_CHOSEN} AND (CAST(:place AS uuid) IS NULL OR d.id > :place)
    ORDER BY d.id LIMIT :most
""")
_CLOSED_DIFFERENCES = text(f"""
    {_DIFFERENCE} WHERE d.closed_at IS NOT NULL AND {_CHOSEN} AND (CAST(:place AS uuid) IS NULL OR d.id < :place)
    ORDER BY d.id DESC LIMIT :most
""")
_DAY_DIFFERENCES = text(f"{_DIFFERENCE} WHERE d.day = :day ORDER BY d.closed_at IS NOT NULL, d.id LIMIT :most")
_ONE_DIFFERENCE = text(f"{_DIFFERENCE} WHERE d.id = :id")


@dataclass(frozen=True)
class DifferenceChoice:
    """Which differences somebody wants to see."""

    kind: str | None = None
    owner: UUID | None = None
    nobodys: bool = False
    opened_before: datetime | None = None
    closed: bool = False


def list_differences(session: Session, choice: DifferenceChoice, *, place: UUID | None = None) -> Sequence[Any]:
    """Open ones the oldest first, closed ones the newest first; one more than a page may come."""
    words = {
        "kind": choice.kind,
        "owner": choice.owner,
        "nobodys": choice.nobodys,
        "opened_before": choice.opened_before,
        "place": place,
        "most": PAGE + 1,
    }
    return session.execute(_CLOSED_DIFFERENCES if choice.closed else _OPEN_DIFFERENCES, words).all()


def list_differences_of(session: Session, day: date, *, most: int) -> Sequence[Any]:
    """Of the money of a day, what is open first."""
    return session.execute(_DAY_DIFFERENCES, {"day": day, "most": most}).all()


def get_difference(session: Session, difference_id: UUID) -> Any:
    row = session.execute(_ONE_DIFFERENCE, {"id": difference_id}).one_or_none()
    if row is None:
        raise NotFound(f"no difference {difference_id}")
    return row


_PAYERS = text(f"""
    SELECT p.id, p.external_id, p.name, p.kind, p.city, p.nip FROM payers p
    WHERE p.closed_at IS NULL AND (p.external_id = :text OR p.nip = :text OR p.name ILIKE :like) AND {_PAYER_IN_SCOPE}
    ORDER BY p.name, p.id LIMIT 50
""")  # noqa: S608  # our own words


def find_payers(session: Session, wanted: str, *, kinds: list[UUID] | None) -> Sequence[Any]:
    """By number, NIP or a part of the name (three letters at least)."""
    if len(wanted) < 3:
        return []
    like = like_anywhere(wanted)
    return session.execute(_PAYERS, {"text": wanted, "like": like, "kinds": kinds}).all()


_NUMBERED = text(f"""
    SELECT o.number, seen.state, seen.amount, p.name AS payer, p.id AS payer_id
    FROM payment_orders o JOIN payers p ON p.id = o.payer_id {_PART}
    WHERE o.number = :number AND {_HAS_PART} LIMIT 1
""")  # noqa: S608  # our own words


def find_order(session: Session, number: str, *, kinds: list[UUID] | None) -> Sequence[Any]:
    """One as it stands in lists, or none: of what it pays for of `kinds`, where they are given."""
    return session.execute(_NUMBERED, {"number": number, "kinds": kinds, "now": clock.now()}).all()


_BY_NUMBER = text(f"""
    SELECT r.title, r.external_id, p.id AS payer_id, p.name AS payer
    FROM receivables r JOIN liabilities l ON l.receivable_id = r.id AND l.closed_at IS NULL
        AND (l.from_on IS NULL OR l.from_on <= :today) AND (l.until_on IS NULL OR l.until_on >= :today)
    JOIN payers p ON p.id = l.payer_id
    WHERE (r.external_id = :text OR r.number = :text) AND {IN_SCOPE} ORDER BY r.title, p.name LIMIT 50
""")  # noqa: S608  # our own words


@dataclass(frozen=True)
class Found:
    """What one box of the office's search answers."""

    payers: Sequence[Any]
    orders: Sequence[Any]
    receivables: Sequence[Any]


def search(session: Session, wanted: str, *, today: date, kinds: list[UUID] | None) -> Found:
    """Payers by name, number or NIP; an order by its number; receivables by theirs or by that of the decision."""
    if len(wanted) < 3:
        return Found([], [], [])
    return Found(
        payers=find_payers(session, wanted, kinds=kinds),
        orders=find_order(session, wanted.upper(), kinds=kinds),
        receivables=session.execute(_BY_NUMBER, {"text": wanted, "today": today, "kinds": kinds}).all(),
    )


_PAYER = text(f"""
    SELECT p.id, p.source, p.external_id, p.name, p.kind, p.nip, p.regon, p.street, p.postal_code, p.city, p.email,
        p.phone, p.closed_at
    FROM payers p WHERE p.id = :id AND {_PAYER_IN_SCOPE}
""")  # noqa: S608  # our own words


def get_payer(session: Session, payer_id: UUID, *, kinds: list[UUID] | None) -> Any:
    """NotFound also for who never was liable for anything of these kinds."""
    row = session.execute(_PAYER, {"id": payer_id, "kinds": kinds}).one_or_none()
    if row is None:
        raise NotFound(f"no payer {payer_id}")
    return row


def user_names(session: Session, ids: set[UUID]) -> dict[UUID, str]:
    """Names of people who had a hand in something."""
    if not ids:
        return {}
    rows = session.execute(text("SELECT id, name FROM users WHERE id = ANY(:ids)"), {"ids": list(ids)})
    return {row.id: row.name for row in rows}


@dataclass(frozen=True)
class Equation:
    """captured = booked + waiting + in suspense + refunded, for one merchant account."""

    gateway: str
    merchant: str
    captured: Money
    booked: Money
    waiting: Money
    in_suspense: Money
    refunded: Money

    @property
    def holds(self) -> bool:
        return self.captured == Money.total((self.booked, self.waiting, self.in_suspense, self.refunded))


def money_equation(session: Session) -> list[Equation]:
    rows = session.execute(
        text(
            "SELECT gateway, merchant, captured::bigint, booked::bigint, waiting::bigint, in_suspense::bigint,"
            " refunded::bigint FROM money_equation ORDER BY gateway, merchant"
        )
    )
    return [Equation(row[0], row[1], *(Money(part) for part in row[2:])) for row in rows]
