"""Identity providers of a gmina as something that can be asked: the plugin's class with its settings.

Instances are kept per gmina, provider and version of the settings. Each has a breaker of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik.accounts.models import Door, ProviderConnection
from skarbnik.errors import NotFound
from skarbnik.http import HttpClient
from skarbnik.plugin_api import IdentityProvider
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.tenancy.registry import Tenant

LONGEST_CALL = 10.0  # seconds; a person waits


@dataclass(frozen=True)
class OpenProvider:
    """A provider that can be asked. `origins`: where it sends browsers."""

    provider: IdentityProvider
    origins: frozenset[str]


_open: dict[tuple[str, str, int], OpenProvider] = {}
_lock = threading.Lock()


def holder_of(provider_id: str) -> str:
    """Where the settings of a provider are kept."""
    return f"identity:{provider_id}"


def list_types(tenant: Tenant) -> dict[str, type[IdentityProvider]]:
    """What the plugins of this gmina offer, by id."""
    offered = tenant.instance.plugins.identity_providers
    return {name: each for name, each in sorted(offered.items()) if _is_of(name, tenant.plugins)}


def _is_of(name: str, plugins: frozenset[str]) -> bool:
    """What a plugin offers is called as the plugin, or begins with its name."""
    return any(name == each or name.startswith(f"{each}_") for each in plugins)


def list_doors(session: Session, tenant: Tenant, door: Door) -> Sequence[tuple[str, str]]:
    """Providers that let in here now: id, and what people call it."""
    types = list_types(tenant)
    known = session.scalars(
        select(ProviderConnection)
        .where(ProviderConnection.door == door, ProviderConnection.enabled)
        .order_by(ProviderConnection.id)
    )
    return [(each.id, each.title or types[each.id].label) for each in known if each.id in types]


def name_providers(session: Session, tenant: Tenant) -> dict[str, str]:
    """What people call each provider the gmina has or had, by id."""
    offered = tenant.instance.plugins.identity_providers
    titles = {each.id: each.title for each in session.scalars(select(ProviderConnection))}
    return {name: title or (offered[name].label if name in offered else name) for name, title in titles.items()}


def get_connection(session: Session, tenant: Tenant, provider_id: str) -> ProviderConnection:
    """NotFound when the gmina has no such provider, or it has no settings yet."""
    found = session.get(ProviderConnection, provider_id)
    if found is None or found.settings_version is None or provider_id not in list_types(tenant):
        raise NotFound(f"no identity provider {provider_id!r}")
    return found


def open_provider(session: Session, tenant: Tenant, connection: ProviderConnection) -> OpenProvider:
    """The provider with the settings as they are now. Read before anything is asked: then no transaction is open."""
    key = (tenant.id, connection.id, connection.settings_version or 0)
    known = _open.get(key)
    if known is not None:
        return known
    provider_type = list_types(tenant)[connection.id]
    settings = get_settings(
        session, tenant, holder_of(connection.id), provider_type.settings_type, connection.settings_version
    )
    provider = make_provider(provider_type, settings)
    made = OpenProvider(provider, provider_type.origins(settings))
    with _lock:
        for older in [each for each in _open if each[:2] == key[:2] and each[2] < key[2]]:
            del _open[older]  # with its settings, which are secrets
        return _open.setdefault(key, made)


def make_provider(provider_type: type[IdentityProvider], settings: Any) -> IdentityProvider:
    """A provider with a client that reaches only its own hosts."""
    client = HttpClient(
        provider_type.hosts(settings),
        read_seconds=LONGEST_CALL,
        client_certificate=provider_type.client_certificate(settings),
    )
    return provider_type(settings, client)
