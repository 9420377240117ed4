"""A merchant account as something that can be asked: the plugin's class with the right version of its settings.

Instances are kept per gmina, account and version, so an access token lives as long as its credentials. Each has a
breaker of its own: a gateway that fails in one gmina is not given a rest in another.
"""

from __future__ import annotations

import threading
from uuid import UUID

from skarbnik.errors import NotFound
from skarbnik.http import HttpClient
from skarbnik.payments.models import MerchantAccount
from skarbnik.plugin_api import PaymentGateway
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.tenancy.registry import Tenant

_open: dict[tuple[str, UUID, int], PaymentGateway] = {}
_lock = threading.Lock()


def open_gateway(tenant: Tenant, account: MerchantAccount, version: int | None = None) -> PaymentGateway:
    """The gateway of an account, with the newest credentials or those a transaction was started with.

    It works for suspended gminas and disabled accounts too: money on its way goes on. NotFound when the plugin is
    not installed any more.
    """
    key = (tenant.id, account.id, version or account.settings_version)
    gateway = _open.get(key)
    if gateway is not None:
        return gateway
    gateway_type = tenant.instance.plugins.gateways.get(account.gateway)
    if gateway_type is None:
        raise NotFound(f"no plugin for gateway {account.gateway}")
    with tenant.session() as session:
        settings = get_settings(session, tenant, f"merchant:{account.id}", gateway_type.settings_type, key[2])
    gateway = gateway_type(settings, HttpClient(gateway_type.hosts(settings)))
    with _lock:
        return _open.setdefault(key, gateway)
