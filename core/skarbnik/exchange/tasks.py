"""Background work of the exchange. Each errand is safe to run twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from skarbnik import clock
from skarbnik.errors import BrokenFile, ExternalSystemError, FileProblem, Refused
from skarbnik.exchange import asking, batches, documents, fetching, imports, sweeping
from skarbnik.exchange.models import BookingBatch, ImportRun, Source
from skarbnik.exchange.spool import Busy, sha256_of
from skarbnik.exchange.states import RunState
from skarbnik.exchange.systems import open_remote, open_system, spool_of
from skarbnik.outbox import Again
from skarbnik.plugin_api import FileKind, FinanceSystem
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

GIVE_WAY = timedelta(days=1)  # a file that could not be read for so long is a person's matter, and bars no other
LARGEST_ACKNOWLEDGEMENT = 32 * 1024 * 1024
IN_A_MOMENT = timedelta(minutes=1)
ANSWER_EVERY = timedelta(seconds=30)  # so often it is looked for the answer to a batch
ANSWER_AFTER = timedelta(seconds=5)


def read_file(tenant: Tenant, run_id: UUID) -> Again | None:
    """Read a file that arrived: an import, or the answer to a batch."""
    with tenant.session() as session:
        run = imports.lock_run(session, run_id)
        source = session.get_one(Source, run.source)
        spool = spool_of(tenant, source.id)
        earlier = session.scalar(
            select(ImportRun.id)
            .where(
                ImportRun.source == run.source,
                ImportRun.finished_at.is_(None),
                ImportRun.id < run.id,
                or_(ImportRun.due_at.is_(None), ImportRun.due_at <= clock.now()),
                or_(
                    func.coalesce(ImportRun.due_at, ImportRun.registered_at) > clock.now() - GIVE_WAY,
                    ImportRun.state == RunState.HELD,  # an official decides, however long it takes
                ),
            )
            .limit(1)
        )
        ready = run.finished_at is None and run.state is not RunState.HELD and earlier is None
        path = spool.take(run.file_name, str(run.id)) if ready else None
    if run.finished_at is not None:
        imports.finish(spool, run, run.state)
        return None
    if run.state is RunState.HELD:
        return None  # an official decides, and rings again
    if path is None:
        return Again(clock.now() + imports.RETRY)  # files are read in the order they came
    system = open_system(tenant, source)
    try:
        with path.open("rb") as stream:
            what = system.classify(stream)
        if what is FileKind.IMPORT:
            state = imports.read_import(tenant, system, run_id, path, dry=run.dry)
        else:
            state = _read_acknowledgement(tenant, system, run_id, path, dry=run.dry)
    except FileNotFoundError:
        state = imports.refuse(tenant, run_id, None, "Plik zniknął z folderu, zanim został wczytany.", [])
    except BrokenFile as error:
        state = imports.refuse(tenant, run_id, None, str(error), error.problems)
    except OperationalError as error:
        if "lock timeout" in str(error):
            return Again(clock.now() + imports.RETRY)
        raise
    except (SQLAlchemyError, OSError, psycopg.Error):
        raise  # our own trouble: the file is fine, and is read again later
    except Exception as error:  # a plugin that stumbles over a file harms that file, and not those behind it
        log.error("plugin.stumbled", run=str(run_id), exc_info=error)
        state = imports.refuse(tenant, run_id, None, "Wtyczka nie umiała przeczytać tego pliku.", [])
    if state not in imports.KEPT_IN:
        return None  # it waits for an official, or somebody else has it
    imports.finish(spool, run, state)
    with tenant.session() as session:
        imports.ring_next(session, source.id)
    return None


def _read_acknowledgement(tenant: Tenant, system: FinanceSystem, run_id: UUID, path: Path, *, dry: bool) -> RunState:
    """What the finance system made of a batch. A trial looks at every line of it and takes all of it back."""
    if path.stat().st_size > LARGEST_ACKNOWLEDGEMENT:
        message = f"Potwierdzenie jest większe niż {LARGEST_ACKNOWLEDGEMENT // 1024**2} MB."
        raise BrokenFile(message, [FileProblem(None, "too-large", message)])
    answer = system.read_acknowledgement(path.read_bytes())
    state = RunState.TRIED if dry else RunState.APPLIED
    with tenant.session() as session:
        run = imports.lock_run(session, run_id)
        if run.finished_at is not None:
            return run.state
        counts = batches.apply_acknowledgement(session, session.get_one(Source, run.source), answer)
        if dry:
            session.rollback()
            run = imports.lock_run(session, run_id)
        run.sha256, run.counts = sha256_of(path), {"bookings": counts}
        run.move_to(state)
        run.started_at = run.finished_at = clock.now()
    return state


def take_documents(tenant: Tenant, subject_id: UUID) -> Again | None:
    """PDFs came, or files that name them: look at what is new, of whichever source it is."""
    more = []
    for source_id in _source_ids(tenant):
        more.append(documents.take_all(tenant, source_id))
        with tenant.session() as session:
            asking.begin_where_asked(session, source_id)
    return Again(clock.now()) if any(more) else None


def fetch_documents(tenant: Tenant, key: UUID) -> Again | None:
    """Ask for PDFs that rows wait for, until none waits. A chain that was replaced ends."""
    with tenant.session() as session:
        source = session.scalars(select(Source).where(Source.documents_key == key)).one_or_none()
    if source is None:
        return None
    try:
        moment = asking.fetch_documents(tenant, source)
    except Busy:
        moment = clock.now() + IN_A_MOMENT
    return Again(moment) if moment is not None else None


def sweep(tenant: Tenant, subject_id: UUID) -> None:
    """It is night: what nobody needs any more goes from the folders of all sources."""
    for source_id in _source_ids(tenant):
        sweeping.sweep(tenant, source_id)


def _source_ids(tenant: Tenant) -> list[str]:
    with tenant.session() as session:
        return list(session.scalars(select(Source.id).order_by(Source.id)))


def fetch(tenant: Tenant, key: UUID) -> Again | None:
    """The perpetual question to a source: whatever comes of it, it is asked again. A chain that was replaced ends."""
    source = _asked_by(tenant, key)
    if source is None:
        return None
    if source.next_fetch_at is not None and source.next_fetch_at > clock.now():
        return Again(source.next_fetch_at)
    try:
        error = fetching.fetch(tenant, source)
    except Busy:
        return Again(clock.now() + IN_A_MOMENT)
    except fetching.NoRemote:
        with tenant.session() as session:
            fetching.end_asking(session.get_one(Source, source.id))
        return None
    with tenant.session() as session:
        noted = fetching.note(session, source.id, error)
        if noted is None:
            return Again(clock.now() + IN_A_MOMENT)
        return Again(fetching.plan_next(noted)) if noted.fetch_key == key else None


def fetch_now(tenant: Tenant, key: UUID) -> Again | None:
    """One question besides: a clerk asks, or a batch was handed over and its answer is about to come."""
    source = _asked_by(tenant, key)
    if source is None:
        return None
    try:
        error = fetching.fetch(tenant, source)
    except Busy:
        return Again(clock.now() + IN_A_MOMENT)
    except fetching.NoRemote:
        return None
    with tenant.session() as session:
        fetching.note(session, source.id, error)
        expected = not source.hours and fetching.expects_answer(session, source)
    return Again(clock.now() + ANSWER_EVERY) if expected else None


def _asked_by(tenant: Tenant, key: UUID) -> Source | None:
    with tenant.session() as session:
        return session.scalars(select(Source).where(Source.fetch_key == key)).one_or_none()


def make_batches(tenant: Tenant, subject_id: UUID) -> Again | None:
    """Bookings wait: put them into batches, whoever rang, at the hours of their source.

    A source that is in trouble does not keep the others.
    """
    with tenant.session() as session:
        sources = list(session.scalars(select(Source).order_by(Source.id)))
    troubles: list[Exception] = []
    hours: list[datetime] = []
    for source in sources:
        try:
            hour = _make_batches_of(tenant, source)
        except Exception as error:  # whatever a plugin raises: it is raised again when all had their turn
            troubles.append(error)
        else:
            hours += [hour] if hour is not None else []
    if troubles:
        raise troubles[0]
    return Again(min(hours)) if hours else None


def _make_batches_of(tenant: Tenant, source: Source) -> datetime | None:
    """The hour that has to come first. None when nothing waits any more."""
    with tenant.session() as session:
        hour = batches.hour_of_batches(session, source)
    if hour is not None and hour > clock.now():
        return hour
    system = open_system(tenant, source)
    made = True
    while made:
        with tenant.session() as session:
            made = batches.make_batch(session, source.id, system) is not None
    return None


def deliver_batch(tenant: Tenant, batch_id: UUID) -> Again | None:
    """Hand an immutable batch over HTTP, or lay it into the outgoing folder. The same bytes until it is there."""
    with tenant.session() as session:
        batch = session.get_one(BookingBatch, batch_id)
        source = session.get_one(Source, batch.source)
    try:
        remote = open_remote(tenant, source)
        if remote is None:
            spool_of(tenant, batch.source).make().deliver(batch.file_name, batch.content)
        else:
            remote.deliver(batch.file_name, batch.content)
    except Refused:
        raise  # the same bytes will be refused again: a person has to look
    except ExternalSystemError as error:
        log.warning("batch.not_delivered", batch=str(batch_id), error=type(error).__name__)
        return Again(clock.now() + _patience(clock.now() - batch.made_at))
    with tenant.session() as session:
        batches.mark_delivered(session, batch_id)
        if source.fetch_key is not None and not source.hours:
            fetching.ask_now(session, source, after=ANSWER_AFTER)
    return None


def _patience(age: timedelta) -> timedelta:
    """After one, five and fifteen minutes, then hourly."""
    return next((each for each in fetching.AFTER_FAILURES if age < 2 * each), fetching.AFTER_FAILURES[-1])
