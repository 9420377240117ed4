"""Choices a gmina makes for itself: on or off, read where they matter, whichever feature that is."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.tenancy.models import Switch, SwitchName


def is_switched_on(session: Session, name: SwitchName) -> bool:
    return session.scalar(select(Switch.is_on).where(Switch.name == name)) or False


def set_switch(session: Session, name: SwitchName, *, on: bool, by: UUID) -> bool:
    """Whether that changed anything."""
    if is_switched_on(session, name) == on:
        return False
    values = {"is_on": on, "changed_at": clock.now(), "changed_by": by}
    statement = insert(Switch).values(name=name, **values)
    session.execute(statement.on_conflict_do_update(index_elements=[Switch.name], set_=values))
    return True
