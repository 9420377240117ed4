"""Files that somebody hands over instead of laying them into the folder: an official, or the finance system itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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


class Summed:
    """A stream that knows the sum of what was read of it: who reads it to the end gets WrongSum for another one."""

    def __init__(self, stream: IO[bytes], wanted: str | None) -> None:
        self.stream = stream
        self.wanted = wanted
        self.found = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self.stream.read(size)
        self.found.update(piece)
        if not piece and self.wanted not in {None, self.found.hexdigest()}:
            raise WrongSum(f"not the bytes of {self.wanted}")
        return piece


@dataclass(frozen=True)
class Laid:
    """A whole file that lies where a run to be will read it."""

    run_id: UUID
    name: str
    sha256: str


def lay(spool: Spool, name: str, stream: IO[bytes], *, sha256: str | None = None) -> Laid:
    """Keep a file for a run to be; for as long as its bytes take to come, so without a transaction.

    Invalid for its name, WrongSum when it has not the sum that was said, BrokenFile when it is too large: then nothing
    is kept.
    """
    check_name(name)
    run_id, summed = new_id(), Summed(stream, sha256)
    spool.make().lay(name, str(run_id), cast(BinaryIO, summed), most=LARGEST_UPLOAD)
    return Laid(run_id, name, summed.found.hexdigest())


def register(
    session: Session,
    spool: Spool,
    source: Source,
    laid: Laid,
    *,
    origin: Origin,
    by: UUID | None = None,
    dry: bool = False,
) -> ImportRun:
    """The run of a laid file; of a program's, the one its bytes already have, and the file is not kept twice.

    Programs repeat what they do not know the outcome of. An official who brings a file again wants a report of it.
    Conflict when another file of that name is being read.
    """
    run = None
    try:
        if origin is not Origin.UPLOAD:
            run = _find_after_others(session, source.id, laid.sha256)
        run = run or register_run(
            session,
            source,
            laid.name,
            run_id=laid.run_id,
            origin=origin,
            asked_by=by,
            dry=dry,
            sha256=laid.sha256,
        )
    finally:
        if run is None or run.id != laid.run_id:
            spool.drop(laid.name, str(laid.run_id))
    return run


def _find_after_others(session: Session, source_id: str, sha256: str) -> ImportRun | None:
    """Who comes with the same bytes at the same moment waits for the other, and finds its run."""
    lock = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/sent/' || :source || :sum, 0))"
    session.execute(text(lock), {"source": source_id, "sum": sha256})
    return find_sent(session, source_id, sha256)


def bare_name(path: str) -> str:
    """The name of a file a browser may have told with the folders it lay in."""
    return PurePosixPath(path.replace("\\", "/")).name.strip()


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
