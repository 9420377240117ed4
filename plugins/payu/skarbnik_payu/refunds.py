"""Between a refund as the contract knows it and a refund as PayU writes it."""

from __future__ import annotations

from typing import Any

from skarbnik.plugin_api import ExternalSystemError, RefundKey, RefundReport, RefundRequest
from skarbnik_payu.answers import text
from skarbnik_payu.orders import amount_of, our_id
from skarbnik_payu.states import REFUND_STATES


def refund_body(request: RefundRequest) -> dict[str, Any]:
    """Without our extRefundId PayU takes two equal refunds for one and the same."""
    return {
        "description": request.reason,
        "amount": str(request.amount.grosze),
        "currencyCode": request.transaction.currency,
        "extRefundId": request.refund_id.hex,
        "type": "REFUND_PAYMENT_STANDARD",
    }


def refund_report(refund: Any) -> RefundReport:
    """The facts of a refund. ExternalSystemError when they are not all there, or it is none of ours."""
    refund_id, status, currency = (text(refund, name) for name in ("refundId", "status", "currencyCode"))
    ours = our_id(text(refund, "extRefundId"))
    if refund_id is None or currency is None or ours is None:
        raise ExternalSystemError("PayU's refund lacks its refundId, currency, or an extRefundId of ours")
    if status not in REFUND_STATES:
        raise ExternalSystemError(f"PayU's refund {refund_id} is in a state we do not know")
    return RefundReport(
        refund_id=ours,
        external_id=refund_id,
        amount=amount_of(refund, "amount"),
        currency=currency,
        state=REFUND_STATES[status],
    )


def find_refund(listed: dict[str, Any], key: RefundKey) -> Any | None:
    """Our refund among all of an order, for when the answer to creating it never came."""
    refunds = listed.get("refunds")
    if not isinstance(refunds, list):
        raise ExternalSystemError("PayU's answer holds no list of refunds")
    return next((refund for refund in refunds if text(refund, "extRefundId") == key.refund_id.hex), None)
