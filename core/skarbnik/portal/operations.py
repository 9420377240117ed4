"""Everything the finance system booked for a payer, with the balance after each operation. Read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import LiteralString
from uuid import UUID

from flask_babel import gettext as _

from skarbnik.db import TenantSession
from skarbnik.money import Amounts, Money
from skarbnik.plugin_api import OperationKind
from skarbnik.receivables.queries import LIABLE

PAGE = 50
MOST = 20_000  # of a file

# The balance counts every operation of the payer, also those a filter leaves out; a receivable that was chosen is an
# account of its own, so its balance is what is owed on it.
_OPERATIONS: LiteralString = f"""
    SELECT * FROM (
        SELECT o.id, o.booked_on, o.kind, o.document, o.principal, o.interest, o.costs,
            o.booking_id IS NOT NULL AS ours, r.id AS receivable_id, r.title, k.id AS kind_id, k.title AS kind_title,
            sum(o.principal + o.interest + o.costs) OVER (ORDER BY o.booked_on, o.id)::bigint AS balance
        FROM (
            SELECT DISTINCT l.receivable_id FROM liabilities l
            WHERE {LIABLE} AND (%(receivable)s::uuid IS NULL OR l.receivable_id = %(receivable)s)
        ) AS l
        JOIN receivables r ON r.id = l.receivable_id
        JOIN kinds k ON k.id = r.kind_id
        JOIN operations o ON o.receivable_id = r.id AND o.closed_at IS NULL
    ) AS every
    WHERE (%(kind)s::varchar IS NULL OR kind = %(kind)s)
        AND (%(year)s::integer IS NULL OR extract(year FROM booked_on) = %(year)s)
    ORDER BY booked_on DESC, id DESC LIMIT %(most)s OFFSET %(skipped)s
"""  # noqa: S608  # our own words


@dataclass(frozen=True)
class OperationChoice:
    """Which operations somebody wants to see; what the address asked for and nobody has filters nothing."""

    kind: OperationKind | None = None
    year: int | None = None
    receivable: UUID | None = None

    @property
    def words(self) -> dict[str, str]:
        found = {"kind": self.kind, "year": self.year, "receivable": self.receivable}
        return {name: str(value) for name, value in found.items() if value}


@dataclass(frozen=True)
class OperationLine:
    """One operation. What raises the debt is positive; `balance` is what was owed after it."""

    booked_on: date
    kind: OperationKind
    document: str
    amounts: Amounts
    ours: bool  # the echo of a payment through this portal
    receivable_id: UUID
    title: str
    kind_title: str
    balance: Money


def operation_names() -> dict[OperationKind, str]:
    return {
        OperationKind.CHARGE: _("charge"),
        OperationKind.DECREASE: _("decrease"),
        OperationKind.PAYMENT: _("payment"),
        OperationKind.REFUND: _("refund"),
        OperationKind.REBOOKING: _("re-booking"),
        OperationKind.REMISSION: _("remission"),
        OperationKind.DEFERRAL: _("deferral"),
    }


def read_operation_choice(address: Mapping[str, str]) -> OperationChoice:
    kind, year, receivable = (address.get(name, "") for name in ("kind", "year", "receivable"))
    try:
        wanted = UUID(receivable)
    except ValueError:
        wanted = None
    return OperationChoice(
        kind=OperationKind(kind) if kind in set(OperationKind) else None,
        year=int(year) if year.isascii() and year.isdecimal() and len(year) == 4 else None,
        receivable=wanted,
    )


def list_operations(
    session: TenantSession, *, payer_id: UUID, today: date, choice: OperationChoice, page: int = 1
) -> list[OperationLine]:
    """The newest first; one more than a page shows, when there is one."""
    return list(_read(session, payer_id, today, choice, most=PAGE + 1, skipped=(page - 1) * PAGE))


def all_operations(
    session: TenantSession, *, payer_id: UUID, today: date, choice: OperationChoice
) -> list[OperationLine]:
    """For a file: the oldest first, at most `MOST` of the newest."""
    return list(_read(session, payer_id, today, choice, most=MOST, skipped=0))[::-1]


def _read(
    session: TenantSession, payer_id: UUID, today: date, choice: OperationChoice, *, most: int, skipped: int
) -> Iterator[OperationLine]:
    words = {"kind": choice.kind, "year": choice.year, "receivable": choice.receivable}
    for row in session.read(_OPERATIONS, payer=payer_id, today=today, most=most, skipped=skipped, **words):
        yield OperationLine(
            row.booked_on,
            OperationKind(row.kind),
            row.document,
            Amounts(Money(row.principal), Money(row.interest), Money(row.costs)),
            row.ours,
            row.receivable_id,
            row.title,
            row.kind_title,
            Money(row.balance),
        )
