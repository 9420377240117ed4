"""What the core relies on when money goes back: part of the conformance suite of gateways."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import uuid4

import pytest

from skarbnik.plugin_api import (
    Capability,
    Money,
    NotKnown,
    PaymentGateway,
    PaymentRequest,
    RefundKey,
    RefundRequest,
    RefundState,
    StartedPayment,
    TransactionKey,
)


class RefundsContract:
    """Tests of a gateway with `Capability.REFUND`; it uses the fixtures of `PaymentGatewayContract`."""

    plugin_type: ClassVar[type[PaymentGateway]]

    @pytest.fixture
    def paid(
        self,
        payment_gateway: PaymentGateway,
        payment_request: PaymentRequest,
        complete: Callable[[StartedPayment], None],
    ) -> TransactionKey:
        """A payment the gateway has the money of."""
        if Capability.REFUND not in self.plugin_type.capabilities:
            pytest.skip("it cannot refund")
        started = payment_gateway.start(payment_request)
        complete(started)
        key = TransactionKey(
            payment_request.transaction_id, started.external_id, payment_request.amount, payment_request.currency
        )
        payment_gateway.fetch(key)  # confirms it, where the gateway wants that
        return key

    def test_a_refund_sent_again_with_one_id_is_one_refund(
        self, payment_gateway: PaymentGateway, paid: TransactionKey
    ) -> None:
        """More than half of what came, so that a second one could not even be."""
        request = RefundRequest(uuid4(), paid, Money(paid.amount.grosze // 2 + 1), "Zwrot")
        first, again = payment_gateway.refund(request), payment_gateway.refund(request)
        found = payment_gateway.fetch_refund(RefundKey(request.refund_id, first.external_id, paid))
        for report in (first, again, found):
            assert (report.refund_id, report.external_id) == (request.refund_id, first.external_id)
            assert (report.amount, report.currency) == (request.amount, paid.currency)
            assert report.state is not RefundState.REJECTED
        assert 0 < len(first.external_id) <= 80

    def test_a_refund_is_found_by_our_id_alone(self, payment_gateway: PaymentGateway, paid: TransactionKey) -> None:
        """The answer to sending it never came."""
        request = RefundRequest(uuid4(), paid, Money(1), "Zwrot")
        sent = payment_gateway.refund(request)
        found = payment_gateway.fetch_refund(RefundKey(request.refund_id, None, paid))
        assert (found.refund_id, found.external_id) == (request.refund_id, sent.external_id)

    def test_a_refund_it_does_not_know_is_an_error_and_never_a_refusal(
        self, payment_gateway: PaymentGateway, paid: TransactionKey
    ) -> None:
        """The core sends it again then."""
        with pytest.raises(NotKnown):
            payment_gateway.fetch_refund(RefundKey(uuid4(), None, paid))
