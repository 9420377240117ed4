"""Background work of the exchange. Each errand is safe to run twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from skarbnik import clock
from skarbnik.errors import BrokenFile, FileProblem
from skarbnik.exchange import batches, documents, imports
from skarbnik.exchange.models import BookingBatch, ImportRun, Source
from skarbnik.exchange.spool import Spool, open_spool
from skarbnik.exchange.states import RunState
from skarbnik.outbox import Again
from skarbnik.plugin_api import FileKind, FinanceSystem
from skarbnik.receivables.models import Document
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

GIVE_WAY = timedelta(days=1)  # a file that could not be read for so long is a person's matter, and bars no other
LARGEST_ACKNOWLEDGEMENT = 32 * 1024 * 1024


def open_system(tenant: Tenant, source: Source) -> FinanceSystem:
    """The plugin of a source with the settings this gmina gave it."""
    system_type = tenant.instance.plugins.finance_systems[source.plugin]
    with tenant.session() as session:
        settings = get_settings(session, tenant, f"source:{source.id}", system_type.settings_type)
    return system_type(settings)


def spool_of(tenant: Tenant, source_id: str) -> Spool:
    return open_spool(tenant.instance.settings.files, tenant.id, source_id)


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
                ImportRun.registered_at > clock.now() - GIVE_WAY,
                or_(ImportRun.due_at.is_(None), ImportRun.due_at <= clock.now()),
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
            state = _read_acknowledgement(tenant, system, run_id, path)
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
    if state is RunState.HELD:
        return None
    imports.finish(spool, run, state)
    with tenant.session() as session:
        imports.ring_next(session, source.id)
    return None


def _read_acknowledgement(tenant: Tenant, system: FinanceSystem, run_id: UUID, path: Path) -> RunState:
    if path.stat().st_size > LARGEST_ACKNOWLEDGEMENT:
        message = f"Potwierdzenie jest większe niż {LARGEST_ACKNOWLEDGEMENT // 1024**2} MB."
        raise BrokenFile(message, [FileProblem(None, "too-large", message)])
    answer = system.read_acknowledgement(path.read_bytes())
    with tenant.session() as session:
        run = session.get_one(ImportRun, run_id)
        run.counts = {"bookings": batches.apply_acknowledgement(session, session.get_one(Source, run.source), answer)}
        run.move_to(RunState.APPLIED)
        run.started_at = run.finished_at = clock.now()
    return RunState.APPLIED


def take_documents(tenant: Tenant, document_id: UUID) -> None:
    """Look for the bytes of all documents that the source of this one waits for. No transaction is open meanwhile."""
    with tenant.session() as session:
        source_id = session.get_one(Document, document_id).source
    spool, after = spool_of(tenant, source_id), None
    while True:
        with tenant.session() as session:
            waiting = documents.list_waiting(session, source_id, after=after)
        if not waiting:
            break
        found = [(each, documents.take(spool, each.sha256, each.size)) for each in waiting]
        with tenant.session() as session:
            for each, trouble in found:
                documents.mark(session, each, trouble)
        after = waiting[-1].id
    documents.tidy(spool)


def make_batches(tenant: Tenant, subject_id: UUID) -> None:
    """Bookings wait: put them into batches, whoever rang. A source that is in trouble does not keep the others."""
    with tenant.session() as session:
        sources = list(session.scalars(select(Source).order_by(Source.id)))
    troubles: list[Exception] = []
    for source in sources:
        try:
            _make_batches_of(tenant, source)
        except Exception as error:  # whatever a plugin raises: it is raised again when all had their turn
            troubles.append(error)
    if troubles:
        raise troubles[0]


def _make_batches_of(tenant: Tenant, source: Source) -> None:
    system = open_system(tenant, source)
    made = True
    while made:
        with tenant.session() as session:
            made = batches.make_batch(session, source.id, system) is not None


def deliver_batch(tenant: Tenant, batch_id: UUID) -> None:
    """Lay an immutable batch into the outgoing folder."""
    with tenant.session() as session:
        batch = session.get_one(BookingBatch, batch_id)
    spool_of(tenant, batch.source).make().deliver(batch.file_name, batch.content)
    with tenant.session() as session:
        batches.mark_delivered(session, batch_id)
