"""Connecting a finance system to a gmina, and when it is read."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import Conflict, NotFound
from skarbnik.exchange.asking import begin_asking_for_documents
from skarbnik.exchange.fetching import begin_asking, end_asking
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.models import Source
from skarbnik.outbox import publish


def connect_source(
    session: Session,
    source_id: str,
    *,
    plugin: str,
    title: str,
    tenant_code: str,
    settings_version: int,
    remote: bool = False,
) -> Source:
    """A finance system that knows the gmina by a code. The same one again takes the new code and settings.

    With `remote` it is asked for files over HTTP from now on.

    Conflict when the system calls another gmina by that code: files of one would be read by both.
    """
    claimed = session.execute(
        text("SELECT work.claim_exchange_code(:plugin, :code)"), {"plugin": plugin, "code": tenant_code}
    ).scalar_one()
    if not claimed:
        raise Conflict(f"{plugin} calls another gmina {tenant_code}")
    source = session.get(Source, source_id)
    if source is None:
        source = Source(id=source_id, plugin=plugin, title=title)
    elif source.plugin != plugin:
        raise Conflict(f"source {source_id} is one of {source.plugin}")
    source.tenant_code, source.settings_version = tenant_code, settings_version
    session.add(source)
    if remote:
        begin_asking(session, source)
        begin_asking_for_documents(session, source)
    else:
        end_asking(source)
    return source


def set_source(session: Session, source_id: str, *, hours: str | None, most_closing: int) -> bool:
    """When its files are read and batches sent, and how much a file closes unasked. False when it was so before.

    What waits for the old hours looks at the new ones.
    """
    query = select(Source).where(Source.id == source_id).with_for_update(key_share=True)
    source = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if source is None:
        raise NotFound(f"no finance system {source_id}")
    if (source.hours, source.most_closing) == (hours, most_closing):
        return False
    if hours != source.hours:
        publish(session, "exchange.bookings_wait", new_id())
        if source.fetch_key is not None:
            begin_asking(session, source, at=next_moment(hours, clock.now()))
    source.hours, source.most_closing = hours, most_closing
    return True
