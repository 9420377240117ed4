"""The report of a day: which transactions there were. Przelewy24 switches reports on when the merchant asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

from skarbnik.plugin_api import ExternalSystemError
from skarbnik_przelewy24.answers import data_of, text
from skarbnik_przelewy24.transactions import our_id

VERIFIED = 2  # here: 0 not paid, 1 paid, 2 paid and verified, 3 returned
MOST_PAGES = 1000


def read_pages(first: dict[str, Any], following: Callable[[str], dict[str, Any]]) -> list[UUID]:
    """Our transactions in the report whose money is the gmina's, once each, in its order."""
    found: dict[UUID, None] = {}
    page, seen = first, set()
    for _ in range(MOST_PAGES):
        found |= dict.fromkeys(_verified(data_of(page)))
        token = text(page, "token")
        if token is None or token in seen:
            return list(found)
        seen.add(token)
        page = following(token)
    raise ExternalSystemError("Przelewy24's report does not end")


def day_text(day: date) -> str:
    return f"{day:%Y%m%d}"


def _verified(data: Any) -> Iterator[UUID]:
    """Rows are known by their names, wherever they stand: batches, transactions and refunds may come mixed."""
    if isinstance(data, list):
        for each in data:
            yield from _verified(each)
    elif isinstance(data, dict):
        session = our_id(data.get("sessionId"))
        status = data.get("status")
        if (
            session is not None
            and ("ordrId" in data or "orderId" in data)
            and type(status) is int
            and status == VERIFIED
        ):
            yield session
        for each in data.values():
            if isinstance(each, (list, dict)):
                yield from _verified(each)
