"""The ways to pay that Przelewy24 offers at a point of sale. Limits of amounts are not among what it tells."""

from __future__ import annotations

from typing import Any

from skarbnik.plugin_api import ExternalSystemError, PaymentMethod
from skarbnik_przelewy24.answers import data_of, number, text

LANGUAGES = frozenset({"pl", "en"})


def language_for(wanted: str) -> str:
    return wanted if wanted in LANGUAGES else "en"


def read_methods(body: dict[str, Any]) -> list[PaymentMethod]:
    """Those that work now."""
    data = data_of(body)
    if not isinstance(data, list):
        raise ExternalSystemError("Przelewy24's list of payment methods cannot be understood")
    working = [each for each in data if isinstance(each, dict) and each.get("status") is True]
    return [
        PaymentMethod(id=str(method_id), name=text(each, "name") or str(method_id))
        for each in working
        if (method_id := number(each, "id")) is not None
    ]
