"""Between a refund as the contract knows it and a refund as Przelewy24 writes it.

Our refund id is both of the ids we may give: the signed `refundsUuid` of the notification and the `requestId` by which
a refund is found later. Przelewy24 has no number of its own for it. Without hyphens: 36 characters are too many.
"""

from __future__ import annotations

from typing import Any

from skarbnik.plugin_api import ExternalSystemError, Money, RefundKey, RefundReport, RefundRequest, RefundState
from skarbnik_przelewy24.answers import number, text
from skarbnik_przelewy24.states import REFUND_STATES

LONGEST_REASON = 35


def refund_body(request: RefundRequest, order_id: int) -> dict[str, Any]:
    """The one call without a sign."""
    body: dict[str, Any] = {
        "requestId": request.refund_id.hex,
        "refundsUuid": request.refund_id.hex,
        "refunds": [
            {
                "orderId": order_id,
                "sessionId": request.transaction.transaction_id.hex,
                "amount": request.amount.grosze,
                "description": request.reason[:LONGEST_REASON],
            }
        ],
    }
    if request.notify_url:
        body["urlStatus"] = request.notify_url
    return body


def is_accepted(body: dict[str, Any], order_id: int) -> bool:
    data = body.get("data")
    return isinstance(data, list) and any(
        number(each, "orderId") == order_id and each.get("status") is True for each in data
    )


def accepted_report(request: RefundRequest) -> RefundReport:
    return RefundReport(
        refund_id=request.refund_id,
        external_id=request.refund_id.hex,
        amount=request.amount,
        currency=request.transaction.currency,
        state=RefundState.PENDING,
    )


def find_refund(listed: dict[str, Any], key: RefundKey) -> RefundReport | None:
    """Ours among all refunds of a transaction; others were made in the panel."""
    data = listed.get("data", listed)
    refunds = data.get("refunds") if isinstance(data, dict) else None
    if not isinstance(refunds, list):
        raise ExternalSystemError("Przelewy24's answer holds no list of refunds")
    for refund in refunds:
        if text(refund, "requestId") == key.refund_id.hex:
            return _report(refund, key, currency=text(data, "currency") or key.transaction.currency)
    return None


def _report(refund: dict[str, Any], key: RefundKey, *, currency: str) -> RefundReport:
    amount, status = number(refund, "amount"), refund.get("status")
    if amount is None or type(status) is not int or status not in REFUND_STATES:
        raise ExternalSystemError(f"Przelewy24's refund {key.refund_id} has no amount or state we understand")
    return RefundReport(
        refund_id=key.refund_id,
        external_id=key.refund_id.hex,
        amount=Money(amount),
        currency=currency,
        state=REFUND_STATES[status],
    )
