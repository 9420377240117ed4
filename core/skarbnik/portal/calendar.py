"""Due dates of a payer as a calendar: on a page, and at a private address for the calendar of a telephone.

The address carries who made it, for which payer, and a keyed mark over both and a number that its owner may raise:
then every address of before is nothing. Nothing of it is stored.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import LiteralString
from uuid import UUID

from flask_babel import gettext as _
from icalendar import Calendar, Event

from skarbnik.accounts.signed_in import GOOD_TODAY
from skarbnik.db import TenantSession
from skarbnik.money import Money
from skarbnik.portal.debts import Debts, ToPay
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import money

MARK = 32  # letters of the mark: 128 bits

_OWNER: LiteralString = f"""
    SELECT u.feed_version FROM users u
    WHERE u.id = %(user)s AND u.state = 'active' AND EXISTS (
        SELECT 1 FROM mandates m JOIN payers n ON n.id = m.payer_id
        WHERE m.user_id = u.id AND coalesce(n.merged_into, n.id) = %(payer)s
            AND {GOOD_TODAY})
"""  # noqa: S608  # our own words
_VERSION: LiteralString = "SELECT feed_version FROM users WHERE id = %(user)s"
_RAISE: LiteralString = "UPDATE users SET feed_version = feed_version + 1 WHERE id = %(user)s RETURNING feed_version"


@dataclass(frozen=True)
class Month:
    """What is due in a month, in the order of days."""

    first: date
    rows: Sequence[ToPay]

    @property
    def total(self) -> Money:
        return Money.total(row.total for row in self.rows)


def list_months(rows: Iterable[ToPay]) -> list[Month]:
    ordered = sorted((row for row in rows if row.grosze), key=lambda row: row.due_on)
    return [Month(first, list(found)) for first, found in groupby(ordered, key=lambda row: row.due_on.replace(day=1))]


def feed_path(tenant: Tenant, user_id: UUID, payer_id: UUID, version: int) -> str:
    """The private address of a calendar, without the host."""
    return f"/calendar/{user_id}/{payer_id}/{_mark(tenant, user_id, payer_id, version)}.ics"


def _mark(tenant: Tenant, user_id: UUID, payer_id: UUID, version: int, *, key: int | None = None) -> str:
    keys = tenant.instance.keys
    key = key or keys.current
    hashed = keys.keyed_hash(tenant.id, "calendar", f"{user_id}/{payer_id}/{version}", version=key)
    return f"{key}-{hashed.hex()[:MARK]}"


def feed_version(session: TenantSession, user_id: UUID) -> int:
    version: int = session.read(_VERSION, user=user_id)[0].feed_version
    return version


def raise_feed_version(session: TenantSession, user_id: UUID) -> None:
    """Every address this user gave away is nothing from now on."""
    session.read(_RAISE, user=user_id)


def is_good_mark(session: TenantSession, tenant: Tenant, user_id: UUID, payer_id: UUID, mark: str, today: date) -> bool:
    """Whether the user made this address, has not taken it back, and may act for the payer today."""
    key, _, _rest = mark.partition("-")
    if not (key.isascii() and key.isdecimal() and len(key) <= 3):
        return False
    found = session.read(_OWNER, user=user_id, payer=payer_id, today=today)
    version = found[0].feed_version if found else -1
    try:
        wanted = _mark(tenant, user_id, payer_id, version, key=int(key))
    except KeyError:
        return False  # made with a key the operator has thrown away
    return hmac.compare_digest(wanted, mark) and bool(found)


def make_ics(debts: Debts, *, tenant: Tenant, name: str, text: str, now: datetime) -> bytes:
    """One whole-day event for each instalment, on the day it is due. The same instalment keeps its event."""
    calendar = Calendar()
    calendar.add("prodid", "-//Skarbnik//due dates//PL")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval;value=duration", "PT12H")
    for row in debts.rows:
        if not row.grosze:
            continue
        event = Event()
        event.add("uid", f"{row.id}@{tenant.id}")  # a slug may change, and the event stays the same
        event.add("dtstamp", debts.as_of or now)
        event.add("dtstart", row.due_on)
        event.add("summary", f"{row.title}, {_('instalment %(number)s', number=row.number)}: {money(row.total)}")
        event.add("description", text)
        event.add("url", tenant.url(f"/receivables/{row.receivable_id}"))
        event.add("transp", "TRANSPARENT")  # it takes no time of the day
        calendar.add_component(event)
    body: bytes = calendar.to_ical()
    return body
