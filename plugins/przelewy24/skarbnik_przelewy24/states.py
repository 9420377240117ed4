"""Przelewy24's numbers for what became of a transaction or a refund, in our words."""

from __future__ import annotations

from skarbnik.plugin_api import RefundState, TransactionState

ADVANCE = 1  # the payer paid, and it is still the payer's money: it becomes the gmina's when it is verified

STATES = {
    0: TransactionState.PENDING,
    ADVANCE: TransactionState.PENDING,
    2: TransactionState.COMPLETED,
    3: TransactionState.REJECTED,  # sent back whole; money that was captured before stays captured, the core sees to it
}

# In GET /refund/by/orderId. The notification of a refund counts differently (0 completed, 1 rejected).
REFUND_STATES = {
    1: RefundState.COMPLETED,
    2: RefundState.PENDING,
    3: RefundState.PENDING,
    4: RefundState.REJECTED,
}
