"""Documents beside the exports: each PDF under its SHA-256 in `in/documents/`, before the export that names it."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from puma_simulator.faults import Faults
from puma_simulator.files import drop
from puma_simulator.ledger import Ledger

HUGE = 21 * 1024 * 1024


def add_document(ledger: Ledger, *, receivable: str, title: str, issued_on: str, body: bytes) -> str:
    own = f"D-{ledger.gmina}-{ledger.count('document'):06d}"
    sha256 = hashlib.sha256(body).hexdigest()
    ledger.add("documents", id=own, receivable=receivable, title=title, issued_on=issued_on, sha256=sha256, body=body)
    ledger.touch(receivable)
    return own


def deliver(ledger: Ledger, folder: Path, faults: Faults) -> None:
    """Lay what was not laid yet. One with a fault is laid anew, and right, with the next export."""
    for row in ledger.all("SELECT * FROM documents WHERE gmina = :gmina AND delivered = 0 ORDER BY rowid"):
        fault = faults.take_document_fault()
        if fault != "missing_document":
            lay(folder / f"{row['sha256']}.pdf", spoiled(row["body"], fault), faults.delay_documents)
        if fault is None:
            ledger.db.execute(
                "UPDATE documents SET delivered = 1 WHERE gmina = ? AND id = ?", (ledger.gmina, row["id"])
            )


def lay(path: Path, body: bytes, seconds: float) -> None:
    if seconds:
        threading.Timer(seconds, drop, (path, body)).start()
    else:
        drop(path, body)


def spoiled(body: bytes, fault: str | None) -> bytes:
    if fault == "wrong_document":
        return body.replace(b"%%EOF", b"%%EOX")
    if fault == "no_pdf":
        return b"<html><body>404</body></html>"
    if fault == "huge_document":
        return body + b"\n" * HUGE
    return body
