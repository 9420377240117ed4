"""Files a finance system offers over HTTP: asked for at its hours, fetched once, continued where they were cut.

A source has one errand that asks it again and again; `Source.fetch_key` names it. Whoever begins a new one changes the
key, and the old one ends when its turn comes: errands are neither lost nor many.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import (
    Conflict,
    ExternalSystemError,
    Invalid,
    Misconfigured,
    Nonsense,
    NotFound,
    OutcomeUnknown,
    Refused,
)
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.models import BatchState, BookingBatch, ImportProblem, ImportRun, Origin, Source
from skarbnik.exchange.spool import LARGEST_FILE, Spool, sha256_of
from skarbnik.exchange.states import RunState
from skarbnik.exchange.systems import open_remote, spool_of
from skarbnik.exchange.uploads import Laid, check_name, register
from skarbnik.outbox import publish
from skarbnik.plugin_api import RemoteFile, RemoteFiles
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

EVERY = timedelta(minutes=10)
AFTER_FAILURES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
ANSWERS_COME_WITHIN = timedelta(minutes=10)  # of a batch: so long it is asked for often
ECHOES_COME_WITHIN = timedelta(minutes=2)  # of an answer: the next export has what was booked
MOST_FILES = 1000
LONGEST_ERROR = 160


class Damaged(ExternalSystemError):
    """A file came whole and is not what was offered; what came was thrown away."""


class NoRemote(NotFound):
    """The files of this source come through the folder."""


def begin_asking(session: Session, source: Source, *, at: datetime | None = None) -> None:
    """Ask a source from now on, or from a moment on; an errand that asked it before ends."""
    source.fetch_key = new_id()
    source.next_fetch_at = at or clock.now()
    source.fetch_failures = 0
    publish(session, "exchange.fetch", source.fetch_key, due_at=source.next_fetch_at)


def end_asking(source: Source) -> None:
    """Its files come through the folder."""
    source.fetch_key = source.documents_key = source.next_fetch_at = source.fetched_at = source.fetch_error = None
    source.fetch_failures = 0


def ask_now(session: Session, source: Source, *, after: timedelta = timedelta(0)) -> None:
    """Ask once, besides the hours. NoRemote when there is nobody to ask."""
    if source.fetch_key is None:
        raise NoRemote(f"{source.id} is not asked over HTTP")
    publish(session, "exchange.fetch_now", source.fetch_key, due_at=clock.now() + after)


def fetch(tenant: Tenant, source: Source) -> str | None:
    """Fetch what is offered and no run of the source has. Why it did not go well, for a clerk; None when it did.

    Files are registered in the order of the list: one that cannot be had keeps those behind it for the next time.
    No transaction is open while we talk. Busy when another worker is at it, NoRemote when there is nobody to ask.
    """
    spool = spool_of(tenant, source.id).make()
    with spool.fetching_alone():
        try:
            remote = open_remote(tenant, source)
            if remote is None:
                raise NoRemote(f"{source.id} is not asked over HTTP")
            files = remote.list_files(source.last_import)
            _check(files)
            spool.drop_parts({file.sha256 for file in files})
            for file in _unknown(tenant, source, files):
                _fetch_file(tenant, source, spool, remote, file)
        except (NoRemote, SQLAlchemyError):
            raise
        except Exception as error:  # of the system, the line, the disk or the plugin: all of it is told to a clerk
            expected = isinstance(error, ExternalSystemError)
            log.warning("fetch.failed", source=source.id, error=type(error).__name__, exc_info=not expected)
            return _words(error)[:LONGEST_ERROR]
    return None


def _check(files: list[RemoteFile]) -> None:
    """A plugin has checked its system's words; what it made of them is checked once more before paths are built."""
    if len(files) > MOST_FILES:
        raise Nonsense("more files are offered than anybody could")
    for file in files:
        try:
            check_name(file.name)
        except Invalid:
            raise Nonsense("a file is offered under a name that cannot be") from None
        if not 0 < file.size <= LARGEST_FILE or len(file.sha256) != 64 or set(file.sha256) - set("0123456789abcdef"):
            raise Nonsense("a file is offered with a size or a sum that cannot be")


def _unknown(tenant: Tenant, source: Source, files: list[RemoteFile]) -> list[RemoteFile]:
    """Those no run has read. A refused one stays refused, unless only the file before it was missing, and has come."""
    missed = select(ImportProblem.run_id).where(ImportProblem.code == "missing-number")
    with tenant.session() as session:
        known = set(
            session.scalars(
                select(ImportRun.sha256).where(
                    ImportRun.source == source.id,
                    ImportRun.sha256.in_([file.sha256 for file in files]),
                    ImportRun.dry.is_(False),
                    or_(
                        ImportRun.state != RunState.REFUSED,
                        ImportRun.number != source.last_import + 1,
                        ImportRun.number.is_(None),
                        ImportRun.id.not_in(missed),
                    ),
                )
            )
        )
    return [file for file in files if file.sha256 not in known]


def _fetch_file(tenant: Tenant, source: Source, spool: Spool, remote: RemoteFiles, file: RemoteFile) -> None:
    """Whole and as it was offered, then registered. A part is kept until both are true."""
    _complete(spool, remote, file)
    part, run_id = spool.part_of(file.sha256), new_id()
    if sha256_of(part) != file.sha256:
        part.unlink()
        raise Damaged(file.name)
    spool.lay_fetched(file.sha256, file.name, str(run_id))
    with tenant.session() as session:
        run = register(session, spool, source, Laid(run_id, file.name, file.sha256), origin=Origin.FETCH)
    part.unlink(missing_ok=True)
    log.info("file.fetched", source=source.id, run=str(run.id), bytes=file.size)


def _complete(spool: Spool, remote: RemoteFiles, file: RemoteFile) -> None:
    """Bring the part of a file to its size, beginning with what is there of it."""
    part = spool.part_of(file.sha256)
    had = part.stat().st_size if part.exists() else 0
    if had == file.size:
        return
    spool.need_room(file.size - had)
    with part.open("r+b" if 0 < had < file.size else "wb") as into:
        had = into.seek(0, os.SEEK_END)
        remote.download(file, into, had)
        into.flush()
        os.fsync(into.fileno())
        if into.seek(0, os.SEEK_END) < file.size:
            raise OutcomeUnknown("the file ended before its end")


def _words(error: Exception) -> str:
    """What a clerk reads, and can do something about."""
    if isinstance(error, Damaged):
        return f"Plik {str(error)[:60]} został uszkodzony w drodze. Portal pobierze go od nowa."
    if isinstance(error, Misconfigured):
        return "System nie przyjmuje klucza dostępu (tokenu). Operator portalu musi sprawdzić ustawienia."
    if isinstance(error, Nonsense):
        return "System odpowiada niezrozumiale. Trzeba powiadomić jego dostawcę."
    if isinstance(error, Refused):
        return "System odmawia wydania plików. Trzeba powiadomić jego dostawcę."
    if isinstance(error, ExternalSystemError):
        return "System nie odpowiada albo połączenie zostało przerwane."
    if isinstance(error, Conflict):
        return "Plik o tej samej nazwie jest właśnie wczytywany."
    if isinstance(error, OSError):
        return "Portal nie może zapisać pliku: brakuje miejsca na dysku. Trzeba powiadomić operatora."
    return "Wtyczka systemu zawiodła. Operator portalu znajdzie przyczynę w dzienniku."


def note(session: Session, source_id: str, error: str | None) -> Source | None:
    """Write down how asking went. None while somebody else writes to the source: then it is asked again soon."""
    source = session.scalars(
        select(Source).where(Source.id == source_id).with_for_update(key_share=True, skip_locked=True)
    ).one_or_none()
    if source is None:
        return None
    source.fetch_error = error
    if error is None:
        source.fetched_at, source.fetch_failures = clock.now(), 0
    return source


def plan_next(source: Source) -> datetime:
    """When it is asked again: at its hours or every ten minutes; after an error sooner, then later and later."""
    now = clock.now()
    planned = next_moment(source.hours, now)
    if source.fetch_error is not None:
        source.fetch_failures += 1
        retried = now + AFTER_FAILURES[min(source.fetch_failures, len(AFTER_FAILURES)) - 1]
        source.next_fetch_at = min(planned or retried, retried)
    else:
        source.next_fetch_at = planned or now + EVERY
    return source.next_fetch_at


def expects_answer(session: Session, source: Source) -> bool:
    """Whether a batch was handed over a while ago and is not answered, or was answered and its echo follows."""
    now = clock.now()
    found = select(BookingBatch.id).where(
        BookingBatch.source == source.id,
        or_(
            and_(BookingBatch.state == BatchState.DELIVERED, BookingBatch.delivered_at > now - ANSWERS_COME_WITHIN),
            BookingBatch.answered_at > now - ECHOES_COME_WITHIN,
        ),
    )
    return session.scalar(found.limit(1)) is not None
