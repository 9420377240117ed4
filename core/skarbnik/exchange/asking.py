"""PDFs asked for over HTTP, for the rows that wait for one: a few at a time, each again later and later.

A source has one errand for them; `Source.documents_key` names it, as `fetch_key` does for its files. How long a system
that does not answer is left alone the errand of its files decides.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import ExternalSystemError, Misconfigured, Nonsense, Refused
from skarbnik.exchange.documents import WAITS, Waiting, keep, mark_all, place_of
from skarbnik.exchange.models import Source
from skarbnik.exchange.spool import Spool
from skarbnik.exchange.systems import open_remote, spool_of
from skarbnik.outbox import publish
from skarbnik.plugin_api import RemoteFile, RemoteFiles
from skarbnik.receivables.models import Document, DocumentTrouble
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

TOPIC = "exchange.fetch_documents"
AT_ONCE = 50  # documents; then others have their turn
LONGEST = 300.0  # seconds, after which no further one is begun
AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))  # asked in vain so often
IN_A_MOMENT = timedelta(minutes=1)


def begin_asking_for_documents(session: Session, source: Source) -> None:
    """Ask for what waits from now on; an errand that asked before ends."""
    source.documents_key = new_id()
    publish(session, TOPIC, source.documents_key)


def begin_where_asked(session: Session, source_id: str) -> None:
    """Of a source that is asked over HTTP, when something waits that may be asked for now."""
    source = session.get_one(Source, source_id, with_for_update={"key_share": True}, populate_existing=True)
    moment = _next_moment(session, source_id)
    if source.fetch_key is not None and moment is not None and moment <= clock.now():
        begin_asking_for_documents(session, source)


def fetch_documents(tenant: Tenant, source: Source) -> datetime | None:
    """Ask for what is due, as much as there is time for. When to ask again; None when nothing waits any more.

    No transaction is open while we talk. Busy when another worker is at it.
    """
    if source.fetch_key is None:
        return None
    if source.fetch_error is not None and source.next_fetch_at is not None and source.next_fetch_at > clock.now():
        return source.next_fetch_at + IN_A_MOMENT  # its files are asked for first: one question tells enough
    remote = open_remote(tenant, source)
    if remote is None or not remote.offers_documents:
        return None
    spool, began = spool_of(tenant, source.id).make(), time.monotonic()
    with spool.alone("documents"):
        for each in _list_due(tenant, source.id):
            try:
                trouble = _fetch(spool, remote, each)
            except Exception as error:  # of the system, the line, the disk or the plugin: others have their turn first
                expected = isinstance(error, ExternalSystemError | OSError)
                log.warning("document.not_fetched", source=source.id, error=type(error).__name__, exc_info=not expected)
                _settle(tenant, spool, source.id, each, None)
                is_cut = isinstance(error, ExternalSystemError) and not isinstance(error, Misconfigured)
                return clock.now() + (IN_A_MOMENT if is_cut else AFTER[0])
            _settle(tenant, spool, source.id, each, trouble)
            if time.monotonic() - began > LONGEST:
                break
    with tenant.session() as session:
        return _next_moment(session, source.id)


def _list_due(tenant: Tenant, source_id: str) -> Sequence[Waiting]:
    """Who waits longest first, and the same bytes once, whatever number of rows names them."""
    query = (
        select(Document.id, Document.sha256, Document.size, Document.trouble)
        .where(Document.source == source_id, WAITS, Document.ask_at <= clock.now())
        .order_by(Document.ask_at)
        .limit(AT_ONCE)
    )
    with tenant.session() as session:
        return list({(each.sha256, each.size): each for each in session.execute(query)}.values())


def _next_moment(session: Session, source_id: str) -> datetime | None:
    query = select(Document.ask_at).where(Document.source == source_id, WAITS, Document.ask_at.is_not(None))
    return session.scalar(query.order_by(Document.ask_at).limit(1))


def _fetch(spool: Spool, remote: RemoteFiles, each: Waiting) -> DocumentTrouble | None:
    """Whole and looked at, or why it is not kept. What came before a cut is kept for an hour and continued."""
    if place_of(spool, each.sha256).is_file():
        return None
    part = spool.root / "documents" / "part" / f"{each.sha256}.fetched"
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _complete(spool, remote, each, part)
    except (Nonsense, Refused):
        part.unlink(missing_ok=True)
        return DocumentTrouble.NOT_GIVEN
    with part.open("rb") as file:
        trouble = keep(spool, each.sha256, file)
    part.unlink()
    return trouble


def _complete(spool: Spool, remote: RemoteFiles, each: Waiting, part: Path) -> None:
    had = part.stat().st_size if part.exists() else 0
    if had == each.size:
        return
    spool.need_room(each.size)
    with part.open("r+b" if 0 < had < each.size else "wb") as into:
        had = into.seek(0, os.SEEK_END)
        remote.download_document(RemoteFile(f"{each.sha256}.pdf", each.size, each.sha256), into, had)
        if into.seek(0, os.SEEK_END) < each.size:
            raise Nonsense("the whole answer is shorter than the document")  # a cut one raises by itself


def _settle(tenant: Tenant, spool: Spool, source_id: str, each: Waiting, trouble: DocumentTrouble | None) -> None:
    """Note it on every row that names these bytes; who still waits is asked for again later and later."""
    waits = (Document.source == source_id) & (Document.sha256 == each.sha256) & WAITS
    if place_of(spool, each.sha256).is_file():
        mark_all(tenant, spool, source_id, each.sha256)
    with tenant.session() as session:
        asks = session.scalar(select(func.max(Document.asks)).where(waits))
        if asks is not None:
            later = clock.now() + AFTER[min(asks, len(AFTER) - 1)]
            values = {"asks": asks + 1, "ask_at": later} | ({"trouble": trouble} if trouble is not None else {})
            session.execute(update(Document).where(waits).values(**values))
