"""A real mail server for each test, which can be told how to misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from skarbnik.plugin_api import MailMessage


@dataclass
class MailServer:
    """Answers as told; keeps what it took."""

    taken: list[Envelope] = field(default_factory=list)
    to_recipient: str = "250 OK"
    to_sender: str = "250 OK"
    to_message: str = "250 OK"
    silent_after_data: bool = False
    hangs_up_after_data: bool = False
    port: int = 0

    async def handle_MAIL(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802  # aiosmtpd's word
        envelope.mail_from = address
        return self.to_sender

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802  # aiosmtpd's word
        envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's word
        if self.silent_after_data:
            await asyncio.sleep(30)
        if self.hangs_up_after_data:
            server.transport.abort()
        if self.to_message.startswith("250"):
            self.taken.append(envelope)
        return self.to_message


def signs_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"gmina", b"secret")
    return AuthResult(success=good, handled=False)


@pytest.fixture
def start() -> Iterator[Callable[..., MailServer]]:
    """Start a mail server, with options of aiosmtpd; it wants its port chosen beforehand."""
    running: list[Controller] = []

    def begin(*, tls: ssl.SSLContext | None = None, signed_in: bool = False, **options: Any) -> MailServer:
        if signed_in:
            options |= {"authenticator": signs_in, "auth_required": True, "auth_require_tls": False}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = MailServer(port=free.getsockname()[1])
        controller = Controller(server, hostname="127.0.0.1", port=server.port, ssl_context=tls, **options)
        controller.start()
        running.append(controller)
        return server

    yield begin
    for controller in running:
        controller.stop()


@pytest.fixture
def message() -> MailMessage:
    return MailMessage(
        message_id="018f3c1e-aaaa@lipowo.example",
        recipient="jan@example.pl",
        sender="urzad@lipowo.example",
        sender_name="Gmina Żółwin",
        subject="Potwierdzenie wpłaty: 1 234,56 zł",
        text="Dzień dobry,\n.kropka na początku\nzażółć gęślą jaźń\n",
        html="<p>Dzień dobry</p>",
    )
