"""Between a payment as the contract knows it and an order as PayU writes it. No network here.

Amounts are texts of minor units on PayU's side and `Money` on ours; nothing else is taken for an amount.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import Any
from uuid import UUID

from skarbnik.plugin_api import (
    ExternalSystemError,
    GatewayReport,
    Money,
    PaymentRequest,
    Refused,
    TransactionKey,
)
from skarbnik_payu.answers import text
from skarbnik_payu.settings import PayuSettings
from skarbnik_payu.states import STATES

AMOUNT = re.compile(r"[0-9]{1,13}", re.ASCII)
OUR_ID = re.compile(r"[0-9a-f]{32}")


def order_body(request: PaymentRequest, settings: PayuSettings) -> dict[str, Any]:
    """What is sent to create an order. The extOrderId makes a repeated create an error instead of a second order."""
    body: dict[str, Any] = {
        "extOrderId": request.transaction_id.hex,
        "merchantPosId": settings.pos_id,
        "customerIp": _address(request.payer_ip),
        "description": request.title,
        "currencyCode": request.currency,
        "totalAmount": str(request.amount.grosze),
        "products": [
            {"name": item.name, "unitPrice": str(item.amount.grosze), "quantity": "1", "virtual": True}
            for item in request.items
        ],
        "notifyUrl": request.notify_url,
        "continueUrl": request.return_url,
        "validityTime": str(max(1, int(request.valid_for.total_seconds()))),
    }
    if request.payer_email:
        body["buyer"] = {"email": request.payer_email, "language": request.language}
    if request.blik_code:
        method = {"type": "PBL", "value": "blik", "authorizationCode": request.blik_code}
        body["payMethods"] = {"payMethod": method}
    return body


def order_of(body: dict[str, Any]) -> dict[str, Any]:
    """The one order in an answer. `status` beside it is the result of the call, not of the order."""
    orders = body.get("orders")
    if not isinstance(orders, list) or len(orders) != 1 or not isinstance(orders[0], dict):
        raise ExternalSystemError("PayU's answer does not hold one order")
    return orders[0]


def order_report(body: dict[str, Any]) -> GatewayReport:
    """The facts of an order. When it was paid is not among them: PayU tells that in the notification only."""
    order = order_of(body)
    order_id, status, currency = (text(order, name) for name in ("orderId", "status", "currencyCode"))
    transaction_id = our_id(order.get("extOrderId"))
    if order_id is None or currency is None or transaction_id is None:
        raise ExternalSystemError("PayU's order lacks its orderId, currency, or an extOrderId of ours")
    if status not in STATES:
        raise ExternalSystemError(f"PayU's order {order_id} is in a state we do not know")
    return GatewayReport(
        transaction_id=transaction_id,
        external_id=order_id,
        amount=amount_of(order, "totalAmount"),
        currency=currency,
        state=STATES[status],
        merchant=text(order, "merchantPosId") or "",
        method=text(order.get("payMethod"), "type"),
        payment_id=_payment_id(body.get("properties")),
    )


def is_as_ordered(report: GatewayReport, transaction: TransactionKey, settings: PayuSettings) -> bool:
    return (report.transaction_id, report.amount, report.currency, report.merchant) == (
        transaction.transaction_id,
        transaction.amount,
        transaction.currency,
        settings.pos_id,
    )


def amount_of(body: dict[str, Any], name: str) -> Money:
    value = text(body, name)
    if value is None or not AMOUNT.fullmatch(value):
        raise ExternalSystemError(f"PayU's {name} is missing or is no whole number of minor units")
    return Money(int(value))


def our_id(value: Any) -> UUID | None:
    """The id we gave, when it is one: PayU's POS may also serve orders of other programs."""
    return UUID(hex=value) if isinstance(value, str) and OUR_ID.fullmatch(value) else None


def _payment_id(properties: Any) -> str | None:
    """`properties` may be absent, null or empty."""
    for entry in properties if isinstance(properties, list) else ():
        if isinstance(entry, dict) and entry.get("name") == "PAYMENT_ID":
            return text(entry, "value")
    return None


def _address(given: str) -> str:
    """PayU takes IPv4 or IPv6 written in full."""
    try:
        address = ip_address(given)
    except ValueError:
        raise Refused("the payer's address is no IP address") from None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.exploded
