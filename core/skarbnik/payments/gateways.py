"""A merchant account as something that can be asked: the plugin's class with the right version of its settings.

Instances are kept per gmina, account and version, so an access token lives as long as its credentials. Each has a
breaker of its own: a gateway that fails in one gmina is not given a rest in another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from skarbnik.errors import Misconfigured, NotFound
from skarbnik.http import HttpClient
from skarbnik.payments.models import MerchantAccount, Transaction
from skarbnik.plugin_api import PaymentGateway
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.tenancy.registry import Tenant

R = TypeVar("R")

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


def ask_gateway(tenant: Tenant, transaction: Transaction, question: Callable[[PaymentGateway], R]) -> R:
    """Ask with the credentials the transaction was started with, or the newest when those are no longer taken.

    All versions are of one account at the gateway; a secret that was changed there must not keep its money from us.
    """
    account = transaction.merchant_account
    try:
        return question(open_gateway(tenant, account, transaction.settings_version))
    except Misconfigured:
        if transaction.settings_version == account.settings_version:
            raise
    return question(open_gateway(tenant, account))
