"""Settings of plugins in a gmina: a dataclass in, a sealed version out, and back."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.errors import Invalid, NotFound
from skarbnik.tenancy.models import PluginSettings
from skarbnik.tenancy.registry import Tenant


def parse_settings(settings_type: type, values: dict[str, Any]) -> Any:
    """Make the dataclass from plain values. Invalid names every field that is missing, unknown or wrong."""
    fields = {each.name: each for each in dataclasses.fields(settings_type)}
    problems = {name: "unknown" for name in values if name not in fields}
    for name, field in fields.items():
        value = values.get(name)
        if value is None or value == "":
            if field.default is dataclasses.MISSING:
                problems[name] = "missing"
            continue
        wanted: Any = {"str": str, "int": int, "bool": bool}.get(str(field.type), field.type)
        pattern = field.metadata.get("pattern")
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            problems[name] = f"must be {getattr(wanted, '__name__', wanted)}"
        elif pattern is not None and not re.fullmatch(pattern, str(value)):
            problems[name] = "has the wrong form"
    if problems:
        raise Invalid(f"settings of {settings_type.__name__}: {', '.join(sorted(problems))}", problems)
    return settings_type(**{name: value for name, value in values.items() if value not in (None, "")})


def store_settings(session: Session, tenant: Tenant, holder: str, settings: Any, *, by: UUID | None = None) -> int:
    """Keep settings as the newest version of their holder. The version."""
    newest = session.scalar(select(func.max(PluginSettings.version)).where(PluginSettings.holder == holder))
    version = (newest or 0) + 1
    session.add(
        PluginSettings(
            holder=holder,
            version=version,
            sealed=seal_settings(tenant, f"{holder}/{version}", settings),
            created_at=clock.now(),
            created_by=by,
        )
    )
    session.flush()
    return version


def get_settings(session: Session, tenant: Tenant, holder: str, settings_type: type, version: int | None = None) -> Any:
    """The newest version, or the one asked for. NotFound when the gmina has none."""
    query = select(PluginSettings).where(PluginSettings.holder == holder)
    if version is not None:
        query = query.where(PluginSettings.version == version)
    row = session.scalars(query.order_by(PluginSettings.version.desc()).limit(1)).first()
    if row is None:
        raise NotFound(f"no settings of {holder} in {tenant.id}")
    return open_settings(tenant, f"{holder}/{row.version}", row.sealed, settings_type)


def seal_settings(tenant: Tenant, place: str, settings: Any) -> bytes:
    """Readable only in this gmina and at this place."""
    plain = json.dumps(dataclasses.asdict(settings), ensure_ascii=False).encode()
    return tenant.seal(f"settings/{place}", plain)


def open_settings(tenant: Tenant, place: str, sealed: bytes, settings_type: type) -> Any:
    return settings_type(**json.loads(tenant.open_sealed(f"settings/{place}", sealed)))
