"""What a gmina sets for itself: its switches, and settings of plugins, sealed and kept in every version there was."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.db import Base, new_id


class PluginSettings(Base):
    """One version of the settings of a plugin, or of one account at it. Never changed: new settings are a new version.

    A transaction at a gateway goes on with the version it was started with, whatever the office enters meanwhile.
    """

    __tablename__ = "plugin_settings"
    __table_args__ = (UniqueConstraint("holder", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    holder: Mapped[str] = mapped_column(String(80))  # "smtp", "source:puma", "merchant:<id>"
    version: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary(8000))
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]  # None: the operator, at the command line


class SwitchName(StrEnum):
    """What a gmina may switch on. A switch of one feature, or of the whole office, has its place here."""

    NAME_CO_OWNERS = "name_co_owners"  # who is jointly liable learns with whom, art. 91-92 Ordynacji podatkowej
    SUPPORT_AT_ONCE = "support_at_once"  # operators who ask need not wait for an answer (docs/decisions/0025)


class Switch(Base):
    """A choice of a gmina. One that nobody made is off."""

    __tablename__ = "switches"

    name: Mapped[SwitchName] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
