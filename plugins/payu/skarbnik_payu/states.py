"""PayU's words for what became of an order or a refund, in ours."""

from __future__ import annotations

from skarbnik.plugin_api import RefundState, TransactionState

WAITING_FOR_CONFIRMATION = "WAITING_FOR_CONFIRMATION"  # paid, and the POS has automatic receipt switched off

STATES = {
    "NEW": TransactionState.PENDING,
    "PENDING": TransactionState.PENDING,
    WAITING_FOR_CONFIRMATION: TransactionState.PENDING,
    "COMPLETED": TransactionState.COMPLETED,
    "CANCELED": TransactionState.REJECTED,
}

REFUND_STATES = {
    "PENDING": RefundState.PENDING,
    "FINALIZED": RefundState.COMPLETED,
    "CANCELED": RefundState.REJECTED,
}
