"""The HTTP side of the simulator: a page for people, a control API for rehearsals, and the watch over `out/`."""

from __future__ import annotations

import json
import threading
import time
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from puma_simulator import money
from puma_simulator.faults import Faults
from puma_simulator.office import Office
from puma_simulator.page import gmina_page, start_page
from puma_simulator.remote import Remote
from puma_simulator.summary import summarise

LOOK_EVERY = 0.3


class Town:
    """All gminas of one simulator."""

    def __init__(self, offices: list[Office], faults: Faults, every: float, tokens: dict[str, str]) -> None:
        self.offices = {office.code: office for office in offices}
        self.faults = faults
        self.every = every
        self.tokens = tokens  # of the gminas whose files are offered over HTTP

    def watch(self) -> None:
        """Book what arrives; export a moment later, and every so often when something changed."""
        regular = time.monotonic() + self.every
        while True:
            regular_now = bool(self.every) and time.monotonic() >= regular
            if regular_now:
                regular = time.monotonic() + self.every
            for office in self.offices.values():
                office.book_waiting()
                if regular_now or (office.export_at is not None and time.monotonic() >= office.export_at):
                    office.export_changes()
            time.sleep(LOOK_EVERY)


class Handler(BaseHTTPRequestHandler):
    town: Town

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/":
            return self.page(start_page(self.town.offices.values(), self.town.faults))
        if path == "/_sim/faults":
            return self.json(self.town.faults.shown())
        parts = path.strip("/").split("/")
        if parts[0] == "_sim" and len(parts) == 3 and parts[1] in self.town.offices:
            if parts[2] == "ledger":
                return self.json(summarise(self.town.offices[parts[1]]))
            if parts[2] == "served":
                return self.json(self.town.offices[parts[1]].served)
        if parts[1:2] == ["exchange"]:
            return self.remote(parts).get(parts[2:])
        if len(parts) == 1 and parts[0] in self.town.offices:
            return self.page(gmina_page(self.town.offices[parts[0]]))
        return self.json({"error": "nothing here"}, HTTPStatus.NOT_FOUND)

    def do_PUT(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        self.remote(parts).put(parts[2:])

    def remote(self, parts: list[str]) -> Remote:
        return Remote(self, self.town.offices.get(parts[0]), self.town.tokens.get(parts[0]))

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        parts = address.path.strip("/").split("/")
        try:
            values = query | self.sent()
            if parts == ["_sim", "faults"]:
                if values.pop("reset", False):
                    self.town.faults.set(Faults().shown())
                self.town.faults.set(values)
                return self.done(self.town.faults.shown())
            if len(parts) != 3 or parts[0] != "_sim" or parts[1] not in self.town.offices:
                return self.json({"error": "nothing here"}, HTTPStatus.NOT_FOUND)
            return self.done(act(self.town.offices[parts[1]], parts[2], values))
        except (KeyError, ValueError, TypeError) as error:
            return self.json({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)

    def sent(self) -> dict[str, object]:
        """The body: JSON, or a form of the page."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not body:
            return {}
        if "json" in self.headers.get("Content-Type", ""):
            values = json.loads(body)
            if not isinstance(values, dict):
                raise ValueError("a JSON object is expected")
            return values
        return {name: values[-1] for name, values in parse_qs(body.decode()).items()}

    def done(self, answer: dict[str, object]) -> None:
        """JSON for programs; a form of the page goes back to the page."""
        if "text/html" not in self.headers.get("Accept", ""):
            return self.json(answer)
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", self.headers.get("Referer") or "/")
        self.end_headers()
        return None

    def json(self, answer: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.answer(json.dumps(answer, ensure_ascii=False).encode(), "application/json", status)

    def page(self, text: str) -> None:
        self.answer(text.encode(), "text/html; charset=utf-8", HTTPStatus.OK)

    def answer(self, body: bytes, kind: str, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: the page and the ledger say what happened."""


def act(office: Office, action: str, values: dict) -> dict[str, object]:
    if action == "export":
        kind = values.get("kind", "incremental")
        if kind not in ("full", "incremental"):
            raise ValueError("kind is full or incremental")
        return office.export(kind)
    if action == "book":
        return {"booked": office.book_waiting()}
    if action == "charge":
        receivable = office.charge(
            payer=values["payer"],
            kind=values["kind"],
            title=values["title"],
            due=date.fromisoformat(values["due"]),
            grosze=money.read(values["amount"]),
        )
        return {"receivable": receivable, "instalment": f"{receivable}-1"}
    if action == "pay":
        amount = money.read(values["amount"])
        document = office.cash_desk(instalment=values["instalment"], grosze=amount, payer=values.get("payer"))
        return {"document": document}
    raise ValueError(f"there is no action {action}")


def serve(town: Town, port: int) -> None:
    handler = type("TownHandler", (Handler,), {"town": town})
    threading.Thread(target=town.watch, daemon=True).start()
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"PUMA simulator on http://127.0.0.1:{server.server_address[1]}/", flush=True)
        server.serve_forever()
