"""The report of a day: payments, refunds and payouts (batches). Przelewy24 switches reports on when the merchant asks.

Rows are known by their names, wherever they stand: an amount and a currency around `details`, which may be an object
or a list of them. Numbers come as numbers or as texts. Amounts of payments are taken for those before the fee, that of
a batch for what left for the bank; their documentation does not say. If it is not so, it shows as a difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any

from skarbnik.plugin_api import WARSAW, ExternalSystemError, Money, SettlementKind, SettlementLine
from skarbnik_przelewy24.answers import data_of, text
from skarbnik_przelewy24.transactions import moment_of, our_id

HELD, RETURNED = 2, 3  # of a payment, here: 0 not paid, 1 paid, 2 paid and verified, 3 returned
COMPLETED = 1  # of a refund
MOST_PAGES = 1000
WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
PLACE = frozenset({"amount", "currency"})  # what a row has around its details

Row = dict[str, Any]


def read_pages(first: Row, following: Callable[[str], Row]) -> list[Row]:
    """All rows of a report in its order, each with the amount and currency that stand around it."""
    found: list[Row] = []
    page, seen = first, set()
    for _ in range(MOST_PAGES):
        found += _rows(data_of(page), {})
        token = text(page, "token")
        if token is None or token in seen:
            return found
        seen.add(token)
        page = following(token)
    raise ExternalSystemError("Przelewy24's report does not end")


def day_text(day: date) -> str:
    return f"{day:%Y%m%d}"


def batches_of(rows: list[Row]) -> list[Row]:
    """Payouts that left for the bank, once each."""
    return list({_number(row, "batchId"): row for row in rows if is_batch(row) and _moment(row, "dateOut")}.values())


def is_batch(row: Row) -> bool:
    return bool(_number(row, "batchId")) and "sessionId" not in row and "refundId" not in row


def payout_line(row: Row) -> SettlementLine:
    """The withdrawal itself; `charge` is what was kept for it."""
    moment = _moment(row, "dateOut")
    assert moment is not None  # else it is in no list of batches
    return SettlementLine(
        kind=SettlementKind.PAYOUT,
        external_id=str(_number(row, "batchId")),
        amount=_amount(row),
        currency=text(row, "currency") or "PLN",
        happened_at=moment,
        fee=Money(_number(row, "charge") or 0),
    )


def line_of(row: Row, day: date, *, payout: str | None = None, ask: Callable[[str], Row]) -> SettlementLine | None:
    """A payment whose money came, or a refund that was done; None for everything else.

    `ask` gives a transaction by its sessionId, for a row that says no amount or currency itself.
    """
    if "refundId" in row:
        return _refund_line(row, day, payout)
    if "sessionId" not in row or row.get("status") not in {HELD, RETURNED}:
        return None
    number, session = _number(row, "ordrId") or _number(row, "orderId"), text(row, "sessionId")
    if not number or session is None:
        return None
    ours, whole = our_id(session), row
    if "amount" not in row or text(row, "currency") is None:
        whole = row | {name: value for name, value in (data_of(ask(session)) or {}).items() if name in PLACE}
    return SettlementLine(
        kind=SettlementKind.PAYMENT,
        external_id=session if ours is not None else str(number),  # another program's may be too long
        amount=_amount(whole),
        currency=text(whole, "currency") or "PLN",
        happened_at=_moment(row, "dateOfTransaction", "dateOfVerification", "date") or _noon(day),
        fee=Money(_number(row, "fee") or 0),
        transaction_id=ours,
        payout=payout,
    )


def _refund_line(row: Row, day: date, payout: str | None) -> SettlementLine | None:
    """`requestId` is ours, or empty when the refund was made in the panel."""
    number, order_id = _number(row, "refundId"), _number(row, "orderId")
    if row.get("status") != COMPLETED or not number:
        return None
    return SettlementLine(
        kind=SettlementKind.REFUND,
        external_id=str(number),
        amount=-_amount(row),
        currency=text(row, "currency") or "PLN",
        happened_at=_moment(row, "dateOut", "dateIn") or _noon(day),
        payment=str(order_id) if order_id else None,
        refund_id=our_id(row.get("requestId")),
        payout=payout,
    )


def _rows(data: Any, around: Row) -> Iterator[Row]:
    if isinstance(data, list):
        for each in data:
            yield from _rows(each, around)
    elif isinstance(data, dict):
        if {"sessionId", "refundId", "batchId"} & data.keys():
            yield around | data
        else:
            inside = around | {name: data[name] for name in PLACE if name in data}
            for each in data.values():
                if isinstance(each, (list, dict)):
                    yield from _rows(each, inside)


def _amount(row: Row) -> Money:
    amount = _number(row, "amount")
    if not amount:
        raise ExternalSystemError("a row of Przelewy24's report has no amount that can be understood")
    return Money(amount)


def _number(row: Row, name: str) -> int | None:
    value = row.get(name)
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)
    return value if type(value) is int and value >= 0 else None


def _moment(row: Row, *names: str) -> datetime | None:
    return next((found for name in names if (found := moment_of(row.get(name))) is not None), None)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=WARSAW)
