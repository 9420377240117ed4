"""What the office and programs saw of a payer: more than a page, by somebody with a very long name."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy.orm import Session
from tests.walk.files import LONG_WORD

from skarbnik.audit.services import record_act
from skarbnik.plugin_api import Role
from skarbnik.testing.factories import OfficialFactory

KINDS = [
    ("payer.viewed", "user"),
    ("payers.searched", "user"),
    ("document.read", "api"),
    ("refund.viewed", "operator"),
]


def look_often(session: Session, payer_id: UUID, other_id: UUID) -> None:
    official = OfficialFactory(name=f"Zażółcona {LONG_WORD[:80]}", has_roles=list(Role)).id
    for action, actor in KINDS * 15:
        record_act(
            session,
            action,
            subject="payer",
            subject_id=payer_id,
            payers=[payer_id, other_id] if action == "payers.searched" else [payer_id],
            actor=actor,
            actor_id={"user": official, "api": uuid4()}.get(actor),
            ip="2001:db8:85a3:8d3:1319:8a2e:370:7348",
        )
