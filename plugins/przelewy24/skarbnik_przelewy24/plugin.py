"""What this distribution offers to Skarbnik."""

from __future__ import annotations

from skarbnik.plugin_api import PaymentGateway, hookimpl
from skarbnik_przelewy24.gateway import Przelewy24Gateway


@hookimpl
def payment_gateways() -> list[type[PaymentGateway]]:
    return [Przelewy24Gateway]
