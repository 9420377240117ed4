"""The plugin is tested against the simulator as a real process, and against written answers where theirs are odd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from skarbnik.plugin_api import (
    HttpAnswer,
    HttpClient,
    PaymentRequest,
    StartedPayment,
    TransactionKey,
)
from skarbnik.testing.gateways import (
    Receiver,
    ScriptedHttp,
    SimulatorProcess,
    answer,
    free_port,
    key_for,
    receiving,
    request_for,
    wait_until,
)
from skarbnik_przelewy24.gateway import Przelewy24Gateway
from skarbnik_przelewy24.settings import Przelewy24Settings

MAIN = Path(__file__).parents[1] / "simulator" / "main.py"
POINTS = {"99001": "fedcba9876543210", "99002": "0011223344556677"}  # each with its CRC key
KEY = "0123456789abcdef0123456789abcdef"


class Simulator(SimulatorProcess):
    """With the payer's part of it."""

    main = MAIN

    def accounts(self) -> list[str]:
        return [
            part for pos_id, crc in POINTS.items() for part in ("--pos", f"99001:{pos_id}:{KEY}:{crc}:Gmina {pos_id}")
        ]

    def pay(self, session_id: str, **more: Any) -> None:
        self.post(f"/_sim/transactions/{session_id}/pay", more).raise_for_status()

    def switch(self, **switches: Any) -> None:
        self.post("/_sim/points/99001", switches).raise_for_status()

    def transactions(self, session_id: str) -> list[dict]:
        return self.get("/_sim/transactions", session=session_id)["transactions"]

    def money(self, session_id: str) -> list[tuple[str, int, str]]:
        rows = self.get("/_sim/ledger")["money"]
        return [(row["kind"], row["amount"], row["currency"]) for row in rows if row["sessionId"] == session_id]


def settings_for(
    base_url: str = "https://secure.przelewy24.pl", pos_id: str = "99001", **more: Any
) -> Przelewy24Settings:
    values = {
        "merchant_id": "99001",
        "pos_id": pos_id,
        "api_key": KEY,
        "crc": POINTS[pos_id],
        "email": "urzad@example.pl",
    }
    return Przelewy24Settings(**(values | {"base_url": base_url} | more))


def transaction_answer(key: TransactionKey, **changes: Any) -> HttpAnswer:
    """What GET says of a paid transaction nobody verified; None takes a member away."""
    data = {
        "statement": "p24-A1",
        "orderId": 4_300_000_001,
        "sessionId": key.transaction_id.hex,
        "status": 1,
        "amount": 12_345,
        "currency": "PLN",
        "date": "202611271430",
        "dateOfTransaction": "202611271431",
        "paymentMethod": 154,
        "fee": "0",
    }
    told = {name: value for name, value in (data | changes).items() if value is not None}
    return answer(200, {"data": told, "responseCode": 0})


@pytest.fixture
def wire():
    """Makes a gateway that talks to scripted answers."""

    def make(*answers: HttpAnswer | Exception, **settings: Any) -> tuple[Przelewy24Gateway, ScriptedHttp]:
        http = ScriptedHttp(*answers)
        return Przelewy24Gateway(settings_for(**settings), http), http

    make.answer, make.transaction, make.request, make.key = answer, transaction_answer, request_for, key_for
    make.settings, make.verified = settings_for, answer(200, {"data": {"status": "success"}, "responseCode": 0})
    return make


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[Simulator]:
    process = Simulator(tmp_path_factory.mktemp("przelewy24") / "ledger.sqlite")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def simulator(running) -> Iterator[Simulator]:
    yield running
    running.post("/_sim/faults", {"clear": True}).raise_for_status()
    running.switch(hides_unpaid=False, second_register="token", second_verify="refuse")


@pytest.fixture
def own_simulator(tmp_path) -> Iterator[Simulator]:
    """One that may be killed."""
    process = Simulator(tmp_path / "ledger.sqlite", port=free_port())
    process.start()
    yield process
    process.kill()


@pytest.fixture
def connect():
    """A gateway for a running simulator, with a patience of one second."""

    def make(simulator: Simulator, pos_id: str = "99001", **more: Any) -> Przelewy24Gateway:
        settings = settings_for(simulator.url, pos_id, **more)
        return Przelewy24Gateway(settings, HttpClient(Przelewy24Gateway.hosts(settings), read_seconds=1.0))

    return make


@pytest.fixture
def gateway(simulator, connect) -> Przelewy24Gateway:
    return connect(simulator)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver) as made:
        yield made


@pytest.fixture
def started(gateway, receiver) -> tuple[PaymentRequest, StartedPayment, TransactionKey]:
    """A payment that was started and not yet paid."""
    request = request_for(receiver.url)
    payment = gateway.start(request)
    return request, payment, key_for(request, payment.external_id)


@pytest.fixture
def order():
    return request_for


@pytest.fixture
def key():
    return key_for


@pytest.fixture
def until():
    return wait_until


@pytest.fixture
def new_id() -> Callable[[], UUID]:
    return uuid4
