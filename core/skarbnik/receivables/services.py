"""What the office decides about receivables: values by date, and how each kind is shown, paid and charged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.errors import Invalid, NotFound
from skarbnik.receivables.models import (
    CreditorAccount,
    DatedKind,
    DatedValue,
    InterestMode,
    Kind,
)
from skarbnik.receivables.rules import SHIPPED

EARLIEST = date(1998, 1, 1)  # Ordynacja podatkowa
HIGHEST = {"percent": 100_00, "money": 10_000_00}


def set_value(session: Session, kind: DatedKind, from_on: date, value: int | None, *, note: str) -> DatedValue:
    """From this day on the value holds in this gmina; None takes back what the office had said of that day.

    Invalid for a day or a value that cannot be meant. The value of a day off is 1.
    """
    if not EARLIEST <= from_on <= date(clock.today().year + 5, 12, 31):
        raise Invalid(f"a value from {from_on} on cannot be meant")
    highest = 1 if kind is DatedKind.FREE_DAY else HIGHEST[SHIPPED[kind].unit]
    if value is not None and not 0 < value <= highest:
        raise Invalid(f"{kind} cannot be {value}")
    # One after another: the newest moment must be of the last to commit, since processes remember by it.
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/dated', 0))"))
    row = session.get(DatedValue, (kind, from_on), with_for_update=True)
    if row is None:
        row = DatedValue(kind=kind, from_on=from_on)
        session.add(row)
    row.value, row.note, row.changed_at = value, note, clock.now()
    session.flush()
    return row


@dataclass(frozen=True)
class KindSettings:
    """What an office says of a kind; its name and legal regime come from the finance system."""

    position: int
    online: bool
    in_parts: bool
    interest: InterestMode
    resolution: str | None
    creditor_account_id: UUID | None


def set_kind(session: Session, kind_id: UUID, settings: KindSettings) -> Kind:
    """NotFound for a kind or an account this gmina does not have."""
    kind = session.scalars(select(Kind).where(Kind.id == kind_id).with_for_update()).one_or_none()
    if kind is None:
        raise NotFound(f"no kind {kind_id}")
    if settings.creditor_account_id and session.get(CreditorAccount, settings.creditor_account_id) is None:
        raise NotFound(f"no creditor account {settings.creditor_account_id}")
    kind.position, kind.online, kind.in_parts = settings.position, settings.online, settings.in_parts
    kind.interest, kind.resolution = settings.interest, settings.resolution
    kind.creditor_account_id = settings.creditor_account_id
    session.flush()
    return kind
