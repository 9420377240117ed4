"""What a gateway says of a day, as a report or a file: tests that `PaymentGatewayContract` has for those that can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import ClassVar

import pytest

from skarbnik.plugin_api import (
    ZERO,
    BrokenFile,
    Capability,
    Money,
    PaymentGateway,
    PaymentRequest,
    SettlementKind,
    SettlementLine,
    StartedPayment,
    today,
)
from skarbnik.testing.gateways import key_for


class SettlementContract:
    """The fixtures are those of the contract it is a part of."""

    plugin_type: ClassVar[type[PaymentGateway]]

    @pytest.fixture
    def statement(self) -> Callable[[StartedPayment], bytes]:
        """A statement file of today with a completed payment, when it has `Capability.STATEMENT_FILE`."""
        raise NotImplementedError

    def test_the_report_of_a_day_has_what_was_paid_as_it_was_paid(
        self,
        payment_gateway: PaymentGateway,
        payment_request: PaymentRequest,
        complete: Callable[[StartedPayment], None],
    ) -> None:
        if Capability.SETTLEMENT_REPORT not in self.plugin_type.capabilities:
            pytest.skip("it has no report")
        started = payment_gateway.start(payment_request)
        complete(started)
        paid = payment_gateway.fetch(key_for(payment_request, started.external_id))
        lines = payment_gateway.settlement_report(today())
        _fit(lines)
        numbers = {paid.external_id, paid.payment_id}
        (line,) = [each for each in lines if each.kind is SettlementKind.PAYMENT and each.external_id in numbers]
        assert (line.amount, line.currency) == (payment_request.amount, "PLN")
        assert line in payment_gateway.settlement_report(today())

    def test_a_statement_has_what_was_paid_as_it_was_paid(
        self,
        payment_gateway: PaymentGateway,
        payment_request: PaymentRequest,
        complete: Callable[[StartedPayment], None],
        dead_gateway: PaymentGateway,
        request: pytest.FixtureRequest,
    ) -> None:
        if Capability.STATEMENT_FILE not in self.plugin_type.capabilities:
            pytest.skip("it takes no files")
        started = payment_gateway.start(payment_request)
        complete(started)
        paid = payment_gateway.fetch(key_for(payment_request, started.external_id))
        body = request.getfixturevalue("statement")(started)
        lines = dead_gateway.read_statement(BytesIO(body))  # without any network
        _fit(lines)
        numbers = {paid.external_id, paid.payment_id}
        (line,) = [each for each in lines if each.kind is SettlementKind.PAYMENT and each.external_id in numbers]
        assert (line.amount, line.currency) == (payment_request.amount, "PLN")
        assert list(lines) == list(dead_gateway.read_statement(BytesIO(body)))
        for cut in (body[:-3], body[: len(body) // 2].rstrip(b"\r\n")):
            with pytest.raises(BrokenFile):
                dead_gateway.read_statement(BytesIO(cut))

    @pytest.mark.parametrize("body", [b"", b"\0" * 64, b"not a statement\n", b"\xff\xfe\xfd", b"PK\x03\x04" * 9])
    def test_what_is_no_statement_is_refused_with_a_reason(self, dead_gateway: PaymentGateway, body: bytes) -> None:
        if Capability.STATEMENT_FILE not in self.plugin_type.capabilities:
            pytest.skip("it takes no files")
        with pytest.raises(BrokenFile) as caught:
            dead_gateway.read_statement(BytesIO(body))
        assert caught.value.problems


def _fit(lines: Sequence[SettlementLine]) -> None:
    """What holds for every line of a report or statement."""
    keys = [(line.kind, line.external_id) for line in lines]
    assert len(keys) == len(set(keys))
    payouts = {line.external_id: line for line in lines if line.kind is SettlementKind.PAYOUT}
    for line in lines:
        assert 0 < len(line.external_id) <= 80
        assert line.happened_at.tzinfo is not None
        assert line.fee >= ZERO
        taken = line.kind in {SettlementKind.REFUND, SettlementKind.CHARGEBACK, SettlementKind.FEE}
        assert line.kind is SettlementKind.CORRECTION or (line.amount < ZERO) == taken
    for number, payout in payouts.items():
        inside = [line.amount - line.fee for line in lines if line.payout == number]
        assert payout.amount + payout.fee == Money.total(inside)
