"""The daily work of one gmina's PUMA: take batches from `out/`, answer and export into `in/`."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from puma_simulator import acknowledging, documents, exporting
from puma_simulator.bookings import BadBatch, read_batch
from puma_simulator.faults import Faults
from puma_simulator.files import drop
from puma_simulator.ledger import Ledger, Parts
from puma_simulator.posting import pay

AFTER_BOOKING = 1.0  # seconds
WARSAW = ZoneInfo("Europe/Warsaw")


class Office:
    """One gmina, its books and its two folders."""

    def __init__(self, ledger: Ledger, folder: Path, faults: Faults, lock: threading.RLock) -> None:
        self.ledger = ledger
        self.folder = folder
        self.faults = faults
        self.lock = lock
        self.export_at: float | None = None  # a booking wants an export a moment later
        self.damaged: list[str] = []  # SHA-256 of exports that nobody may take
        self.served = {"lists": 0, "downloads": 0, "bytes": 0, "batches": 0}  # over HTTP
        for name in ("in", "in/documents", "out", "out/done"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def code(self) -> str:
        return self.ledger.gmina

    def export(self, kind: str) -> dict[str, object]:
        """Write the next export. One with a fault uses no number up and leaves the changes for the next."""
        moment = now()
        with self.lock, self.ledger.db:
            fault = self.faults.take_export_fault()
            number = self.ledger.one("SELECT next_export FROM gminas WHERE code = :gmina")["next_export"]
            full = kind == "full"
            echo = not self.faults.take("drop_echo")
            export = exporting.collect(self.ledger, full=full, moment=moment, echo=echo)
            shown = number + {"duplicate_number": -1, "skip_number": 1}.get(fault or "", 0)
            if fault == "wrong_totals":
                export.totals["principal"] += 1
            text = export.document(number=max(shown, 1), kind=kind, tenant=self.code, moment=moment)
            if fault is None:
                exporting.mark_exported(self.ledger)
                self.ledger.db.execute("UPDATE gminas SET next_export = next_export + 1 WHERE code = ?", (self.code,))
            name = f"puma-export-{max(shown, 1):06d}.xml"
            documents.deliver(self.ledger, self.folder / "in" / "documents", self.faults)
            body = damaged(text, fault)
            if fault not in {None, "skip_number", "duplicate_number"}:  # what these say is true, and may be taken
                self.damaged.append(hashlib.sha256(body).hexdigest())
            drop(self.folder / "in" / name, body)
            self.export_at = None
        return {"file": name, "number": max(shown, 1), "kind": kind, "fault": fault}

    def export_changes(self) -> None:
        """The next incremental export, unless nothing changed."""
        with self.lock:
            self.export_at = None
            if exporting.has_changes(self.ledger):
                self.export("incremental")

    def book_waiting(self) -> list[dict[str, object]]:
        """Book every batch that lies in `out/`."""
        return [self.book(path) for path in sorted((self.folder / "out").glob("puma-bookings-*.xml"))]

    def book(self, path: Path) -> dict[str, object]:
        answer = self.book_bytes(path.name, path.read_bytes())
        path.replace(self.folder / "out" / "done" / (f"{path.name}.bad" if "error" in answer else path.name))
        return answer

    def book_bytes(self, name: str, body: bytes) -> dict[str, object]:
        try:
            batch = read_batch(body)
            if batch.tenant != self.code:
                raise BadBatch(f"a batch of {batch.tenant}")
        except BadBatch as error:
            return {"file": name, "error": str(error)}
        with self.lock, self.ledger.db:
            answer = acknowledging.book(self.ledger, batch, self.faults, moment=now())
            self.export_at = time.monotonic() + AFTER_BOOKING
        self.acknowledge(batch.number, answer)
        return {"file": name, "batch": batch.number, "lines": len(batch.lines)}

    def acknowledge(self, number: int, answer: bytes) -> None:
        if self.faults.never_ack:
            return
        names = [f"puma-ack-{number:06d}.xml"]
        if self.faults.double_ack:
            names.append(f"puma-ack-{number:06d}-2.xml")
        for name in names:
            if self.faults.delay_ack:
                threading.Timer(self.faults.delay_ack, drop, (self.folder / "in" / name, answer)).start()
            else:
                drop(self.folder / "in" / name, answer)

    def cash_desk(self, *, instalment: str, grosze: int, payer: str | None) -> str:
        """Somebody pays at the cash desk (kasa): costs and interest first, the rest is principal."""
        with self.lock, self.ledger.db:
            row = self.ledger.one("SELECT * FROM instalments WHERE gmina = :gmina AND id = :id", id=instalment)
            if row is None or grosze <= 0:
                raise ValueError("unknown instalment, or not a positive amount")
            payer = (
                payer
                or self.ledger.one(
                    "SELECT payer FROM liabilities WHERE gmina = :gmina AND receivable = :id", id=row["receivable"]
                )["payer"]
            )
            balance = self.ledger.balance(instalment)
            costs = min(grosze, max(balance.costs, 0))
            day = now().date()
            parts = Parts(principal=grosze - costs, costs=costs)
            return pay(self.ledger, row, payer=payer, parts=parts, happened=day, booked=day, series="KP")

    def charge(self, *, payer: str, kind: str, title: str, due: date, grosze: int) -> str:
        """A new receivable of one instalment."""
        with self.lock, self.ledger.db:
            for table, column, value in (("payers", "id", payer), ("kinds", "code", kind)):
                if self.ledger.one(f"SELECT 1 FROM {table} WHERE gmina = :gmina AND {column} = :v", v=value) is None:
                    raise ValueError(f"there is no {value}")
            if grosze <= 0 or not title.strip():
                raise ValueError("a title and a positive amount are needed")
            own = f"N-{self.code}-X{self.ledger.count('charged by hand'):05d}"
            self.ledger.add("receivables", id=own, kind=kind, title=title.strip()[:200])
            self.ledger.add("liabilities", receivable=own, payer=payer, role="owner", part=1, whole=1)
            add_instalment(self.ledger, own, number=1, due=due, grosze=grosze, charged_on=now().date())
            return own


def add_instalment(ledger: Ledger, receivable: str, *, number: int, due: date, grosze: int, charged_on: date) -> str:
    own = f"{receivable}-{number}"
    ledger.add(
        "instalments",
        id=own,
        receivable=receivable,
        number=number,
        due_on=due.isoformat(),
        charged=grosze,
        accrued_until=due.isoformat(),
    )
    document = ledger.document("PK", charged_on)
    ledger.post(
        receivable=receivable,
        instalment=own,
        kind="charge",
        happened=charged_on,
        booked=charged_on,
        document=document,
        parts=Parts(principal=grosze),
    )
    return own


def now() -> datetime:
    return datetime.now(WARSAW)


def damaged(text: str, fault: str | None) -> bytes:
    if fault == "truncate_export":
        return text.encode()[: len(text) * 2 // 3]
    if fault == "wrong_encoding":
        return text.replace("UTF-8", "ISO-8859-2", 1).encode("iso-8859-2", errors="replace")
    if fault == "dtd":
        return text.replace("<export ", '<!DOCTYPE export [<!ENTITY gmina "x">]>\n<export ', 1).encode()
    return text.encode()
