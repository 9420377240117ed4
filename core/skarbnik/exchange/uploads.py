"""Files that somebody hands over instead of laying them into the folder: an official, or the finance system itself."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skarbnik.db import new_id
from skarbnik.errors import Conflict, Invalid, NotFound
from skarbnik.exchange.imports import lock_run, register_run
from skarbnik.exchange.models import ImportRun, Origin, Source
from skarbnik.exchange.spool import Spool, fits
from skarbnik.exchange.states import RunState

LARGEST_UPLOAD = 1024**3


class WrongSum(Invalid):
    """What came has another SHA-256 than was said; nothing of it is kept."""


class Checked:
    """A stream whose bytes must have a sum: who reads it to the end gets WrongSum when they have not."""

    def __init__(self, stream: IO[bytes], sha256: str) -> None:
        self.stream = stream
        self.wanted = sha256
        self.found = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self.stream.read(size)
        self.found.update(piece)
        if not piece and self.found.hexdigest() != self.wanted:
            raise WrongSum(f"not the bytes of {self.wanted}")
        return piece


def receive(
    session: Session,
    spool: Spool,
    source: Source,
    name: str,
    stream: BinaryIO,
    *,
    origin: Origin,
    asked_by: UUID | None = None,
    dry: bool = False,
) -> ImportRun:
    """Keep a file and register its run; with `dry` it is only tried.

    Invalid when the name is none, Conflict when a file of that name is being read, BrokenFile when it is too large.
    The file is there before its run is: whoever reads the run finds it.
    """
    name = PurePosixPath(name.replace("\\", "/")).name.strip()
    check_name(name)
    if _is_open(session, source.id, name):
        raise Conflict(f"a file {name} is being read")
    run_id = new_id()
    spool.make().lay(name, str(run_id), stream, most=LARGEST_UPLOAD)
    try:
        return register_run(session, source, name, run_id=run_id, origin=origin, asked_by=asked_by, dry=dry)
    except Exception:
        spool.drop(name, str(run_id))
        raise


def check_name(name: str) -> None:
    """Invalid when no file can be kept under this name."""
    if not fits(name) or "/" in name or name in {"", ".", ".."} or name.endswith(".part"):
        raise Invalid("a file without a usable name", {"file": "name"})


def find_sent(session: Session, source_id: str, sha256: str) -> ImportRun | None:
    """The run that has, or will have, applied a file with these bytes.

    One that was only tried does not count, and one that was refused neither: the file before it may have come since.
    """
    query = select(ImportRun).where(
        ImportRun.source == source_id,
        ImportRun.sha256 == sha256,
        ImportRun.dry.is_(False),
        ImportRun.state != RunState.REFUSED,
    )
    return session.scalars(query.order_by(ImportRun.id).limit(1)).first()


def register_once(
    session: Session, source: Source, name: str, *, run_id: UUID, origin: Origin, sha256: str
) -> ImportRun:
    """The run of a file that lies where `run_id` reads it, or the one its bytes already have; its id tells which.

    Who comes with the same bytes at the same moment waits for the other. Conflict when another file of that name is
    being read.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/sent/' || :source || :sum, 0))"
    session.execute(text(lock), {"source": source.id, "sum": sha256})
    found = find_sent(session, source.id, sha256)
    if found is not None:
        return found
    return register_run(session, source, name, run_id=run_id, origin=origin, sha256=sha256)


def lay_sent(spool: Spool, name: str, stream: IO[bytes], *, sha256: str) -> UUID:
    """Keep a file with that sum under the id of a run to be; for as long as it takes, so without a transaction.

    WrongSum, Invalid for its name, BrokenFile when it is too large: then nothing is kept.
    """
    check_name(name)
    run_id = new_id()
    spool.make().lay(name, str(run_id), cast(BinaryIO, Checked(stream, sha256)), most=LARGEST_UPLOAD)
    return run_id


def register_sent(
    session: Session, spool: Spool, source: Source, name: str, *, run_id: UUID, origin: Origin, sha256: str
) -> ImportRun:
    """The run of a file that was laid for it; another one when its bytes have one already: it is not kept twice."""
    run = None
    try:
        run = register_once(session, source, name, run_id=run_id, origin=origin, sha256=sha256)
    finally:
        if run is None or run.id != run_id:
            spool.drop(name, str(run_id))
    return run


def apply_tried(session: Session, spool: Spool, run_id: UUID, *, user_id: UUID) -> ImportRun:
    """Read the file of a dry run again, this time in earnest. NotFound when it is not kept any more."""
    tried = lock_run(session, run_id)
    if tried.state is not RunState.TRIED or _is_open(session, tried.source, tried.file_name):
        raise Conflict(f"run {run_id} was not tried, or its file is being read")
    again = new_id()
    if not spool.try_again(tried.file_name, str(tried.id), str(again)):
        raise NotFound(f"the file of run {run_id} is not kept any more")
    source = session.get_one(Source, tried.source)
    try:
        return register_run(session, source, tried.file_name, run_id=again, origin=Origin.UPLOAD, asked_by=user_id)
    except Exception:
        spool.drop(tried.file_name, str(again))
        raise


def _is_open(session: Session, source_id: str, name: str) -> bool:
    query = select(ImportRun.id).where(
        ImportRun.source == source_id, ImportRun.file_name == name, ImportRun.finished_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None
