"""Books a batch line by line and writes the answer."""

from __future__ import annotations

from datetime import datetime

from puma_simulator.bookings import Batch
from puma_simulator.faults import Faults
from puma_simulator.ledger import Ledger
from puma_simulator.posting import Misfit, place
from puma_simulator.xml import attributes, element

NAMESPACE = "urn:skarbnik:exchange:acknowledgement:1"
SYSTEM = "PUMA-symulator 1.0"


def book(ledger: Ledger, batch: Batch, faults: Faults, *, moment: datetime) -> bytes:
    """The acknowledgement of a batch; the same batch gets the same bytes again."""
    before = ledger.one("SELECT * FROM batches WHERE gmina = :gmina AND number = :number", number=batch.number)
    if before is not None and before["sha256"] == batch.sha256:
        return before["answer"]
    if before is not None:
        return answer(batch, [refused(line, "Paczka o tym numerze miała inną treść") for line in batch.lines], moment)
    lines = [book_line(ledger, batch, line, faults, moment) for line in batch.lines]
    body = answer(batch, lines, moment)
    ledger.add("batches", number=batch.number, sha256=batch.sha256, answer=body)
    return body


def book_line(ledger: Ledger, batch: Batch, line, faults: Faults, moment: datetime) -> str:
    if not batch.totals_right:
        return refused(line, "Suma lub liczba pozycji paczki jest błędna")
    if faults.refuses():
        return refused(line, "Odmowa na próbę (ustawienie symulatora)")
    try:
        reference = place(ledger, line, booked=moment.date())
    except Misfit as misfit:
        return refused(line, str(misfit))
    return element("booked", booking=line.booking, reference=reference, on=moment.date())


def refused(line, reason: str) -> str:
    return element("refused", booking=line.booking, reason=reason)


def answer(batch: Batch, lines: list[str], moment: datetime) -> bytes:
    head = attributes(
        batch=batch.number,
        tenant=batch.tenant,
        sha256=batch.sha256,
        created=moment.isoformat(timespec="seconds"),
        system=SYSTEM,
        format="1",
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<acknowledgement xmlns="{NAMESPACE}"{head}>\n'
    return (text + "".join(lines) + "</acknowledgement>\n").encode()
