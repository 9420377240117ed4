"""The plugin is tested against the simulator as a real process, and against recorded answers where PayU is odd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from skarbnik.plugin_api import (
    HttpAnswer,
    HttpClient,
    PaymentRequest,
    StartedPayment,
    TransactionKey,
    today,
)
from skarbnik.testing.gateways import (
    Receiver,
    ScriptedHttp,
    SimulatorProcess,
    free_port,
    key_for,
    receiving,
    request_for,
    wait_until,
)
from skarbnik.testing.gateways import (
    answer as scripted_answer,
)
from skarbnik_payu.gateway import PayuGateway
from skarbnik_payu.settings import PayuSettings

MAIN = Path(__file__).parents[1] / "simulator" / "main.py"
ACCOUNTS = {"300746": "b6ca15b0d1020e8094d9b5f8d163db54", "145227": "13a980d4f851f3d9a1cfc792fb1f5e50"}
SECRET = "2ee86a66e5d97e3fadc400c9f19b065d"


class Simulator(SimulatorProcess):
    """With the payer's part of it."""

    main = MAIN

    def accounts(self) -> list[str]:
        return [
            part
            for pos_id, key in ACCOUNTS.items()
            for part in ("--pos", f"{pos_id}:{pos_id}:{SECRET}:{key}:Gmina {pos_id}")
        ]

    def pay(self, order_id: str) -> None:
        self.post(f"/_sim/orders/{order_id}/pay").raise_for_status()

    def statement(self, pos_id: str = "300746", day: date | None = None) -> bytes:
        words = {"pos": pos_id, "day": (day or today()).isoformat()}
        return requests.get(f"{self.url}/_sim/statement", params=words, timeout=10).content

    def orders(self, ext: str) -> list[dict]:
        return self.get("/_sim/orders", ext=ext)["orders"]

    def money(self, order_id: str) -> list[tuple[str, int, str]]:
        rows = self.get("/_sim/ledger")["money"]
        return [(row["kind"], row["amount"], row["currency"]) for row in rows if row["orderId"] == order_id]


class Notified(Receiver):
    def events(self) -> list[str]:
        return [body["order"]["status"] if "order" in body else body["refund"]["status"] for body in self.bodies()]


def answer(status: int, body: Any) -> HttpAnswer:
    return scripted_answer(status, body, **{"Correlation-Id": "c-1"})


def token(value: str = "token-1", lasts: int = 43199) -> HttpAnswer:
    return answer(200, {"access_token": value, "token_type": "bearer", "expires_in": lasts})


def settings_for(base_url: str = "https://secure.payu.com", pos_id: str = "300746") -> PayuSettings:
    return PayuSettings(
        pos_id=pos_id, client_id=pos_id, client_secret=SECRET, second_key=ACCOUNTS[pos_id], base_url=base_url
    )


@pytest.fixture
def wire():
    """Makes a gateway that talks to scripted answers; the first one is always a token."""

    def make(*answers: HttpAnswer | Exception) -> tuple[PayuGateway, ScriptedHttp]:
        http = ScriptedHttp(token(), *answers)
        return PayuGateway(settings_for(), http), http

    make.answer, make.token, make.request, make.key = answer, token, request_for, key_for
    make.settings, make.Http = settings_for, ScriptedHttp
    return make


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[Simulator]:
    process = Simulator(tmp_path_factory.mktemp("payu") / "ledger.sqlite")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def simulator(running) -> Iterator[Simulator]:
    yield running
    running.post("/_sim/faults", {"clear": True}).raise_for_status()
    running.post("/_sim/pos/300746", {"algorithm": "MD5", "auto_receive": True}).raise_for_status()


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

    def make(simulator: Simulator, pos_id: str = "300746") -> PayuGateway:
        settings = settings_for(simulator.url, pos_id)
        return PayuGateway(settings, HttpClient(PayuGateway.hosts(settings), read_seconds=1.0))

    return make


@pytest.fixture
def gateway(simulator, connect) -> PayuGateway:
    return connect(simulator)


@pytest.fixture
def receiver() -> Iterator[Notified]:
    with receiving(Notified) as made:
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
