"""What a gateway with `Capability.BLIK` must do, as tests a vendor subclasses beside `PaymentGatewayContract`.

class TestPayu(BlikContract, PaymentGatewayContract):
    good_code = "777123"
    refused_codes = {"700701": BlikProblem.EXPIRED}
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import ClassVar
from uuid import uuid4

import pytest

from skarbnik.plugin_api import (
    BlikProblem,
    BlikRefused,
    PaymentGateway,
    PaymentRequest,
    TransactionKey,
    TransactionState,
)
from skarbnik.testing.gateways import wait_until


class BlikContract:
    """Takes the fixtures of `PaymentGatewayContract`."""

    good_code: ClassVar[str]  # the payer confirms it by itself after a moment, at the simulator
    refused_codes: ClassVar[Mapping[str, BlikProblem]]

    @pytest.fixture
    def blik_request(self, payment_request: PaymentRequest) -> PaymentRequest:
        return dataclasses.replace(payment_request, blik_code=self.good_code, payer_agent="Mozilla/5.0")

    def test_a_code_begins_a_payment_for_which_nobody_is_sent_anywhere(
        self, payment_gateway: PaymentGateway, blik_request: PaymentRequest
    ) -> None:
        started = payment_gateway.start(blik_request)
        assert started.redirect_url is None
        report = payment_gateway.fetch(_key(blik_request, started.external_id))
        assert report.state in {TransactionState.PENDING, TransactionState.COMPLETED}

    def test_a_code_that_is_confirmed_pays_what_was_ordered(
        self, payment_gateway: PaymentGateway, blik_request: PaymentRequest
    ) -> None:
        started = payment_gateway.start(blik_request)
        key = _key(blik_request, started.external_id)
        wait_until(lambda: payment_gateway.fetch(key).state is TransactionState.COMPLETED)
        report = payment_gateway.fetch(key)
        assert (report.transaction_id, report.amount) == (blik_request.transaction_id, blik_request.amount)

    def test_a_code_that_is_no_good_is_refused_with_its_reason_and_pays_nothing(
        self, payment_gateway: PaymentGateway, blik_request: PaymentRequest
    ) -> None:
        for code, problem in self.refused_codes.items():
            request = dataclasses.replace(blik_request, transaction_id=uuid4(), blik_code=code)
            with pytest.raises(BlikRefused) as refused:
                payment_gateway.start(request)
            assert refused.value.problem is problem, code
            report = payment_gateway.fetch(_key(request, refused.value.external_id))
            assert report.state is not TransactionState.COMPLETED

    def test_a_code_is_written_down_nowhere(
        self,
        payment_gateway: PaymentGateway,
        dead_gateway: PaymentGateway,
        blik_request: PaymentRequest,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        said = [repr(blik_request)]
        for gateway, code in (
            (payment_gateway, self.good_code),
            (dead_gateway, self.good_code),
            *((payment_gateway, code) for code in self.refused_codes),
        ):
            try:
                gateway.start(dataclasses.replace(blik_request, transaction_id=uuid4(), blik_code=code))
            except Exception as error:  # whatever it is, its words are looked at
                said.append(f"{error!r} {error}")
        told = " ".join([*said, caplog.text])
        assert not [code for code in (self.good_code, *self.refused_codes) if code in told]


def _key(request: PaymentRequest, external_id: str | None) -> TransactionKey:
    return TransactionKey(request.transaction_id, external_id, request.amount, request.currency)
