"""Connecting a finance system to a gmina."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from skarbnik.errors import Conflict
from skarbnik.exchange.fetching import begin_asking, end_asking
from skarbnik.exchange.models import Source


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
    else:
        end_asking(source)
    return source
