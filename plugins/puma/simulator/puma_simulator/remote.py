"""The exchange over HTTP: files for whoever shows the gmina's token, batches from them, and all that can go wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from puma_simulator.office import Office

NUMBER = re.compile(r"puma-export-(\d+)\.xml")
BATCH = re.compile(r"puma-bookings-\d+\.xml")
DRIP = 0.05  # seconds between two bytes


class Remote:
    """One request to the exchange of one gmina."""

    def __init__(self, handler: BaseHTTPRequestHandler, office: Office | None, token: str | None) -> None:
        self.handler = handler
        self.office = office
        self.token = token

    def get(self, parts: list[str]) -> None:
        if self.stopped():
            return None
        if parts == ["files"]:
            return self.offer()
        folder = self.folders().get(parts[0]) if len(parts) == 2 else None
        path = folder / unquote(parts[1]) if folder else None
        if path is None or path.parent != folder or not path.is_file():
            return self.answer(404, b"")
        return self.send(path)

    def folders(self) -> dict[str, Path]:
        return {"files": self.office.folder / "in", "documents": self.office.folder / "in" / "documents"}

    def put(self, parts: list[str]) -> None:
        """A batch: kept and booked before it is answered."""
        body = self.handler.rfile.read(int(self.handler.headers.get("Content-Length") or 0))
        if self.stopped():
            return None
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if len(parts) != 2 or parts[0] != "bookings" or not BATCH.fullmatch(parts[1]):
            return self.answer(404, b"")
        if self.handler.headers.get("Repr-Digest") != f"sha-256=:{digest}:":
            return self.answer(400, b"")
        kept = self.office.folder / "out" / "done" / parts[1]
        if kept.exists() and kept.read_bytes() != body:
            return self.answer(409, b"")
        if "error" in self.office.book_bytes(parts[1], body):
            return self.answer(422, b"")
        known = kept.exists()
        kept.write_bytes(body)
        self.office.served["batches"] += 1
        if self.office.faults.take("lose_answer"):
            return self.hang_up()
        return self.answer(500 if self.office.faults.take("fail_after_booking") else 200 if known else 201, b"")

    def stopped(self) -> bool:
        """Whether it was answered already: nobody's business, or a bad day."""
        known = self.token and self.handler.headers.get("Authorization") == f"Bearer {self.token}"
        if self.office is None or not known or self.office.faults.take("refuse_token"):
            self.answer(401, b"")
        elif self.office.faults.take("fail"):
            self.answer(500, b"")
        elif self.office.faults.take("redirect"):
            self.answer(302, b"", Location="/_sim/faults")
        elif self.office.faults.take("nonsense"):
            self.answer(200, b"<html><body>Przerwa techniczna</body></html>")
        else:
            return False
        return True

    def offer(self) -> None:
        """Exports after a number, and all acknowledgements; in the order they were written."""
        after = int(parse_qs(urlsplit(self.handler.path).query).get("after", ["0"])[0])
        self.office.served["lists"] += 1
        faults = self.office.faults
        files = [described(path) for path in written(self.office.folder / "in", after)]
        if faults.take("huge_list"):
            files = [{"name": f"puma-export-{n:06d}.xml", "size": 1, "sha256": f"{n:064x}"} for n in range(5000)]
        if faults.take("evil_name"):
            files.append({"name": "../../in/puma-export-000009.xml", "size": 1, "sha256": "0" * 64})
        if faults.take("wrong_sha"):
            files = [{**each, "sha256": each["sha256"][::-1]} for each in files]
        self.answer(200, json.dumps(files).encode(), **{"Content-Type": "application/json"})

    def send(self, path: Path) -> None:
        body, faults = path.read_bytes(), self.office.faults
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.handler.headers.get("Range", ""))
        same = self.handler.headers.get("If-Range", etag) == etag
        start = int(asked[1]) if asked and same and not faults.take("ignore_range") else 0
        if start >= len(body):
            return self.answer(416, b"")
        headers = {"ETag": etag, "Content-Type": "application/pdf" if path.suffix == ".pdf" else "application/xml"}
        if start:
            begin = start - min(start, 7) if faults.take("wrong_offset") else start
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
            body = body[begin:]
        if faults.take("damage"):
            body = body[:-9] + bytes([body[-9] ^ 1]) + body[-8:]
        self.office.served["downloads"] += 1
        return self.pour(206 if start else 200, body, headers)

    def pour(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """The body of a download, as far as it comes today."""
        cut, drips = self.office.faults.take_cut(), self.office.faults.take("drip")
        self.head(status, len(body), headers)
        pieces = [bytes([each]) for each in body] if drips else [body[:cut]]
        with suppress(OSError):
            for piece in pieces:
                self.handler.wfile.write(piece)
                self.office.served["bytes"] += len(piece)
                if drips:
                    time.sleep(DRIP)
        if cut is not None:
            self.hang_up()

    def hang_up(self) -> None:
        self.handler.close_connection = True
        with suppress(OSError):
            self.handler.wfile.flush()
            self.handler.connection.shutdown(socket.SHUT_RDWR)

    def head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.handler.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.head(status, len(body), headers)
        self.handler.wfile.write(body)


def written(folder: Path, after: int) -> list[Path]:
    def is_wanted(path: Path) -> bool:
        number = NUMBER.fullmatch(path.name)
        return number is None or int(number[1]) > after

    return sorted(filter(is_wanted, folder.glob("*.xml")), key=lambda path: (path.stat().st_mtime_ns, path.name))


def described(path: Path) -> dict[str, object]:
    body = path.read_bytes()
    return {"name": path.name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
