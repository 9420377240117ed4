"""What PayU says about an order or a refund, in an answer and in a notification."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

WARSAW = ZoneInfo("Europe/Warsaw")
ECHOED = ("notifyUrl", "customerIp", "merchantPosId", "description", "additionalDescription", "validityTime", "buyer")


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, WARSAW).isoformat(timespec="milliseconds")


def shown_status(order: sqlite3.Row) -> str:
    """What a reader is told: for a while after paying perhaps still the status before."""
    return order["stale_status"] if order["stale_until"] > time.time() else order["status"]


def order_body(order: sqlite3.Row, status: str) -> dict[str, Any]:
    """The order as it is known when it has this status; the money that came counts once it came."""
    sent = json.loads(order["body"])
    paid = status in {"COMPLETED", "WAITING_FOR_CONFIRMATION"} and order["paid_amount"] is not None
    body = {"orderId": order["order_id"]}
    if order["ext_order_id"] is not None:
        body["extOrderId"] = order["ext_order_id"]
    body["orderCreateDate"] = moment(order["created_at"])
    body |= {name: sent[name] for name in ECHOED if sent.get(name) is not None}
    body["currencyCode"] = order["paid_currency"] if paid else order["currency"]
    body["totalAmount"] = str(order["paid_amount"] if paid else order["amount"])
    if order["method"]:
        body["payMethod"] = {"type": "PBL"}
    body["products"] = [{name: p[name] for name in ("name", "unitPrice", "quantity")} for p in sent["products"]]
    body["status"] = status
    return body


def properties(order: sqlite3.Row, status: str) -> list[dict[str, str]]:
    if order["payment_id"] is None or status not in {"COMPLETED", "WAITING_FOR_CONFIRMATION"}:
        return []
    return [{"name": "PAYMENT_ID", "value": order["payment_id"]}]


def order_notification(order: sqlite3.Row, status: str) -> dict[str, Any]:
    body: dict[str, Any] = {"order": order_body(order, status)}
    if status == "COMPLETED":
        body["localReceiptDateTime"] = moment(order["paid_at"] or time.time())
    body["properties"] = properties(order, status)
    return body


def refund_body(refund: sqlite3.Row) -> dict[str, Any]:
    body = {"refundId": refund["refund_id"]}
    if refund["ext_refund_id"] is not None:
        body["extRefundId"] = refund["ext_refund_id"]
    body |= {
        "amount": str(refund["amount"]),
        "currencyCode": refund["currency"],
        "description": refund["description"],
        "creationDateTime": moment(refund["created_at"]),
        "status": refund["status"],
        "statusDateTime": moment(refund["status_at"]),
    }
    if refund["status"] == "CANCELED":
        body["statusError"] = {"code": "PROVIDER_TECHNICAL_ERROR", "description": "Temporary problem on Provider Side"}
    return body


def refund_notification(order: sqlite3.Row, refund: sqlite3.Row) -> dict[str, Any]:
    told = {
        "refundId": refund["refund_id"],
        "amount": str(refund["amount"]),
        "currencyCode": refund["currency"],
        "status": refund["status"],
        "statusDateTime": moment(refund["status_at"]),
        "reason": "refund",
        "reasonDescription": refund["description"],
        "refundDate": moment(refund["status_at"]),
    }
    if refund["ext_refund_id"] is not None:
        told["extRefundId"] = refund["ext_refund_id"]
    return {"orderId": order["order_id"], "extOrderId": order["ext_order_id"], "refund": told}
