"""PayU keeps the contract of payment gateways, against its simulator."""

import json

import pytest

from skarbnik.plugin_api import BlikProblem
from skarbnik.testing.blik import BlikContract
from skarbnik.testing.conformance import PaymentGatewayContract
from skarbnik_payu.gateway import PayuGateway


class TestPayu(BlikContract, PaymentGatewayContract):
    plugin_type = PayuGateway
    good_code = "777123"
    refused_codes = {
        "700701": BlikProblem.EXPIRED,
        "700702": BlikProblem.CANCELLED,
        "700703": BlikProblem.USED,
        "123456": BlikProblem.WRONG,
    }

    @pytest.fixture
    def plugin_settings(self, wire, simulator):
        return wire.settings(simulator.url)

    @pytest.fixture
    def payment_gateway(self, gateway):
        return gateway

    @pytest.fixture
    def payment_request(self, order, receiver):
        return order(receiver.url)

    @pytest.fixture
    def complete(self, simulator):
        return lambda started: simulator.pay(started.external_id)

    @pytest.fixture
    def statement(self, simulator):
        return lambda started: simulator.statement()

    @pytest.fixture
    def notified(self, receiver, until):
        def of(started):
            def completed():
                orders = ((raw, json.loads(raw.body)["order"]) for raw in receiver.came)
                return [
                    raw
                    for raw, order in orders
                    if (order["orderId"], order["status"]) == (started.external_id, "COMPLETED")
                ]

            return until(completed)[0]

        return of
