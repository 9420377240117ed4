"""A spreadsheet as a finance system: which file is read by whom."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from skarbnik.plugin_api import (
    Acknowledgement,
    BookingBatch,
    FileKind,
    FinanceSystem,
    HttpClient,
    ImportKind,
    Manifest,
    Misconfigured,
    RemoteFiles,
    Row,
    Totals,
)
from skarbnik_csv import acknowledgement, bookings
from skarbnik_csv.head import Sheet
from skarbnik_csv.lines import Lines
from skarbnik_csv.problems import Problems
from skarbnik_csv.rows import Walk
from skarbnik_csv.settings import CsvSettings
from skarbnik_csv.shapes import PAYMENTS, RECEIVABLES, Shape


class CsvFinanceSystem(FinanceSystem):
    """Whoever keeps receivables in a spreadsheet, through the files of `README.md`."""

    id = "csv"
    label = "Arkusz (CSV)"
    contract = 1
    settings_type = CsvSettings
    file_pattern = "*.[cC][sS][vV]"

    def __init__(self, settings: CsvSettings) -> None:
        self.tenant_code = settings.tenant_code

    @classmethod
    def hosts(cls, settings: CsvSettings) -> frozenset[str]:
        return frozenset()

    def open_remote(self, http: HttpClient) -> RemoteFiles | None:
        return None

    def classify(self, stream: BinaryIO) -> FileKind:
        return open_sheet(stream).shape.kind

    def read_manifest(self, stream: BinaryIO) -> Manifest:
        said = self.open(stream, RECEIVABLES).said
        return Manifest(
            number=said["numer"],
            kind=ImportKind.FULL,
            tenant_code=said["gmina"],
            as_of=said["stan na"],
            totals=Totals(principal=said["należność główna"], interest=said.get("odsetki"), costs=said.get("koszty")),
            batches_included=said["paczki"],
        )

    def read_rows(self, stream: BinaryIO) -> Iterator[Row]:
        return Walk(self.open(stream, RECEIVABLES)).rows()

    def write_bookings(self, batch: BookingBatch) -> bytes:
        if batch.tenant_code != self.tenant_code:
            raise Misconfigured(f"a batch for {batch.tenant_code} cannot go to the spreadsheet of {self.tenant_code}")
        return bookings.write(batch)

    def bookings_name(self, batch: BookingBatch) -> str:
        return f"wplaty-{batch.number:06d}.csv"

    def read_acknowledgement(self, body: bytes) -> Acknowledgement:
        return acknowledgement.read(self.open(BytesIO(body), PAYMENTS))

    def open(self, stream: BinaryIO, shape: Shape) -> Sheet:
        """A file of that sort and for this gmina; anything else is refused."""
        sheet = open_sheet(stream)
        if sheet.shape is not shape:
            raise sheet.problems.stop(None, "not_ours", f"To nie jest plik „#plik;{shape.word}”.")
        if sheet.said["gmina"] != self.tenant_code:
            raise sheet.problems.stop(None, "other_tenant", f"Plik nie jest dla gminy o kodzie {self.tenant_code}.")
        return sheet


def open_sheet(stream: BinaryIO) -> Sheet:
    return Sheet(Lines(stream, Problems()))
