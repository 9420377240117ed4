"""A PUMA that offers its files over HTTP: the simulator as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

SIMULATOR = Path(__file__).parents[2] / "plugins" / "puma" / "simulator" / "main.py"
CODE = "PL-LIPOWO"
TOKEN = "t0ken-of-lipowo-that-no-log-may-show"


class Puma:
    """One gmina's PUMA with the whole cast in its books."""

    def __init__(self, folder: Path) -> None:
        ledger = ("--ledger", str(folder / "books.sqlite"))
        seed = ("--gmina", CODE, "--name", "Gmina Lipowo", "--payers", "12", "--today", "2026-11-23")
        subprocess.run([sys.executable, str(SIMULATOR), "seed", *ledger, *seed], check=True, capture_output=True)
        self.folder = folder / CODE
        self.serve()

    def serve(self) -> None:
        """Begin to serve, at a free port."""
        ledger = ("--ledger", str(self.folder.parent / "books.sqlite"))
        given = ("--port", "0", "--gmina", f"{CODE}={self.folder}", "--token", f"{CODE}={TOKEN}")
        self.process = subprocess.Popen(
            [sys.executable, str(SIMULATOR), "serve", *ledger, *given], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.root = self.process.stdout.readline().split()[-1]
        self.address = f"{self.root}{CODE}/exchange"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def post(self, path: str, **values: object) -> Any:
        body = json.dumps(values).encode()
        request = urllib.request.Request(f"{self.root}_sim/{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def see(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.root}_sim/{CODE}/{what}", timeout=20) as answer:
            return json.load(answer)

    def faulty(self, **faults: int) -> None:
        self.post("faults", **faults)

    def export(self, kind: str = "full") -> bytes:
        """The bytes of its next file, which it offers from now on."""
        written: bytes = (self.folder / "in" / self.post(f"{CODE}/export", kind=kind)["file"]).read_bytes()
        return written

    def served(self) -> dict[str, int]:
        seen: dict[str, int] = self.see("served")
        return seen
