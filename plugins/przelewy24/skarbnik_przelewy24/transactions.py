"""Between a payment as the contract knows it and a transaction as Przelewy24 writes it. No network here.

Our transaction id is the sessionId: Przelewy24 names a transaction by it from the first call to the last. Its own
number, the orderId, comes into being only when somebody pays; settlement reports use it.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from skarbnik.plugin_api import (
    WARSAW,
    ExternalSystemError,
    GatewayReport,
    Money,
    PaymentRequest,
    Refused,
    TransactionKey,
)
from skarbnik_przelewy24.answers import data_of, number, text
from skarbnik_przelewy24.settings import Przelewy24Settings
from skarbnik_przelewy24.signature import REGISTER, VERIFY, sign
from skarbnik_przelewy24.states import ADVANCE, STATES

OUR_ID = re.compile(r"[0-9a-f]{32}")
LANGUAGES = frozenset(["bg", "cs", "de", "en", "es", "fr", "hr", "hu", "it", "nl", "pl", "pt", "ro", "se", "sk"])
LONGEST_EMAIL, LONGEST_ADDRESS, LONGEST_LIMIT = 50, 250, 99
MOMENTS = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M"}  # by length: strptime itself reads the shorter as the longer


def register_body(request: PaymentRequest, settings: Przelewy24Settings) -> dict[str, Any]:
    """What is sent to register a transaction. `waitForResult` keeps the payer there until the result is known."""
    email = request.payer_email or ""
    body: dict[str, Any] = {
        "merchantId": int(settings.merchant_id),
        "posId": int(settings.pos_id),
        "sessionId": request.transaction_id.hex,
        "amount": request.amount.grosze,
        "currency": request.currency,
        "description": request.title,
        "email": email if 0 < len(email) <= LONGEST_EMAIL else settings.email,
        "country": "PL",
        "language": request.language if request.language in LANGUAGES else "en",
        "urlReturn": _address(request.return_url),
        "urlStatus": _address(request.notify_url),
        "timeLimit": _minutes(request.valid_for),
        "waitForResult": True,
    }
    if request.blik_code:
        body["additional"] = {"PSU": {"IP": request.payer_ip, "userAgent": request.payer_agent or ""}}
    elif settings.channel:
        body["channel"] = settings.channel
    return body | {"sign": sign(body, REGISTER, settings.crc)}


def verify_body(transaction: TransactionKey, order_id: int, settings: Przelewy24Settings) -> dict[str, Any]:
    """Our amount, our currency, our sessionId; only the orderId is theirs."""
    body: dict[str, Any] = {
        "merchantId": int(settings.merchant_id),
        "posId": int(settings.pos_id),
        "sessionId": transaction.transaction_id.hex,
        "amount": transaction.amount.grosze,
        "currency": transaction.currency,
        "orderId": order_id,
    }
    return body | {"sign": sign(body, VERIFY, settings.crc)}


def transaction_report(body: dict[str, Any], settings: Przelewy24Settings) -> GatewayReport:
    """The facts of a transaction. Which merchant it belongs to is not among them: the keys we asked with say that."""
    data = data_of(body)
    session_id, currency = text(data, "sessionId"), text(data, "currency")
    transaction_id, amount, status = our_id(session_id), number(data, "amount"), status_of(body)
    if session_id is None or transaction_id is None or currency is None or amount is None:
        raise ExternalSystemError("Przelewy24's transaction lacks its amount, currency, or a sessionId of ours")
    if status not in STATES:
        raise ExternalSystemError(f"Przelewy24's transaction {session_id} is in a state we do not know")
    order_id, method = number(data, "orderId"), number(data, "paymentMethod")
    if status and order_id is None:
        raise ExternalSystemError(f"Przelewy24's transaction {session_id} is paid and has no orderId")
    return GatewayReport(
        transaction_id=transaction_id,
        external_id=session_id,
        amount=Money(amount),
        currency=currency,
        state=STATES[status],
        merchant=settings.pos_id,
        method=None if method is None else str(method),
        payment_id=None if order_id is None else str(order_id),
        happened_at=moment_of(data.get("dateOfTransaction")) if status else None,
    )


def status_of(body: dict[str, Any]) -> int:
    """-1 for what is no number: `true` would pass for 1, money that waits to be verified."""
    data = data_of(body)
    status = data.get("status") if isinstance(data, dict) else None
    return status if type(status) is int else -1


def order_id_of(body: dict[str, Any]) -> int | None:
    return number(data_of(body), "orderId")


def is_to_be_verified(body: dict[str, Any], report: GatewayReport, transaction: TransactionKey) -> bool:
    """Paid, and exactly what was ordered. Other money stays the payer's until a person has looked at it."""
    ordered = (transaction.transaction_id, transaction.amount, transaction.currency)
    return status_of(body) == ADVANCE and (report.transaction_id, report.amount, report.currency) == ordered


def our_id(value: Any) -> UUID | None:
    """The id we gave, when it is one: the merchant may also take money for other programs."""
    return UUID(hex=value) if isinstance(value, str) and OUR_ID.fullmatch(value) else None


def _address(given: str) -> str:
    if len(given) > LONGEST_ADDRESS:
        raise Refused(f"Przelewy24 takes addresses of at most {LONGEST_ADDRESS} characters")
    return given


def _minutes(given: timedelta) -> int:
    """Zero would mean no limit at all."""
    return min(max(math.ceil(given.total_seconds() / 60), 1), LONGEST_LIMIT)


def moment_of(value: Any) -> datetime | None:
    """When the payer paid, by the clocks of Warsaw. How it is written is not documented; the unreadable is None."""
    written = value.strip() if isinstance(value, str) else ""
    form = MOMENTS.get(len(written)) if written.isascii() and written.isdigit() else None
    try:
        if form is not None:
            return datetime.strptime(written, form).replace(tzinfo=WARSAW)
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=WARSAW)
