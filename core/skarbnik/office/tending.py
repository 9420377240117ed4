"""Looking after a gmina, one night a week: is its trail whole, what is too old, the anchor by e-mail, what runs out.

Each gmina has one errand that comes back, in a night and at a moment of its own. What proves that the end of the chain
was not cut, or all of it made anew, is kept where the owner of the database does not reach: a line of the log for each
seal, a file of the instance, and once a month an e-mail to the gmina, which the operator does not reach either.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zlib import crc32

from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.connections import list_expiries
from skarbnik.accounts.sessions import forget_attempts
from skarbnik.audit.keeping import remove_old
from skarbnik.audit.services import years_kept
from skarbnik.audit.verifying import Verdict, verify_and_tell
from skarbnik.mail.services import send_mail
from skarbnik.outbox import Again
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import moment
from skarbnik.web.languages import load_catalogue

AT = time(1, 0)  # in Poland; clocks are moved later
SPREAD = 5400  # seconds over which gminas have their turn
EVERY = 7  # days


def tend(tenant: Tenant, _subject_id: UUID) -> Again:
    """Verify, remove, write. Where the chain is broken nothing is removed: it is evidence."""
    verdict = verify_and_tell(tenant)
    if verdict.holds:
        remove_old(tenant)
        forget_sign_ins(tenant)
    with tenant.session() as session:
        _send_anchor(session, tenant, verdict)
    warn_of_expiries(tenant)
    return Again(next_turn(tenant.id, clock.now()))


def forget_sign_ins(tenant: Tenant) -> None:
    """Who signed in, and who tried, is kept as long as the trail, of which it is a part (Dz.U. 2024 poz. 773, § 20)."""
    with tenant.session() as session:
        forget_attempts(session, before=clock.now() - timedelta(days=366 * years_kept(session)))


def next_turn(tenant_id: str, after: datetime) -> datetime:
    """The gmina's own night of the week, the first one after; the same for ever."""
    own = crc32(tenant_id.encode())
    day = clock.local_day(after)
    days = (own - day.toordinal()) % EVERY
    later = timedelta(seconds=own // EVERY % SPREAD)
    moments = (
        datetime.combine(day + timedelta(days=days + weeks), AT, tzinfo=clock.WARSAW).astimezone(UTC) + later
        for weeks in (0, EVERY)
    )
    return next(each for each in moments if each > after)


def warn_of_expiries(tenant: Tenant) -> None:
    """Once a week, to the address of the gmina, while a certificate of a way to sign in ends soon or has ended."""
    with tenant.session() as session:
        ending = list_expiries(session, tenant)
        if tenant.email is None or not ending:
            return
        _ = load_catalogue("pl").gettext
        text = _(
            "%(office)s\n\nA certificate runs out. When it has, nobody signs in that way; a new one takes weeks.\n\n"
            "%(what)s\n\nWays to sign in: %(address)s\n\nPlease do not answer this message."
        )
        words = {
            "office": tenant.name,
            "what": "\n".join(f"{label}: {each.what}, {moment(each.ends_at)}" for label, each in ending),
            "address": tenant.url("/office/identity"),
        }
        send_mail(
            session,
            cause="identity.expiry",
            subject_id=UUID(int=clock.today().toordinal() // EVERY),
            recipient=tenant.email,
            subject=_("A certificate runs out: %(what)s") % {"what": ending[0][1].what},
            text=text % words,
        )


def _send_anchor(session: Session, tenant: Tenant, verdict: Verdict) -> None:
    """Once a month, to the address of the gmina; at once and each week while the chain is broken."""
    if tenant.email is None or verdict.newest is None or verdict.sealed_at is None:
        return
    _ = load_catalogue("pl").gettext
    today = clock.today()
    words = {
        "office": tenant.name,
        "anchor": str(verdict.newest),
        "moment": moment(verdict.sealed_at),
        "address": tenant.url("/office/audit"),
        "what": "\n".join(verdict.broken[:5]),
    }
    if verdict.holds:
        cause, number = "audit.anchor", today.year * 100 + today.month
        subject = _("Seal of the trail of events")
        text = _(
            "%(office)s\n\nKeep this message. It proves later that nothing was cut off or changed in the trail of"
            " who saw and did what in the portal.\n\nSeal: %(anchor)s\nMade: %(moment)s\nThe trail: %(address)s\n\n"
            "Please do not answer this message."
        )
    else:
        cause, number = "audit.broken", today.toordinal()
        subject = _("The trail of events was tampered with")
        text = _(
            "%(office)s\n\nThe trail of who saw and did what in the portal is not as it was written. Tell your data"
            " protection officer and the operator of the portal today.\n\n%(what)s\n\nThe trail: %(address)s\n\n"
            "Please do not answer this message."
        )
    send_mail(
        session, cause=cause, subject_id=UUID(int=number), recipient=tenant.email, subject=subject, text=text % words
    )
