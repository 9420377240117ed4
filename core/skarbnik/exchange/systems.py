"""A source as something that can be used: the plugin with this gmina's settings, its folder, its files over HTTP."""

from __future__ import annotations

import threading
from typing import Any

from skarbnik.exchange.models import Source
from skarbnik.exchange.spool import Spool, open_spool
from skarbnik.http import HttpClient
from skarbnik.plugin_api import FinanceSystem, RemoteFiles
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.tenancy.registry import Tenant

# One client for each gmina, source and address, so that its breaker remembers.
_clients: dict[tuple[str, str, frozenset[str]], HttpClient] = {}
_lock = threading.Lock()


def open_system(tenant: Tenant, source: Source) -> FinanceSystem:
    """The plugin of a source with the settings this gmina gave it."""
    system_type, settings = _settings_of(tenant, source)
    return system_type(settings)


def open_remote(tenant: Tenant, source: Source) -> RemoteFiles | None:
    """Where files of a source are asked for. None when they come through the folder."""
    system_type, settings = _settings_of(tenant, source)
    hosts = system_type.hosts(settings)
    with _lock:
        client = _clients.setdefault((tenant.id, source.id, hosts), HttpClient(hosts))
    return system_type(settings).open_remote(client)


def _settings_of(tenant: Tenant, source: Source) -> tuple[type[FinanceSystem], Any]:
    system_type = tenant.instance.plugins.finance_systems[source.plugin]
    with tenant.session() as session:
        return system_type, get_settings(session, tenant, f"source:{source.id}", system_type.settings_type)


def spool_of(tenant: Tenant, source_id: str) -> Spool:
    return open_spool(tenant.instance.settings.files, tenant.id, source_id)
