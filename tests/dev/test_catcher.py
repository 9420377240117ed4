from __future__ import annotations

import json
import os
import smtplib
import sys
import urllib.request
from email.message import EmailMessage

import pytest

from skarbnik.dev.ports import random_port
from skarbnik.dev.processes import Program
from skarbnik.dev.programs import answers


@pytest.fixture
def catcher(supervisor, state):
    """Ports of a running mail catcher: SMTP, then pages."""
    smtp, http = random_port(), random_port()
    ports = ("--smtp-port", str(smtp), "--http-port", str(http))
    command = (sys.executable, "-m", "skarbnik.dev.catcher", *ports, "--store", str(state.folder / "mail"))
    supervisor.start(Program("mail", command, os.environ, ready=lambda: answers(f"http://127.0.0.1:{http}")))
    return smtp, http


def send(port: int, to: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "urzad@lipowo.example", to, "Aktywacja konta <b>"
    message.set_content("Kliknij: http://lipowo.localhost:8000/activate/abc\n<script>zażółć</script>")
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.send_message(message)


def read(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.read().decode()


def test_caught_mail_is_told_to_programs_by_recipient(catcher):
    smtp, http = catcher
    send(smtp, "jan@example.pl")
    send(smtp, "anna@example.pl")

    [message] = json.loads(read(http, "/_sim/messages?to=Jan@example.pl"))

    assert message["to"] == ["jan@example.pl"]
    assert message["subject"] == "Aktywacja konta <b>"
    assert "zażółć" in message["text"]
    assert len(json.loads(read(http, "/_sim/messages"))) == 2


def test_caught_mail_is_shown_and_does_nothing(catcher):
    smtp, http = catcher
    send(smtp, "jan@example.pl")
    [message] = json.loads(read(http, "/_sim/messages"))

    page = read(http, f"/messages/{message['id']}")

    assert "Aktywacja konta &lt;b&gt;" in read(http, "/")
    assert '<a href="http://lipowo.localhost:8000/activate/abc">' in page
    assert "<script>" not in page


def test_caught_mail_can_be_forgotten(catcher):
    smtp, http = catcher
    send(smtp, "jan@example.pl")

    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{http}/_sim/messages", method="DELETE")).close()

    assert json.loads(read(http, "/_sim/messages")) == []
