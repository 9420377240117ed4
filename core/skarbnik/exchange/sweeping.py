"""What nobody needs any more goes from the folders of a source, every night: it holds everybody's data.

A file of a run that waits, runs or is held is never touched. Whoever is killed in between leaves the rest to the next
night.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select

from skarbnik import clock
from skarbnik.exchange import documents, imports
from skarbnik.exchange.models import ImportRun
from skarbnik.exchange.spool import Lying, Spool
from skarbnik.exchange.systems import spool_of
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

TOPIC = "exchange.sweep"
AT = time(3, 0)  # in Poland
TRIED_FOR = timedelta(days=7)  # whoever tried a file applies it in this week or brings it again
NOBODYS_FOR = timedelta(days=1)  # a file is registered seconds after it came: by then its sender was killed
PARTS_FOR = timedelta(days=7)  # a fetch is continued within hours, or its source is not asked any more
AT_ONCE = 500


def sweep(tenant: Tenant, source_id: str) -> int:
    """How many files went."""
    spool = spool_of(tenant, source_id)
    gone = sum(
        _sweep_one(spool, lying, run)
        for way in ("tried", "reading")
        for page in _pages(spool.list_lying(way))
        for lying, run in _with_runs(tenant, page)
    )
    gone += sum(_drop(lying, PARTS_FOR) for lying in spool.list_lying("fetching") if lying.is_part)
    documents.drop_halves(spool)
    if gone:
        log.info("spool.swept", source=source_id, files=gone)
    return gone


def _pages(lying: Sequence[Lying]) -> Iterator[Sequence[Lying]]:
    for start in range(0, len(lying), AT_ONCE):
        yield lying[start : start + AT_ONCE]


def _with_runs(tenant: Tenant, page: Sequence[Lying]) -> list[tuple[Lying, ImportRun | None]]:
    """The files were listed first: a run that is not there now was not there when its file had this age."""
    with tenant.session() as session:
        query = select(ImportRun).where(ImportRun.id.in_([each.run_id for each in page if each.run_id]))
        runs: dict[UUID | None, ImportRun] = {run.id: run for run in session.scalars(query)}
    return [(each, runs.get(each.run_id)) for each in page]


def _sweep_one(spool: Spool, lying: Lying, run: ImportRun | None) -> bool:
    if run is None:
        return _drop(lying, TRIED_FOR if lying.way == "tried" else NOBODYS_FOR)
    if run.finished_at is None:
        return False
    if lying.way == "reading":
        imports.finish(spool, run, run.state)  # its errand was killed before it came to this, and parked
        return False
    if run.finished_at > clock.now() - TRIED_FOR:
        return False
    lying.path.unlink(missing_ok=True)
    return True


def _drop(lying: Lying, age: timedelta) -> bool:
    if lying.changed_at > clock.now() - age:
        return False
    lying.path.unlink(missing_ok=True)
    return True
