"""Connecting a gmina with an identity provider: settings are prepared over days, keys are made here, then taken up.

What is prepared is sealed beside the connection and harms nobody; what was taken up is a version of the settings, as
with every plugin.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.certificates import belongs
from skarbnik.accounts.models import Door, ProviderConnection
from skarbnik.accounts.providers import holder_of, list_types, make_provider
from skarbnik.errors import Conflict, Invalid, NotFound
from skarbnik.plugin_api import Assurance, ExpiryWarning, IdentityCapability, IdentityProvider, KeyUse
from skarbnik.tenancy.plugin_settings import get_settings, parse_settings, store_settings
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()


@dataclass(frozen=True)
class WaitingKey:
    """A key that waits for its certificate. `request` is what the authority is sent."""

    key: str = field(repr=False)
    request: str
    made_at: datetime


@dataclass
class Prepared:
    """What is being prepared: values of settings, whole or not, and keys that wait, by their use."""

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    waiting: dict[str, WaitingKey] = field(default_factory=dict)
    changed: bool = False  # against what is in use


class WrongCertificate(Invalid):
    """It is of another key, or no certificate."""


def list_connections(session: Session) -> dict[str, ProviderConnection]:
    """By the provider's id; also those that are only prepared."""
    return {each.id: each for each in session.scalars(select(ProviderConnection))}


def find_connection(session: Session, provider_id: str) -> ProviderConnection | None:
    return session.get(ProviderConnection, provider_id)


def read_current(session: Session, tenant: Tenant, connection: ProviderConnection | None) -> Any:
    """The settings in use, or None."""
    if connection is None or connection.settings_version is None:
        return None
    settings_type = list_types(tenant)[connection.id].settings_type
    return get_settings(session, tenant, holder_of(connection.id), settings_type, connection.settings_version)


def read_prepared(session: Session, tenant: Tenant, provider_id: str, *, lock: bool = False) -> Prepared:
    """What is being prepared; what is in use where nothing is.

    With `lock` nobody else changes it before this transaction ends: it is kept as a whole, and who writes what they
    read a moment ago would write over a key whose request is on its way to an authority.
    """
    connection = session.get(ProviderConnection, provider_id, with_for_update=lock or None, populate_existing=lock)
    current = read_current(session, tenant, connection)
    known = dataclasses.asdict(current) if current is not None else {}
    if connection is None or connection.draft is None:
        return Prepared(known)
    words = json.loads(tenant.open_sealed(_place(provider_id), connection.draft))
    waiting = {
        use: WaitingKey(each["key"], each["request"], datetime.fromisoformat(each["made_at"]))
        for use, each in words["waiting"].items()
    }
    changed = words["values"] is not None
    return Prepared(words["values"] if changed else known, waiting, changed)


def prepare(session: Session, tenant: Tenant, provider_id: str, values: dict[str, Any]) -> None:
    """Keep values for later, whole or not."""
    prepared = read_prepared(session, tenant, provider_id, lock=True)
    prepared.values, prepared.changed = values, True
    _keep(session, tenant, provider_id, prepared)


def make_waiting_key(session: Session, tenant: Tenant, provider_id: str, use_id: str) -> None:
    """A new key that waits for its certificate; one that waited before is gone, and its request is worth nothing."""
    provider_type, use = _find_use(tenant, provider_id, use_id)
    made = provider_type.make_key(use, common_name=urlsplit(tenant.url()).hostname or "", organisation=tenant.name)
    prepared = read_prepared(session, tenant, provider_id, lock=True)
    prepared.waiting[use.id] = WaitingKey(made.key, made.request, clock.now())
    _keep(session, tenant, provider_id, prepared)


def take_certificate(session: Session, tenant: Tenant, provider_id: str, use_id: str, certificate: str) -> None:
    """The certificate that came for a waiting key: both are among the values from now on.

    NotFound when no key waits, WrongCertificate when it is of another one.
    """
    _type, use = _find_use(tenant, provider_id, use_id)
    prepared = read_prepared(session, tenant, provider_id, lock=True)
    waiting = prepared.waiting.get(use.id)
    if waiting is None:
        raise NotFound(f"no key waits for {use_id}")
    try:
        fits = belongs(certificate, waiting.key)
    except Invalid as error:
        raise WrongCertificate("it cannot be read") from error
    if not fits:
        raise WrongCertificate("it is of another key")
    del prepared.waiting[use.id]
    prepared.values |= {use.key_setting: waiting.key, use.certificate_setting: certificate.strip() + "\n"}
    prepared.changed = True
    _keep(session, tenant, provider_id, prepared)


def take_up(session: Session, tenant: Tenant, provider_id: str, *, by: UUID | None) -> int:
    """Use what was prepared from now on; the version it is. Invalid names what is missing or wrong.

    Misconfigured when the provider says that it cannot work. Conflict when nothing was prepared.
    """
    prepared = read_prepared(session, tenant, provider_id, lock=True)
    connection = find_connection(session, provider_id)
    if connection is None or not prepared.changed:
        raise Conflict("nothing was prepared")
    provider_type = list_types(tenant)[provider_id]
    settings = parse_settings(provider_type.settings_type, prepared.values)
    provider_type.check(settings)
    connection.settings_version = store_settings(session, tenant, holder_of(provider_id), settings, by=by)
    prepared.changed = False
    _keep(session, tenant, provider_id, prepared)
    return connection.settings_version


def forget_prepared(session: Session, tenant: Tenant, provider_id: str) -> None:
    """Back to what is in use. Keys that wait go on waiting."""
    prepared = read_prepared(session, tenant, provider_id, lock=True)
    prepared.changed = False
    _keep(session, tenant, provider_id, prepared)


def set_access(
    session: Session, provider_id: str, *, door: Door, level: Assurance, enabled: bool, title: str | None = None
) -> None:
    """Whom it lets in, from which level on, and whether at all. Conflict when it has no settings yet."""
    connection = find_connection(session, provider_id)
    if connection is None or connection.settings_version is None:
        raise Conflict("there are no settings yet")
    connection.door, connection.level, connection.enabled = door, level, enabled
    connection.title = title or None
    connection.changed_at = clock.now()


def list_expiries(session: Session, tenant: Tenant) -> Sequence[tuple[str, ExpiryWarning]]:
    """Keys and certificates of all providers in use that run out soon: the provider's label, and which."""
    found: list[tuple[str, ExpiryWarning]] = []
    types = list_types(tenant)
    for connection in list_connections(session).values():
        provider_type = types.get(connection.id)
        if provider_type is None or IdentityCapability.CERTIFICATES not in provider_type.capabilities:
            continue
        settings = read_current(session, tenant, connection)
        if settings is None:
            continue
        try:
            ends = make_provider(provider_type, settings).expiries(clock.now())
        except Exception as error:  # a plugin's fault stays in that plugin
            log.error("expiries.failed", provider=connection.id, error=type(error).__name__)
            continue
        found += [(provider_type.label, each) for each in ends]
    return sorted(found, key=lambda each: each[1].ends_at)


def _find_use(tenant: Tenant, provider_id: str, use_id: str) -> tuple[type[IdentityProvider], KeyUse]:
    provider_type = list_types(tenant).get(provider_id)
    use = next((each for each in provider_type.key_uses if each.id == use_id), None) if provider_type else None
    if provider_type is None or use is None:
        raise NotFound(f"no key {use_id} of {provider_id}")
    return provider_type, use


def _keep(session: Session, tenant: Tenant, provider_id: str, prepared: Prepared) -> None:
    if provider_id not in list_types(tenant):
        raise NotFound(f"no identity provider {provider_id}")
    connection = find_connection(session, provider_id)
    if connection is None:
        connection = ProviderConnection(
            id=provider_id, door=Door.RESIDENTS, enabled=False, level=Assurance.SUBSTANTIAL, changed_at=clock.now()
        )
        session.add(connection)
    words = {
        "values": prepared.values if prepared.changed else None,
        "waiting": {
            use: {"key": each.key, "request": each.request, "made_at": each.made_at.isoformat()}
            for use, each in prepared.waiting.items()
        },
    }
    connection.draft = tenant.seal(_place(provider_id), json.dumps(words, ensure_ascii=False).encode())
    connection.changed_at = clock.now()
    session.flush()


def _place(provider_id: str) -> str:
    return f"identity-draft/{provider_id}"
