"""A mail catcher: a real SMTP server that delivers nothing, and a page that shows what it got.

`python -m skarbnik.dev.catcher --smtp-port N --http-port N --store DIR`; `/_sim/messages?to=` answers with JSON.
"""

from __future__ import annotations

import argparse
import email.policy
import json
import re
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from aiosmtpd.controller import Controller

LAYOUT = """<!doctype html><html lang="pl"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
table{{width:100%;border-collapse:collapse}}th,td{{text-align:left;padding:.4rem;border-bottom:1px solid #999}}
pre{{white-space:pre-wrap;font:inherit}}</style></head><body><h1>{title}</h1>{body}</body></html>"""
LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Caught:
    """One e-mail as it arrived."""

    id: str
    received_at: str
    sender: str
    to: tuple[str, ...]
    subject: str
    message_id: str
    headers: dict[str, str]
    text: str
    html: str | None


class Store:
    """A folder of messages, one file each, named so that they sort by time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def keep(self, sender: str, recipients: list[str], body: bytes) -> Caught:
        message: EmailMessage = BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(body)
        now = datetime.now(UTC)
        caught = Caught(
            id=f"{now:%Y%m%d%H%M%S%f}-{uuid4().hex[:8]}",
            received_at=now.isoformat(),
            sender=sender,
            to=tuple(recipients),
            subject=str(message["Subject"] or ""),
            message_id=str(message["Message-ID"] or ""),
            headers={name: str(value) for name, value in message.items()},
            text=content(message, "plain") or "",
            html=content(message, "html"),
        )
        with self.lock:
            fresh = self.folder / f".{caught.id}"
            fresh.write_text(json.dumps(asdict(caught), ensure_ascii=False), encoding="utf-8")
            fresh.replace(self.folder / f"{caught.id}.json")
        return caught

    def list_messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """The oldest first, for one recipient or for all."""
        paths = sorted(self.folder.glob("[0-9]*.json"))
        messages = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        return [m for m in messages if to is None or to.lower() in {address.lower() for address in m["to"]}]

    def clear(self) -> None:
        for path in self.folder.glob("[0-9]*.json"):
            path.unlink(missing_ok=True)


def content(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content())


class Inbox:
    """What aiosmtpd calls for each message."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's word
        self.store.keep(envelope.mail_from, list(envelope.rcpt_tos), envelope.content)
        return "250 OK"


class Pages(BaseHTTPRequestHandler):
    """`/` lists, `/messages/<id>` shows one, `/_sim/messages` is for programs (DELETE forgets them all)."""

    store: Store

    def do_GET(self) -> None:  # http.server's word
        place = urlsplit(self.path)
        if place.path == "/":
            return self._page("Skrzynka demo", self._table(self.store.list_messages()))
        if place.path == "/_sim/messages":
            to = parse_qs(place.query).get("to", [None])[0]
            return self._answer(200, "application/json", json.dumps(self.store.list_messages(to)))
        for message in self.store.list_messages():
            if place.path == f"/messages/{message['id']}":
                return self._page(message["subject"], self._message(message))
        return self._answer(404, "text/plain", "not found")

    def do_DELETE(self) -> None:  # http.server's word
        if self.path != "/_sim/messages":
            return self._answer(404, "text/plain", "not found")
        self.store.clear()
        return self._answer(200, "application/json", "[]")

    def _table(self, messages: list[dict[str, Any]]) -> str:
        rows = "".join(
            f"<tr><td>{escape(m['received_at'][:19])}</td><td>{escape(', '.join(m['to']))}</td>"
            f'<td><a href="/messages/{m["id"]}">{escape(m["subject"]) or "(bez tematu)"}</a></td></tr>'
            for m in reversed(messages)
        )
        head = "<tr><th>Kiedy (UTC)</th><th>Do</th><th>Temat</th></tr>"
        return f"<table>{head}{rows}</table>" if rows else "<p>Nie przyszła jeszcze żadna wiadomość.</p>"

    def _message(self, message: dict[str, Any]) -> str:
        headers = "".join(f"<li>{escape(k)}: {escape(v)}</li>" for k, v in message["headers"].items())
        text = LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(message["text"]))
        return f'<p><a href="/">Wszystkie wiadomości</a></p><ul>{headers}</ul><pre>{text}</pre>'

    def _page(self, title: str, body: str) -> None:
        self._answer(200, "text/html", LAYOUT.format(title=escape(title), body=body))

    def _answer(self, status: int, kind: str, body: str) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's word
        """Say nothing: addresses and subjects are nobody's business in a log."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="catcher", description="Catches the demo's e-mail and shows it.")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True)
    options = parser.parse_args()
    store = Store(options.store)
    Controller(Inbox(store), hostname="127.0.0.1", port=options.smtp_port).start()
    pages = type("CatcherPages", (Pages,), {"store": store})
    ThreadingHTTPServer(("127.0.0.1", options.http_port), pages).serve_forever()


if __name__ == "__main__":
    main()
