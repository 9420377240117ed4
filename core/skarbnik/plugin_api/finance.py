"""The contract of a finance system: it turns its files into rows, and our bookings into its files.

The core moves files (folder, upload, HTTP), keeps them, stages the rows, compares totals and merges. A plugin only
reads and writes the format, and knows where files are asked for. Rows are named tuples because a file has millions of
them. Amounts inside rows are whole grosze (int), days are `date`, texts are stripped and free of control characters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, BinaryIO, ClassVar, NamedTuple
from uuid import UUID

from skarbnik.http import HttpClient
from skarbnik.money import Amounts

LARGEST_DOCUMENT = 20 * 1024 * 1024  # bytes of one PDF


class FileKind(StrEnum):
    IMPORT = "import"
    ACKNOWLEDGEMENT = "acknowledgement"


class ImportKind(StrEnum):
    FULL = "full"  # everything there is; what is missing was closed
    INCREMENTAL = "incremental"  # what changed since the file before


class PayerKind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class Regime(StrEnum):
    """Which law a kind of receivable follows for interest."""

    TAX = "tax"  # Ordynacja podatkowa
    CIVIL = "civil"  # Kodeks cywilny
    NONE = "none"  # no interest


class LiabilityRole(StrEnum):
    """Why a payer is liable."""

    OWNER = "owner"
    CO_OWNER = "co_owner"  # jointly liable for all of it
    USER = "user"  # lessee, perpetual usufructuary, possessor
    GUARANTOR = "guarantor"


class OperationKind(StrEnum):
    """What the finance system booked (operacja księgowa)."""

    CHARGE = "charge"  # przypis
    DECREASE = "decrease"  # odpis
    PAYMENT = "payment"  # wpłata
    REFUND = "refund"  # zwrot
    REBOOKING = "rebooking"  # przeksięgowanie; both legs name each other and net to zero
    REMISSION = "remission"  # umorzenie
    DEFERRAL = "deferral"  # odroczenie, rozłożenie na raty


@dataclass(frozen=True)
class Totals:
    """Control totals: how many rows of each kind, and the sums in grosze. None is what the file does not say.

    They are what somebody else counted. A plugin never counts them itself: a sum compared with itself proves nothing.
    """

    payers: int | None = None
    kinds: int | None = None
    receivables: int | None = None
    liabilities: int | None = None
    instalments: int | None = None
    operations: int | None = None
    overpayments: int | None = None
    principal: int | None = None  # of instalments left to pay, grosze
    interest: int | None = None
    costs: int | None = None
    operations_amount: int | None = None  # of all operations, principal + interest + costs, signed
    overpayments_amount: int | None = None
    documents: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a file says of itself, before its rows."""

    number: int  # 1, 2, 3 … for each source, without a gap
    kind: ImportKind
    tenant_code: str  # the code by which the finance system knows the gmina
    as_of: datetime  # the moment the data and the interest are right for
    totals: Totals
    batches_included: int | None = None  # balances hold what was booked of batches up to it; else operations echo each
    created_at: datetime | None = None
    system: str | None = None  # name and version of the program that wrote it
    format_version: str | None = None


class PayerRow(NamedTuple):
    """A person or company that owes something (kontrahent)."""

    line: int
    external_id: str  # ≤ 64
    kind: PayerKind
    name: str  # ≤ 200; of a person: surname and given names
    pesel: str | None  # checked
    nip: str | None  # checked
    regon: str | None  # checked
    street: str | None  # street, house and flat ≤ 120
    postal_code: str | None  # 00-000
    city: str | None  # ≤ 80
    email: str | None
    phone: str | None
    merged_into: str | None  # external id of the payer this one became part of


class KindRow(NamedTuple):
    """A kind of receivable (rodzaj należności)."""

    line: int
    code: str  # ≤ 32
    title: str  # ≤ 120
    regime: Regime
    account: str | None  # default bank account, NRB of 26 digits


class ReceivableRow(NamedTuple):
    """One debt: a tax for a year, a lease, a permit, the cost of a reminder (then with a parent)."""

    line: int
    external_id: str
    kind: str  # code
    parent: str | None  # external id of the receivable whose reminder or summons this cost belongs to
    title: str  # ≤ 200
    number: str | None  # of the decision or contract, ≤ 80
    period_from: date | None
    period_until: date | None
    basis: str | None  # objects, area, rate as the finance system words them, ≤ 500
    account: str | None  # its own (virtual) bank account, NRB
    closed: bool
    payment_code: str | None = None  # printed on the decision: 8 to 32 of 0-9 and A-Z, of this receivable alone


class LiabilityRow(NamedTuple):
    """Who is liable for a receivable, why, for which share and when."""

    line: int
    receivable: str
    payer: str
    role: LiabilityRole
    share_part: int
    share_whole: int
    from_on: date | None
    until_on: date | None


class InstalmentRow(NamedTuple):
    """A part of a receivable with its own due date (rata) and what is left of it."""

    line: int
    external_id: str
    receivable: str
    number: int
    due_on: date
    charged: int  # principal as first assessed
    principal: int  # left to pay
    interest: int  # left to pay, as of the manifest's moment
    costs: int  # left to pay
    closed: bool


class OperationRow(NamedTuple):
    """An accounting operation, signed: what raises the debt is positive, what lowers it negative."""

    line: int
    external_id: str
    receivable: str
    instalment: str | None
    kind: OperationKind
    booked_on: date
    happened_on: date
    document: str  # numer dowodu ≤ 64
    principal: int
    interest: int
    costs: int
    counterpart: str | None  # external id of the other leg of a re-booking
    booking_id: UUID | None  # the echo of our booking, when this operation is one


class OverpaymentRow(NamedTuple):
    """Money of a payer that pays for nothing yet (nadpłata)."""

    line: int
    external_id: str
    payer: str
    receivable: str | None
    amount: int  # positive
    arose_on: date
    closed: bool


class DocumentRow(NamedTuple):
    """A decision, contract or reminder to read as PDF. Its bytes come beside the file, under their SHA-256."""

    line: int
    external_id: str
    receivable: str
    title: str  # ≤ 160
    issued_on: date
    sha256: str  # 64 digits, lower case
    size: int  # bytes, at most `LARGEST_DOCUMENT`


Row = PayerRow | KindRow | ReceivableRow | LiabilityRow | InstalmentRow | OperationRow | OverpaymentRow | DocumentRow


class Block(ABC):
    """A receivable and all that stands in it, not looked at yet: most of a full file says what the one before said.

    It is looked at before the next is asked for, or never.
    """

    line: int
    external_id: str

    @abstractmethod
    def content(self) -> bytes:
        """What all its rows follow from: the same bytes are the same rows, but for the lines they stand in."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """The receivable, then all its parts: liabilities, instalments, operations, documents, and no other rows.

        Nothing when the receivable cannot be used.
        """


@dataclass(frozen=True)
class BookingItem:
    """One amount that came for one instalment and must be booked by the finance system.

    Amounts below zero went back to the payer (zwrot) and raise the debt again: of money that is in the books, in this
    very batch or in an earlier one. It is a booking of its own, with an id, an answer and an echo of its own.
    """

    booking_id: UUID
    receivable: str  # external id
    instalment: str  # external id
    payer: str  # external id of the liable payer
    amounts: Amounts
    account: str  # NRB the gateway pays out to
    paid_at: datetime  # the gateway's confirmation: the day that counts (art. 60 Ordynacji podatkowej); or the refund's
    gateway: str
    gateway_id: str  # of the payment, also where it went back
    order_number: str


@dataclass(frozen=True)
class BookingBatch:
    """Bookings handed over together. Immutable: the same number is the same bytes each time."""

    number: int  # 1, 2, 3 … for each source
    tenant_code: str
    created_at: datetime
    items: tuple[BookingItem, ...]


@dataclass(frozen=True)
class AcknowledgedLine:
    """What the finance system made of one booking: its reference (numer dowodu), or why not."""

    booking_id: UUID
    reference: str | None
    booked_on: date | None
    refusal: str | None  # ≤ 200; None when it was booked


@dataclass(frozen=True)
class Acknowledgement:
    """The finance system's answer to a batch.

    `sha256` is of the batch's bytes as it received them. None when nobody there can compute it: then the plugin has to
    make sure by its own means that each line answers the booking it was written for.
    """

    batch_number: int
    tenant_code: str
    sha256: str | None
    lines: tuple[AcknowledgedLine, ...]


@dataclass(frozen=True)
class RemoteFile:
    """A file that a finance system offers: an import, or the answer to a batch."""

    name: str  # ≤ 120 bytes, no path
    size: int  # bytes
    sha256: str  # of the whole file, 64 hexadecimal digits


class RemoteFiles(ABC):
    """Where a finance system offers its files over HTTP and takes ours. Safe to share between threads.

    All methods raise `Misconfigured` when the token is not taken, `Nonsense` when the answer cannot be what it should
    be, `Refused` when the system says no, and any other `ExternalSystemError` when it does not answer well now.
    The core decides when to ask, keeps partial files, and checks sizes and sums: a plugin only talks.
    """

    offers_documents: ClassVar[bool] = False  # PDFs that exports name are to be had there too

    @abstractmethod
    def list_files(self, after: int) -> list[RemoteFile]:
        """What there is to fetch, in the order it is to be read; at most 1,000 files.

        `after` is the number of the last import that was applied, a hint: more may be listed, and is not fetched twice.
        """

    @abstractmethod
    def download(self, file: RemoteFile, into: BinaryIO, offset: int) -> None:
        """Write a file into `into`, which holds its first `offset` bytes; `HttpClient.download` is made for it.

        Where the system does not continue, `into` is emptied and written from the beginning. After an error it holds
        what had come, and is continued another time. Never more than `file.size` bytes.
        """

    def download_document(self, file: RemoteFile, into: BinaryIO, offset: int) -> None:
        """Write the PDF of a `DocumentRow` into `into`, as `download` does; with `offers_documents` only.

        Its name is `<sha256>.pdf`, its size what the export said. `Refused` when the system has none (yet).
        """
        raise NotImplementedError

    @abstractmethod
    def deliver(self, name: str, content: bytes) -> None:
        """Hand over a batch of bookings. Repeated with the same bytes under the same name until it does not raise."""


class FinanceSystem(ABC):
    """A system that keeps the books of a gmina.

    Reading methods raise `BrokenFile` with problems by line. They read a file that somebody else wrote: no DTD, no
    entities, no network, bounded memory, and never a repair of what is broken.
    """

    id: ClassVar[str]
    label: ClassVar[str]
    contract: ClassVar[int] = 1
    settings_type: ClassVar[type]
    file_pattern: ClassVar[str]  # names of files worth reading in the incoming folder, as fnmatch
    reading: ClassVar[int] = 1  # raised by a release that reads other rows from the same content of a block

    @abstractmethod
    def __init__(self, settings: Any) -> None:
        """`settings` is an instance of `settings_type`."""

    @classmethod
    @abstractmethod
    def hosts(cls, settings: Any) -> frozenset[str]:
        """The hosts (`name` or `name:port`) it talks to. Empty when it needs no network."""

    @abstractmethod
    def open_remote(self, http: HttpClient) -> RemoteFiles | None:
        """Where its files are asked for. None when they come through the folder: then `hosts` is empty.

        Talks to nobody yet; Misconfigured when the settings do not fit together.
        """

    @abstractmethod
    def classify(self, stream: BinaryIO) -> FileKind:
        """Look at the beginning of a file and say what it is. BrokenFile when it is nothing of ours."""

    @abstractmethod
    def read_manifest(self, stream: BinaryIO) -> Manifest:
        """Read what the file says of itself, without reading its rows."""

    @abstractmethod
    def read_rows(self, stream: BinaryIO) -> Iterator[Row]:
        """Yield the rows in the file's order, streaming.

        A row that cannot be used is not yielded. All such rows are listed together: after the last row `BrokenFile`
        is raised with every problem (at most 1,000). A file that is broken as a whole raises at once.
        References between rows and totals are the core's to check.
        """

    def read_blocks(self, stream: BinaryIO) -> Iterator[Row | Block]:
        """The same, with receivables that are only looked at when their content is new. A format may not have such."""
        return self.read_rows(stream)

    @abstractmethod
    def write_bookings(self, batch: BookingBatch) -> bytes:
        """The file that asks for the bookings. The same batch gives the same bytes.

        Misconfigured for a batch of another gmina than the settings', ValueError for a moment without a zone.
        """

    @abstractmethod
    def bookings_name(self, batch: BookingBatch) -> str:
        """The name of that file in the outgoing folder."""

    @abstractmethod
    def read_acknowledgement(self, body: bytes) -> Acknowledgement:
        """Read the answer to a batch."""
