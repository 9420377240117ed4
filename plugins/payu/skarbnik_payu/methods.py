"""The ways to pay that PayU offers on a POS, as its payment page shows them."""

from __future__ import annotations

from typing import Any

from skarbnik.plugin_api import ExternalSystemError, Money, PaymentMethod
from skarbnik_payu.answers import text


def read_methods(body: dict[str, Any]) -> list[PaymentMethod]:
    """Those that work now. `payByLinks` may be absent on a POS that takes cards only."""
    links = body.get("payByLinks", [])
    if not isinstance(links, list):
        raise ExternalSystemError("PayU's list of payment methods cannot be understood")
    return [_method(link) for link in links if text(link, "status") == "ENABLED" and text(link, "value")]


def _method(link: dict[str, Any]) -> PaymentMethod:
    return PaymentMethod(
        id=link["value"],
        name=text(link, "name") or link["value"],
        smallest=_limit(link.get("minAmount")),
        largest=_limit(link.get("maxAmount")),
    )


def _limit(value: Any) -> Money | None:
    """The one place where PayU writes minor units as a number. A limit only informs, so a strange one is left out."""
    return Money(value) if type(value) is int else None
