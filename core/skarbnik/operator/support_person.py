"""An operator inside a gmina: who they are there, what they may, and that each page they open is written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from flask import g, request
from flask_babel import gettext as _
from sqlalchemy import text

from skarbnik import clock
from skarbnik.accounts.services import short_hash
from skarbnik.accounts.signed_in import load_person
from skarbnik.audit.services import record_act
from skarbnik.db import TenantSession
from skarbnik.operator import services, support
from skarbnik.plugin_api import Permission, Support
from skarbnik.web.access import Person, SupportNotice
from skarbnik.web.cookies import read_cookie
from skarbnik.web.frame import SAFE, instance_of_app

IDLE = timedelta(minutes=30)
UNWRITTEN = ("/static/", "/icon", "/manifest.webmanifest", "/sw.js")  # what a browser fetches beside each page

_LOAD: LiteralString = """
    SELECT operator_id, operator_name, reason, scope, until_at, session_hash FROM support_accesses
    WHERE id = %(id)s AND state = 'agreed' AND until_at > %(now)s AND seen_at > %(idle)s
"""
_HOLD = text("""
    SELECT id FROM support_accesses
    WHERE id = :id AND state = 'agreed' AND until_at > :now AND session_hash = :hash FOR SHARE
""")


@dataclass(frozen=True)
class SupportPerson:
    """An operator in a gmina, by an access it agreed to. Has no account there, and acts for nobody."""

    id: UUID
    operator_name: str
    scope: Support
    access_id: UUID
    notices: tuple[SupportNotice, ...]
    email: None = None
    payer_id: None = None
    payer_name: None = None
    may_pay: bool = False
    is_fresh: bool = False  # they have no second factor here: what asks for it is closed to them
    acts_for: tuple[()] = ()
    works_with: None = None  # an access names how far it goes instead
    is_official: bool = True

    @property
    def name(self) -> str:
        return str(_("%(name)s (operator)", name=self.operator_name))

    def may(self, permission: Permission) -> bool:
        """What says of itself that an operator may have it; looking is a part of administering."""
        return permission.support is not None and permission.support in {Support.LOOK, self.scope}


def load_anybody(session: TenantSession, token: str) -> Person | None:
    """Who a session's token is of: an operator with an access, or a user of the gmina. Fills the slot of the frame."""
    read = support.read_token(token)
    return load_person(session, token) if read is None else load_support(session, *read)


def find_operators_page() -> str | None:
    """Where an operator goes whose access ended while they were in; None for everybody else. For the office's door, at
    which they have no account.
    """
    if g.person is not None or support.read_token(read_cookie("session")) is None:
        return None
    return f"{instance_of_app().settings.public_url.rstrip('/')}/operator/gminas/{g.tenant.id}"


def load_support(session: TenantSession, access_id: UUID, key: str) -> SupportPerson | None:
    """The operator a browser is in as, when the gmina still lets them in. What is asked for is written down first.

    The entry is committed before anything is shown, so that no page that fails is missing in the trail. For a form the
    access is held until the form is done: who ends it waits that long, and what comes after is refused.
    """
    now, hashed = clock.now(), short_hash(key)
    found = session.read(_LOAD, id=access_id, now=now, idle=now - IDLE)
    if not found or found[0].session_hash != hashed:
        return None
    row = found[0]
    if not services.is_open(instance_of_app().engine, row.operator_id):
        return None
    if not request.path.startswith(UNWRITTEN):
        session.execute(
            text("UPDATE support_accesses SET seen_at = :now WHERE id = :id AND session_hash = :hash"),
            {"now": now, "id": access_id, "hash": hashed},
        )
        record_act(
            session,
            "support.opened",
            subject=f"page:{request.endpoint or ''}",
            subject_id=access_id,
            actor="operator",
            actor_id=row.operator_id,
            request_id=g.request_id,
            ip=request.remote_addr,
        )
        session.commit()
    held = {"id": access_id, "now": now, "hash": hashed}
    if request.method not in SAFE and session.execute(_HOLD, held).one_or_none() is None:
        return None
    notice = SupportNotice(row.operator_name, row.reason, row.until_at, agreed=True)
    return SupportPerson(row.operator_id, row.operator_name, Support(row.scope), access_id, (notice,))
