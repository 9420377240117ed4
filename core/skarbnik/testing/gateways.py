"""For tests of payment gateways: payments, scripted answers, a simulator's process, where notifications come."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import requests

from skarbnik.plugin_api import HttpAnswer, Money, PaymentItem, PaymentRequest, RawNotification, TransactionKey


@dataclass
class SimulatorProcess(ABC):
    """A simulator in a process of its own, with the tester's part of it."""

    main: ClassVar[Path]
    ledger: Path
    port: int = 0
    url: str = ""
    process: subprocess.Popen[str] | None = None

    @abstractmethod
    def accounts(self) -> list[str]:
        """Arguments that name the merchant accounts it knows."""

    def start(self) -> None:
        command = [sys.executable, str(self.main), "--port", str(self.port), "--ledger", str(self.ledger)]
        command += [*self.accounts(), "--time-scale", "600"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found is not None
        self.url = found[0]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def get(self, path: str, **words: str) -> Any:
        return requests.get(self.url + path, params=words, timeout=10).json()

    def post(self, path: str, body: Any = None) -> requests.Response:
        return requests.post(self.url + path, json=body or {}, timeout=10)

    def fault(self, name: str, *, next: int = 1, **more: Any) -> None:  # noqa: A002  # the word of the control API
        self.post("/_sim/faults", {"name": name, "next": next, **more}).raise_for_status()


@dataclass
class Receiver:
    """Where notifications arrive. `statuses` are answered in turn, then 200."""

    url: str
    came: list[RawNotification] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def wait(self, count: int) -> list[RawNotification]:
        wait_until(lambda: len(self.came) >= count)
        return self.came

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(raw.body) for raw in self.came]


R = TypeVar("R", bound=Receiver)


@contextmanager
def receiving(kind: type[R]) -> Iterator[R]:
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
    made = kind(f"http://127.0.0.1:{server.server_port}/notify")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


class ScriptedHttp:
    """Answers in the order they will be given; keeps what was asked."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **more: Any) -> HttpAnswer:
        self.asked.append((method, url, more))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_until(happened: Callable[[], Any], seconds: float = 10) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = happened()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def answer(status: int, body: Any, **headers: str) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status=status, headers=headers, body=raw)


def request_for(notify_url: str = "http://127.0.0.1:9/notify", **changes: Any) -> PaymentRequest:
    """A payment of 123,45 zł for two items."""
    values: dict[str, Any] = {
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
