"""The plugin is tested against the simulator as a real process, and against written answers where theirs are odd."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from skarbnik.plugin_api import (
    HttpAnswer,
    HttpClient,
    Money,
    PaymentItem,
    PaymentRequest,
    RawNotification,
    StartedPayment,
    TransactionKey,
)
from skarbnik_przelewy24.gateway import Przelewy24Gateway
from skarbnik_przelewy24.settings import Przelewy24Settings

MAIN = Path(__file__).parents[1] / "simulator" / "main.py"
POINTS = {"99001": "fedcba9876543210", "99002": "0011223344556677"}  # each with its CRC key
KEY = "0123456789abcdef0123456789abcdef"


@dataclass
class SimulatorProcess:
    """The simulator in a process of its own, with the payer's and the tester's part of it."""

    ledger: Path
    port: int = 0
    url: str = ""
    process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, str(MAIN), "--port", str(self.port), "--ledger", str(self.ledger)]
        for pos_id, crc in POINTS.items():
            command += ["--pos", f"99001:{pos_id}:{KEY}:{crc}:Gmina {pos_id}"]
        self.process = subprocess.Popen([*command, "--time-scale", "600"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", line)[0]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def post(self, path: str, body: Any = None) -> requests.Response:
        return requests.post(self.url + path, json=body or {}, timeout=10)

    def fault(self, name: str, *, next: int = 1, **more: Any) -> None:  # noqa: A002  # the word of the control API
        self.post("/_sim/faults", {"name": name, "next": next, **more}).raise_for_status()

    def pay(self, session_id: str, **more: Any) -> None:
        self.post(f"/_sim/transactions/{session_id}/pay", more).raise_for_status()

    def switch(self, **switches: Any) -> None:
        self.post("/_sim/points/99001", switches).raise_for_status()

    def transactions(self, session_id: str) -> list[dict]:
        answer = requests.get(f"{self.url}/_sim/transactions", params={"session": session_id}, timeout=10)
        return answer.json()["transactions"]

    def money(self, session_id: str) -> list[tuple[str, int, str]]:
        rows = requests.get(f"{self.url}/_sim/ledger", timeout=10).json()["money"]
        return [(row["kind"], row["amount"], row["currency"]) for row in rows if row["sessionId"] == session_id]


@dataclass
class Receiver:
    """Where notifications arrive. `statuses` are answered in turn, then 200."""

    url: str
    came: list[RawNotification] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def wait(self, count: int) -> list[RawNotification]:
        wait_until(lambda: len(self.came) >= count)
        return self.came

    def bodies(self) -> list[dict]:
        return [json.loads(raw.body) for raw in self.came]


class ScriptedHttp:
    """Przelewy24's answers in the order they will be given; keeps what was asked."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict]] = []

    def request(self, method: str, url: str, **more: Any) -> HttpAnswer:
        self.asked.append((method, url, more))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def wait_until(happened: Callable[[], Any], seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = happened()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def answer(status: int, body: Any) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status=status, headers={}, body=raw)


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


def request_for(notify_url: str = "http://127.0.0.1:9/notify", **changes: Any) -> PaymentRequest:
    values = {
        "transaction_id": uuid4(),
        "amount": Money(12_345),
        "currency": "PLN",
        "title": "Podatek od nieruchomości, rata III",
        "items": (PaymentItem("Rata III", Money(12_000)), PaymentItem("Odsetki", Money(345))),
        "payer_email": "mieszkaniec@example.pl",
        "payer_ip": "203.0.113.7",
        "language": "pl",
        "notify_url": notify_url,
        "return_url": "https://gmina.example.pl/wynik?zlecenie=1",
        "valid_for": timedelta(minutes=15),
    }
    return PaymentRequest(**(values | changes))


def key_for(request: PaymentRequest, external_id: str | None) -> TransactionKey:
    return TransactionKey(request.transaction_id, external_id, request.amount, request.currency)


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
def running(tmp_path_factory) -> Iterator[SimulatorProcess]:
    process = SimulatorProcess(tmp_path_factory.mktemp("przelewy24") / "ledger.sqlite")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def simulator(running) -> Iterator[SimulatorProcess]:
    yield running
    running.post("/_sim/faults", {"clear": True}).raise_for_status()
    running.switch(hides_unpaid=False, second_register="token", second_verify="refuse")


@pytest.fixture
def own_simulator(tmp_path) -> Iterator[SimulatorProcess]:
    """One that may be killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = SimulatorProcess(tmp_path / "ledger.sqlite", port=port)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def connect():
    """A gateway for a running simulator, with a patience of one second."""

    def make(simulator: SimulatorProcess, pos_id: str = "99001", **more: Any) -> Przelewy24Gateway:
        settings = settings_for(simulator.url, pos_id, **more)
        return Przelewy24Gateway(settings, HttpClient(Przelewy24Gateway.hosts(settings), read_seconds=1.0))

    return make


@pytest.fixture
def gateway(simulator, connect) -> Przelewy24Gateway:
    return connect(simulator)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name http.server calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(made.statuses.pop(0) if made.statuses else 200)
            self.end_headers()
            made.came.append(RawNotification(headers=headers, body=body))

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}/notify")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


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
