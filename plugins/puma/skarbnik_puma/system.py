"""PUMA as a finance system: which file is read by whom."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO
from urllib.parse import urlsplit

from skarbnik.plugin_api import (
    Acknowledgement,
    Block,
    BookingBatch,
    FileKind,
    FinanceSystem,
    HttpClient,
    Manifest,
    Misconfigured,
    RemoteFiles,
    Row,
)
from skarbnik_puma import acknowledgement, bookings
from skarbnik_puma.head import find_kind, read_head
from skarbnik_puma.remote import PumaFiles
from skarbnik_puma.rows import Walk
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.source import Source


class PumaFinanceSystem(FinanceSystem):
    """PUMA through the files of "PUMA exchange, version 1" (`docs/exchange.md`), from a folder or over HTTP."""

    id = "puma"
    label = "PUMA"
    contract = 1
    settings_type = PumaSettings
    file_pattern = "puma-*.xml"

    def __init__(self, settings: PumaSettings) -> None:
        self.tenant_code = settings.tenant_code
        self.settings = settings

    @classmethod
    def hosts(cls, settings: PumaSettings) -> frozenset[str]:
        return frozenset({urlsplit(settings.address).netloc.lower()} if settings.address else ())

    def open_remote(self, http: HttpClient) -> RemoteFiles | None:
        if not self.settings.address:
            return None
        if not self.settings.token:
            raise Misconfigured("an address without a token: nobody is asked without one")
        return PumaFiles(self.settings.address, self.settings.token, http)

    def classify(self, stream: BinaryIO) -> FileKind:
        return find_kind(Source(stream))

    def read_manifest(self, stream: BinaryIO) -> Manifest:
        return read_head(Source(stream), self.tenant_code)

    def read_rows(self, stream: BinaryIO) -> Iterator[Row]:
        each_read = (each.rows() if isinstance(each, Block) else (each,) for each in self.read_blocks(stream))
        return chain.from_iterable(each_read)

    def read_blocks(self, stream: BinaryIO) -> Iterator[Row | Block]:
        source = Source(stream)
        read_head(source, self.tenant_code)
        return Walk(source).blocks()

    def write_bookings(self, batch: BookingBatch) -> bytes:
        if batch.tenant_code != self.tenant_code:
            raise Misconfigured(f"a batch for {batch.tenant_code} cannot go to the PUMA of {self.tenant_code}")
        return bookings.write(batch)

    def bookings_name(self, batch: BookingBatch) -> str:
        return f"puma-bookings-{batch.number:06d}.xml"

    def read_acknowledgement(self, body: bytes) -> Acknowledgement:
        return acknowledgement.read(body, self.tenant_code)
