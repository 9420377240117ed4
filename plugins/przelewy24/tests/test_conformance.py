"""Przelewy24 keeps the contract of payment gateways, against its simulator, whatever its documentation leaves open."""

import pytest

from skarbnik.plugin_api import BlikProblem
from skarbnik.testing.blik import BlikContract
from skarbnik.testing.conformance import PaymentGatewayContract
from skarbnik_przelewy24.gateway import Przelewy24Gateway


class TestPrzelewy24(BlikContract, PaymentGatewayContract):
    plugin_type = Przelewy24Gateway
    signs_bytes = False
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
    def notified(self, receiver, until):
        def of(started):
            return until(lambda: [raw for raw in receiver.came if started.external_id.encode() in raw.body])[0]

        return of


class TestPrzelewy24ThatKnowsOnlyWhatWasPaid(TestPrzelewy24):
    """Nothing is found before somebody paid, and a sessionId is taken once."""

    @pytest.fixture(autouse=True)
    def strict(self, simulator):
        simulator.switch(hides_unpaid=True, second_register="refuse", second_verify="success")
