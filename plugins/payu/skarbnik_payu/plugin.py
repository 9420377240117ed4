"""What this distribution offers to Skarbnik."""

from __future__ import annotations

from skarbnik.plugin_api import PaymentGateway, hookimpl
from skarbnik_payu.gateway import PayuGateway


@hookimpl
def payment_gateways() -> list[type[PaymentGateway]]:
    return [PayuGateway]
