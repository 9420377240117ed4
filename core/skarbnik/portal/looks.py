"""Who looked at my data: what officials and programs of the gmina saw or changed of a payer, and when.

Everybody may ask whether and why their data were looked at (art. 15 ust. 1 RODO). When and why belongs to the answer,
the name of an official who acted for the gmina does not, unless somebody cannot use their rights without it: Court of
Justice, C-579/21 Pankki S, 22 June 2023. So the page names the role; the office, which knows the name, can be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik.plugin_api import requires
from skarbnik.portal.acting import payer_of_request
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.paging import cursor

blueprint = Blueprint("looks", __name__, template_folder="templates")

PAGE = 30
ONE_SITTING = timedelta(minutes=15)

# Residents of the same payer are left out: what they do is theirs. Programs name an order, not its payer.
_LOOKS = text("""
    WITH mine AS MATERIALIZED (
        SELECT array_append(coalesce(merged_from, '{}'), id) AS ids FROM payers WHERE id = :payer
    ), found AS MATERIALIZED (
        SELECT a.id, a.at, a.actor, a.actor_id, a.action, cardinality(a.payers) AS payers
        FROM audit_entries a WHERE a.payers && (SELECT ids FROM mine) AND a.payers <> '{}'
        UNION ALL
        SELECT a.id, a.at, a.actor, a.actor_id, a.action, 1
        FROM payment_orders o JOIN audit_entries a ON a.subject_id = o.id AND a.payers = '{}'
        WHERE o.payer_id = ANY (SELECT unnest(ids) FROM mine) AND a.actor = 'api'
    )
    SELECT f.id, f.at, f.actor, f.action, f.payers, u.roles FROM found f LEFT JOIN users u ON u.id = f.actor_id
    WHERE (f.actor IN ('api', 'operator') OR (f.actor = 'user' AND (u.kind = 'official' OR u.id IS NULL)))
        AND (CAST(:before AS uuid) IS NULL OR f.id < :before)
    ORDER BY f.id DESC LIMIT :most
""")


def list_looks(session: Session, payer_id: UUID, *, before: UUID | None) -> Sequence[Any]:
    """Newest first; one more than a page may come."""
    return session.execute(_LOOKS, {"payer": payer_id, "before": before, "most": PAGE + 1}).all()


@dataclass(frozen=True)
class Look:
    """What somebody did with the data at one sitting: as often as they turned a page."""

    who: str
    what: str
    first_at: datetime
    last_at: datetime
    times: int = 1


def gather_looks(rows: Iterable[Any]) -> list[Look]:
    """Newest first. Looks of one role, of one sort, one after another within a quarter of an hour, are one line."""
    found: list[Look] = []
    for row in rows:
        who, what, latest = who_words(row), action_words(row), found[-1] if found else None
        if latest and (latest.who, latest.what) == (who, what) and latest.first_at - row.at <= ONE_SITTING:
            found[-1] = replace(latest, first_at=row.at, times=latest.times + 1)
        else:
            found.append(Look(who, what, row.at, row.at))
    return found


@blueprint.get("/looks")
@requires(SEE_OWN)
def listed() -> str:
    rows = list_looks(frame.session(), payer_of_request(), before=cursor("before"))
    return render_template(
        "portal/looks.html",
        looks=gather_looks(rows[:PAGE]),
        more=rows[PAGE - 1].id if len(rows) > PAGE else None,
    )


def who_words(row: Any) -> str:
    """In which role somebody looked."""
    official: str = _("An official")
    actors: dict[str, str] = {"operator": _("The operator of the portal"), "api": _("A program of the office")}
    names = {
        "administrator": _("An official: administrator"),
        "accountant": _("An official: accounting"),
        "communications": _("An official: communications"),
        "surveys": _("An official: surveys"),
        "auditor": _("An official: audit"),
    }
    roles: list[str] = [name for role, name in names.items() if role in (row.roles or "").split()]
    return actors.get(row.actor) or next(iter(roles), official)


def action_words(row: Any) -> str:
    """In the words of the one whose data it was; what was seen with many others says so."""
    listed, other = _("saw you in a list or a search"), _("worked with your data")
    refund = _("looked at or decided about a refund of yours")
    words: dict[str, str] = {
        "payer.viewed": _("looked at what you owe and your address"),
        "payment.viewed": _("looked at a payment of yours"),
        "notification.viewed": _("read what a gateway sent about a payment of yours"),
        "documents.listed": _("looked at the list of your documents"),
        "document.read": _("read a document of yours"),
        "remark.viewed": _("read your report of wrong data"),
        "remark.taken_up": _("took up your report of wrong data"),
        "remark.answered": _("answered your report of wrong data"),
        "booking.released": _("decided about money of a payment of yours"),
        "capture.booked": _("decided about money of a payment of yours"),
        "payers.searched": listed,
        "payments.listed": listed,
        "remarks.listed": listed,
    }
    if row.payers > 1:
        return str(listed)
    return words.get(row.action) or str(refund if row.action.startswith("refund.") else other)
