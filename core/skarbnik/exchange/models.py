"""Finance systems of a gmina, the files that came from them and the batches that went to them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from skarbnik.db import Base, new_id
from skarbnik.exchange.states import NEXT, RunState
from skarbnik.money import Money
from skarbnik.payments.models import BookingLine
from skarbnik.payments.states import step
from skarbnik.plugin_api import ImportKind


class Source(Base):
    """A finance system of the gmina. Its id is the `source` of everything that was imported from it."""

    __tablename__ = "sources"
    __table_args__ = (CheckConstraint("most_closing BETWEEN 1 AND 100", name="most_closing"),)

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    plugin: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(80))
    tenant_code: Mapped[str] = mapped_column(String(40))
    settings_version: Mapped[int]
    last_import: Mapped[int] = mapped_column(default=0)  # number of the last file applied
    last_batch: Mapped[int] = mapped_column(default=0)  # number of the last batch made
    last_included: Mapped[int] = mapped_column(default=0)  # number of the last batch that balances were said to hold
    last_closed: Mapped[int] = mapped_column(
        default=0
    )  # up to it no line is booked and open; lower when one was mended
    as_of: Mapped[datetime | None]  # the moment its data are right for
    hours: Mapped[str | None] = mapped_column(String(71))  # "06:00 22:30" in Poland; none: as soon as something comes
    most_closing: Mapped[int] = mapped_column(default=30)  # per cent of open debts a full file closes without asking
    fetch_key: Mapped[UUID | None]  # of a system that is asked over HTTP: the one errand that asks it again and again
    documents_key: Mapped[UUID | None]  # the one errand that asks it for PDFs
    next_fetch_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]  # when it answered last
    fetch_error: Mapped[str | None] = mapped_column(String(160))  # what became of the last time, when it did not
    fetch_failures: Mapped[int] = mapped_column(default=0)  # in a row


class Origin(StrEnum):
    """How a file came."""

    FOLDER = "folder"
    UPLOAD = "upload"  # by an official's hand
    PUSH = "push"  # by the finance system, to the API
    FETCH = "fetch"  # asked for over HTTP


class ImportRun(Base):
    """One file, from its arrival to its report. A refused file left the data as they were."""

    __tablename__ = "import_runs"
    __table_args__ = (
        Index("import_runs_open_key", "source", "file_name", unique=True, postgresql_where="finished_at IS NULL"),
        Index("import_runs_applied_key", "source", "number", unique=True, postgresql_where="state = 'applied'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(ForeignKey("sources.id"))
    file_name: Mapped[str] = mapped_column(String(120))
    origin: Mapped[Origin] = mapped_column(default=Origin.FOLDER)
    asked_by: Mapped[UUID | None]  # the official who brought it
    state: Mapped[RunState] = mapped_column(default=RunState.WAITING)
    dry: Mapped[bool] = mapped_column(default=False)
    consented_by: Mapped[UUID | None]  # the official who said that so much may be closed
    due_at: Mapped[datetime | None]  # when it is read, if not at once
    sha256: Mapped[str | None] = mapped_column(String(64))
    number: Mapped[int | None]
    kind: Mapped[ImportKind | None]
    as_of: Mapped[datetime | None]
    totals: Mapped[dict[str, int] | None] = mapped_column(JSONB)  # what the file said of itself; sums in grosze
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    message: Mapped[str | None] = mapped_column(String(300))
    bytes_all: Mapped[int | None] = mapped_column(BigInteger)
    bytes_read: Mapped[int | None] = mapped_column(BigInteger)  # while it runs; all of them when it is being merged
    registered_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    problems: Mapped[list[ImportProblem]] = relationship(order_by="ImportProblem.position")

    def move_to(self, state: RunState) -> None:
        self.state = step(NEXT, self.state, state)


class ImportProblem(Base):
    """One reason against one line of a file, in words a clerk can act on."""

    __tablename__ = "import_problems"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("import_runs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int | None]
    code: Mapped[str] = mapped_column(String(40))
    message: Mapped[str] = mapped_column(String(300))


class ReplacedRow(Base):
    """A receivable, instalment or overpayment as it was until a run changed it: what a clerk compares two runs by.

    Kept for two years. Nothing about a person is in it; what a table does not have is NULL.
    """

    __tablename__ = "replaced_rows"

    replaced_by: Mapped[UUID] = mapped_column(primary_key=True)  # the run that changed or closed it
    row_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    written_by: Mapped[UUID]  # the run that had written it so
    title: Mapped[str | None] = mapped_column(String(200))
    number: Mapped[str | None] = mapped_column(String(80))
    account: Mapped[str | None] = mapped_column(String(26))
    due_on: Mapped[date | None]
    principal: Mapped[Money | None]  # of an overpayment: its amount
    interest: Mapped[Money | None]
    costs: Mapped[Money | None]
    closed: Mapped[bool]


class BatchState(StrEnum):
    MADE = "made"
    DELIVERED = "delivered"
    ANSWERED = "answered"


class BookingBatch(Base):
    """Bookings handed to a finance system together. Immutable: the same number is the same bytes each time."""

    __tablename__ = "booking_batches"
    __table_args__ = (UniqueConstraint("source", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(ForeignKey("sources.id"))
    number: Mapped[int]
    state: Mapped[BatchState] = mapped_column(default=BatchState.MADE)
    file_name: Mapped[str] = mapped_column(String(120))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]


class BatchLine(Base):
    """A booking in a batch and what the finance system answered to it."""

    __tablename__ = "batch_lines"

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("booking_batches.id"), primary_key=True)
    booking_line_id: Mapped[UUID] = mapped_column(ForeignKey(BookingLine.id), primary_key=True)
    reference: Mapped[str | None] = mapped_column(String(64))
    booked_on: Mapped[date | None]
    refusal: Mapped[str | None] = mapped_column(String(200))
