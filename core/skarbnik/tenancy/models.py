"""Settings of plugins in a gmina: sealed, and kept in every version that ever was current."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String, UniqueConstraint
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
