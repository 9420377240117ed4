"""One file of a finance system, from its arrival to its report: all of it is applied, or nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from os import SEEK_END
from pathlib import Path
from time import monotonic
from typing import BinaryIO
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import or_, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.db import TenantSession, new_id
from skarbnik.errors import BrokenFile, Conflict, FileProblem, SkarbnikError
from skarbnik.exchange import checks, documents
from skarbnik.exchange.blocks import Blocks
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.included import check_included, mark_included
from skarbnik.exchange.merge import Merge, Merged, Vanishing
from skarbnik.exchange.models import ImportProblem, ImportRun, Origin, Source
from skarbnik.exchange.spool import LARGEST_FILE, Spool, sha256_of
from skarbnik.exchange.staging import Stage
from skarbnik.exchange.states import RunState
from skarbnik.outbox import publish
from skarbnik.payers.matching import match_all
from skarbnik.payments.bookings import mark_seen
from skarbnik.plugin_api import FinanceSystem, ImportKind, Manifest
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

LONGEST_MESSAGE = 300
TELL_EVERY = 1.0  # seconds
FEW_DEBTS = 20  # closing so few of them is nothing to stop for, whatever their share


class Elsewhere(SkarbnikError):
    """While this errand waited for its turn another one has read the file: errands may run twice."""

    def __init__(self, state: RunState) -> None:
        super().__init__(f"the run is {state} already")
        self.state = state


class Held(SkarbnikError):
    """A full file that closes so much that an official has to agree first."""

    def __init__(self, open_debts: int, vanishing: Sequence[Vanishing]) -> None:
        closing = sum(each.number for each in vanishing)
        super().__init__(f"{closing} of {open_debts} open debts would be closed")
        self.closing = closing
        self.counts = {
            "debts": {"open": open_debts, "closing": closing},
            "closing": {each.kind: each.number for each in vanishing},
            "closing_sums": {each.kind: each.grosze for each in vanishing},
        }

    def is_agreed(self, run: ImportRun) -> bool:
        """An official agreed to as much; what another file has made more since is asked about again."""
        return run.consented_by is not None and self.closing <= run.counts["debts"]["closing"]


def register_arrivals(session: Session, source: Source, names: list[str]) -> list[ImportRun]:
    """Give each file that nobody has taken up a run, and ring the worker. Safe to repeat while the file lies there."""
    open_names = set(
        session.scalars(
            select(ImportRun.file_name).where(ImportRun.source == source.id, ImportRun.finished_at.is_(None))
        )
    )
    runs = []
    for name in names:
        if name not in open_names:
            runs.append(register_run(session, source, name))
    return runs


def register_run(
    session: Session,
    source: Source,
    name: str,
    *,
    run_id: UUID | None = None,
    origin: Origin = Origin.FOLDER,
    asked_by: UUID | None = None,
    dry: bool = False,
    sha256: str | None = None,
) -> ImportRun:
    """A file waits to be read: at the hours of its source, or at once when we asked for it or a person brought it."""
    now = clock.now()
    due_at = next_moment(source.hours, now) if origin not in {Origin.UPLOAD, Origin.FETCH} else None
    run = ImportRun(
        id=run_id or new_id(),
        source=source.id,
        file_name=name,
        registered_at=now,
        origin=origin,
        asked_by=asked_by,
        dry=dry,
        due_at=due_at,
        sha256=sha256,
    )
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError as error:
        raise Conflict(f"a file {name} is being read") from error
    publish(session, "exchange.file_arrived", run.id, due_at=due_at)
    return run


def read_now(session: Session, run_id: UUID) -> None:
    """An official does not wait for the hours of the source."""
    run = lock_run(session, run_id)
    if run.state is not RunState.WAITING:
        raise Conflict(f"run {run_id} does not wait")
    run.due_at = None
    publish(session, "exchange.file_arrived", run.id)


def consent(session: Session, run_id: UUID, *, user_id: UUID, closing: int) -> None:
    """An official agrees that a held file closes so many debts: it is read again, and not asked about again.

    Conflict when it is not held, or came to close another number than the page said that they saw.
    """
    run = lock_run(session, run_id)
    if run.state is not RunState.HELD or run.counts["debts"]["closing"] != closing:
        raise Conflict(f"run {run_id} is not held for {closing} debts")
    run.move_to(RunState.WAITING)
    run.consented_by, run.due_at = user_id, clock.now()
    publish(session, "exchange.file_arrived", run.id)


def decline(session: Session, run_id: UUID) -> None:
    """An official does not agree: nothing of the held file is applied, and its number is free again."""
    run = lock_run(session, run_id)
    if run.state is not RunState.HELD:
        raise Conflict(f"run {run_id} is not held")
    _report(session, run_id, None, RunState.REFUSED, None)
    run.message = "Urząd nie zgodził się na zamknięcie należności, których nie ma w tym pliku."
    publish(session, "exchange.file_arrived", run.id)  # to put the file away


def read_import(tenant: Tenant, system: FinanceSystem, run_id: UUID, path: Path, *, dry: bool = False) -> RunState:
    """Stage, check and merge one file. A refused file leaves the data as they were and a report of every reason.

    The run's report is written in a transaction of its own, so it is there when nothing else is.
    """
    with tenant.session() as session:
        run = lock_run(session, run_id)
        if run.finished_at is not None or run.state is RunState.HELD:
            return run.state
        source_id, tenant_code = run.source, session.get_one(Source, run.source).tenant_code
        run.move_to(RunState.RUNNING)
        run.started_at, run.sha256 = clock.now(), sha256_of(path)
        run.bytes_all, run.bytes_read = path.stat().st_size, 0
    manifest: Manifest | None = None
    try:
        if path.stat().st_size > LARGEST_FILE:
            message = f"Plik jest większy niż {LARGEST_FILE // 1024**3} GB."
            raise BrokenFile(message, [FileProblem(None, "too-large", message)])
        with path.open("rb") as stream:
            manifest = system.read_manifest(stream)
        with tenant.session() as session:
            merged = _apply(tenant, session, system, run_id, source_id, tenant_code, manifest, path, dry=dry)
            if dry:
                session.rollback()
    except Held as held:
        assert manifest is not None
        return _hold(tenant, run_id, manifest, held)
    except Elsewhere as other:
        return other.state
    except BrokenFile as error:
        return refuse(tenant, run_id, manifest, str(error), error.problems)
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError) as error:
        # What passed the reader and fits no column or no rule of its table: the reader's fault, and the file's refusal.
        return refuse(
            tenant,
            run_id,
            manifest,
            "Dane w pliku nie mieszczą się w polach.",
            [FileProblem(None, "does-not-fit", f"Baza danych nie przyjęła wartości (błąd {error.sqlstate}).")],
        )
    if dry:
        with tenant.session() as session:
            _report(session, run_id, manifest, RunState.TRIED, merged)
        return RunState.TRIED
    return RunState.APPLIED


def _apply(
    tenant: Tenant,
    session: TenantSession,
    system: FinanceSystem,
    run_id: UUID,
    source_id: str,
    tenant_code: str,
    manifest: Manifest,
    path: Path,
    *,
    dry: bool,
) -> Merged:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    source = _lock_source(session, source_id)
    state = session.scalars(select(ImportRun.state).where(ImportRun.id == run_id)).one()
    if state is not RunState.RUNNING:
        raise Elsewhere(state)
    _raise_if(
        checks.check_manifest(manifest, tenant_code=tenant_code, last_import=source.last_import, as_of=source.as_of)
    )
    if manifest.batches_included is not None:
        _raise_if(check_included(session, source, manifest.batches_included))
    merge = Merge(
        connection,
        source=source_id,
        run_id=run_id,
        now=clock.now(),
        owner=tenant.name,
        key_version=tenant.instance.keys.current,
    )
    known = None
    if manifest.kind is ImportKind.FULL and not merge.is_first:
        known = Blocks.load(connection, source_id)
    stage = Stage(connection, tenant, source_id, known, reading=system.reading)
    with path.open("rb") as stream:
        progress = Progress(tenant, run_id, stream)
        stage.fill(
            system.read_blocks(stream),
            early=merge.take_early if merge.is_first else None,
            each_piece=progress.tell,
        )
        stream.seek(0, SEEK_END)
        progress.tell(at_once=True)
    problems = checks.check_totals(manifest.totals, stage.counted.totals())
    if manifest.batches_included is not None:
        problems += checks.check_one_echo(connection)
    _raise_if(problems + checks.check_stage(connection, source_id, run_id, manifest.kind))
    merge.look_for_gone(manifest.kind)
    held = _find_too_much(merge, source) if manifest.kind is ImportKind.FULL and not merge.is_first else None
    if held and not dry and not held.is_agreed(session.get_one(ImportRun, run_id)):
        raise held
    merged = merge.finish(manifest.kind, stage.counted.numbers)
    if dry and held:
        merged.counts |= held.counts
    if not dry:
        source.last_import, source.as_of = manifest.number, manifest.as_of
        session.flush()  # its row is locked before bookings, as who makes a batch does
        mark_seen(session, run_id)
        if manifest.batches_included is not None:
            mark_included(session, source, manifest.batches_included)
        if "payers" in merged.counts:
            match_all(session)
        documents.ring(session, source_id)
        record_act(session, "exchange.imported", subject="import_run", subject_id=run_id)
        _report(session, run_id, manifest, RunState.APPLIED, merged)
    return merged


def _find_too_much(merge: Merge, source: Source) -> Held | None:
    """A file of half a gmina looks like any other full file; the difference is how much it would close."""
    vanishing = merge.list_vanishing()
    if sum(each.number for each in vanishing) <= FEW_DEBTS:
        return None
    held = Held(merge.count_open(), vanishing)
    return held if 100 * held.closing > source.most_closing * held.counts["debts"]["open"] else None


def _hold(tenant: Tenant, run_id: UUID, manifest: Manifest, held: Held) -> RunState:
    with tenant.session() as session:
        run = lock_run(session, run_id)
        if run.state is not RunState.RUNNING or held.is_agreed(run):
            return run.state  # an official has agreed meanwhile to what another errand had found
        run.move_to(RunState.HELD)
        run.consented_by = None
        run.number, run.kind, run.as_of, run.totals = manifest.number, manifest.kind, manifest.as_of, _totals(manifest)
        run.counts = held.counts
    log.warning("import.held", tenant=tenant.id, run=str(run_id), **held.counts["debts"])
    return RunState.HELD


@dataclass
class Progress:
    """How far a file has been read, told about once a second in transactions of its own, so that others see it."""

    tenant: Tenant
    run_id: UUID
    stream: BinaryIO
    told_at: float = field(default_factory=monotonic)

    def tell(self, *, at_once: bool = False) -> None:
        if not at_once and monotonic() - self.told_at < TELL_EVERY:
            return
        self.told_at = monotonic()
        place = self.stream.tell()
        try:
            with self.tenant.session() as session:
                session.execute(update(ImportRun).where(ImportRun.id == self.run_id).values(bytes_read=place))
        except (OperationalError, PoolTimeout) as error:  # who waits sees less; the file is read all the same
            log.warning("import.progress", run=str(self.run_id), error=type(error).__name__)


def _lock_source(session: Session, source_id: str) -> Source:
    """One run at a time: another one waits here at most a little, and its file is looked at again later.

    The row of the source is nobody's meanwhile: hours are set, files registered and batches made while a file is read.
    """
    session.execute(text("SET LOCAL lock_timeout = '5s'"))
    alone = text("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/import/' || :source, 0))")
    session.execute(alone, {"source": source_id})
    session.execute(text("SET LOCAL lock_timeout = '60s'"))
    return session.get_one(Source, source_id)


def lock_run(session: Session, run_id: UUID) -> ImportRun:
    """Errands may run twice: what one did to a run, the other sees."""
    return session.scalars(select(ImportRun).where(ImportRun.id == run_id).with_for_update()).one()


def _raise_if(problems: list[FileProblem]) -> None:
    if problems:
        raise BrokenFile(problems[0].message, problems)


def refuse(
    tenant: Tenant, run_id: UUID, manifest: Manifest | None, message: str, problems: list[FileProblem]
) -> RunState:
    """Write down why. A file that somebody else has read meanwhile stays what it became: errands may run twice."""
    with tenant.session() as session:
        run = lock_run(session, run_id)
        if run.finished_at is not None:
            return run.state
        _report(session, run_id, manifest, RunState.REFUSED, None)
        run.message = message[:LONGEST_MESSAGE]
        session.add_all(
            ImportProblem(
                run_id=run_id,
                position=position,
                line=problem.line,
                code=problem.code,
                message=problem.message[:LONGEST_MESSAGE],
            )
            for position, problem in enumerate(problems)
        )
    log.warning("import.refused", tenant=tenant.id, run=str(run_id), problems=len(problems))
    return RunState.REFUSED


def _report(
    session: Session, run_id: UUID, manifest: Manifest | None, state: RunState, merged: Merged | None
) -> ImportRun:
    run = session.get_one(ImportRun, run_id)
    run.move_to(state)
    run.finished_at = clock.now()
    if manifest is not None:
        run.number, run.kind, run.as_of, run.totals = manifest.number, manifest.kind, manifest.as_of, _totals(manifest)
    if merged is not None:
        run.counts = merged.counts
    return run


def _totals(manifest: Manifest) -> dict[str, int]:
    return {name: value for name, value in asdict(manifest.totals).items() if value is not None}


RETRY = timedelta(seconds=5)


def ring_next(session: Session, source_id: str) -> None:
    """Files that came together are read one after another, without waiting for each one's next look."""
    waiting = session.scalar(
        select(ImportRun.id)
        .where(
            ImportRun.source == source_id,
            ImportRun.finished_at.is_(None),
            or_(ImportRun.due_at.is_(None), ImportRun.due_at <= clock.now()),
        )
        .order_by(ImportRun.id)
        .limit(1)
    )
    if waiting is not None:
        publish(session, "exchange.file_arrived", waiting)


def finish(spool: Spool, run: ImportRun, state: RunState) -> None:
    """Put the read file away. Repeating it after a crash finds nothing left to do."""
    spool.put_away(run.file_name, str(run.id), KEPT_IN[state])


KEPT_IN = {RunState.APPLIED: "done", RunState.TRIED: "tried", RunState.REFUSED: "refused"}
