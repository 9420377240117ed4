"""The scheduler: relay and sweep of the outbox, and the eye on incoming folders. Any number may run.

`python -m skarbnik.scheduler`
"""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from skarbnik import clock, outbox
from skarbnik.errands import QUEUES
from skarbnik.errors import NotFound
from skarbnik.exchange import documents, sweeping
from skarbnik.exchange.imports import register_arrivals
from skarbnik.exchange.models import Source
from skarbnik.exchange.spool import Spool, list_owners, list_spools
from skarbnik.logs import set_up_logs
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

RELAY_EVERY = 0.2
LOOK_EVERY = 2.0
CHUNK = 20
SLOW = {"exchange", "settlements", "audit"}  # an errand takes minutes there: others of its chunk would wait for it
QUIET = 5.0  # seconds without a change after which what lies in a folder of documents is asked for
PATIENCE = 60.0  # seconds after which it is asked for though more and more comes
MOST_WAITING = 200  # messages in a queue; more would only let leases run out there


class Scheduler:
    """One loop that never does the work itself: it rings."""

    def __init__(self, instance: Instance, broker: RedisBroker) -> None:
        self.instance = instance
        self.broker = broker
        self.stopping = threading.Event()
        self._looked_at = 0.0
        self._of_nobody: dict[Spool, int] = {}  # folders already told of, as they were then
        self._bells = Bells()
        self._swept_at: datetime | None = None

    def run(self) -> None:
        while not self.stopping.is_set():
            busy = False
            try:
                busy = self.relay()
                if time.monotonic() - self._looked_at > LOOK_EVERY:
                    self.look_into_folders()
                    self.ring_for_sweep()
                    self._looked_at = time.monotonic()
            except Exception as error:  # the database or Redis is away: rows and files wait, and so do we
                log.error(
                    "scheduler.waits", error=type(error).__name__, exc_info=not isinstance(error, SQLAlchemyError)
                )
                self.stopping.wait(1.0)
            if not busy:
                self.stopping.wait(RELAY_EVERY)

    def relay(self) -> bool:
        """Claim what is due and ring the workers. True when there may be more."""
        if self.waiting() > MOST_WAITING:
            return False
        with self.instance.engine.begin() as connection:
            errands = outbox.claim(connection)
        by_queue: dict[str, list[int]] = defaultdict(list)
        for errand in errands:
            by_queue[errand.topic.partition(".")[0]].append(errand.id)
        for queue, ids in by_queue.items():
            size = 1 if queue in SLOW else CHUNK
            for start in range(0, len(ids), size):
                self.ring(queue, ids[start : start + size])
        return len(errands) >= 200

    def ring(self, queue: str, ids: list[int]) -> None:
        self.broker.enqueue(
            dramatiq.Message(
                queue_name=queue, actor_name=f"run_{queue}", args=([*ids],), kwargs={}, options={"max_retries": 0}
            )
        )

    def waiting(self) -> int:
        return sum(int(self.broker.client.llen(f"{self.broker.namespace}:{queue}")) for queue in QUEUES)

    def look_into_folders(self) -> None:
        """Register what arrived. Looks only at folders that have something in them."""
        for tenant_id, source_id, spool in list_spools(self.instance.settings.files):
            try:
                tenant = self.instance.registry.get(tenant_id)
                if spool.has_arrivals():
                    self._look_into(tenant, source_id, spool)
                self._bells.notice(tenant_id, spool, spool.documents_changed_at(), time.monotonic())
            except NotFound:
                self._note_of_nobody(tenant_id, source_id, spool)
            except OperationalError:
                raise  # the database is away for all of them
            except Exception as error:  # what one gmina's folder holds must not keep the others' files waiting
                log.error("folder.failed", tenant=tenant_id, source=source_id, exc_info=error)
        self._ring_for_documents()

    def _ring_for_documents(self) -> None:
        """One statement, however many gminas PDFs came to. Where the last bell is not answered yet it is for later."""
        wanted = self._bells.list_due(time.monotonic())
        if wanted:
            with self.instance.engine.begin() as connection:
                rung = outbox.ring(connection, documents.TOPIC, wanted)
            self._bells.mark_rung(rung, time.monotonic())

    def ring_for_sweep(self) -> None:
        """Once a night, where there are folders; later in the day when nobody was there at night."""
        last = clock.now().astimezone(clock.WARSAW).replace(tzinfo=None)
        night = datetime.combine(last.date() - timedelta(days=last.time() < sweeping.AT), sweeping.AT)
        if night == self._swept_at:
            return
        owners = list_owners(self.instance.settings.files)
        with self.instance.engine.begin() as connection:
            if outbox.occurs(connection, sweeping.TOPIC, night):
                known = {tenant.id for tenant in self.instance.registry.list_all()}
                outbox.ring(connection, sweeping.TOPIC, owners & known)
        self._swept_at = night

    def _note_of_nobody(self, tenant_id: str, source_id: str, spool: Spool) -> None:
        """Say it once, and again when something else lies there."""
        with suppress(FileNotFoundError):
            changed_at = spool.incoming.stat().st_mtime_ns
            if self._of_nobody.get(spool) != changed_at:
                self._of_nobody[spool] = changed_at
                log.warning("folder.of_nobody", tenant=tenant_id, source=source_id)

    def _look_into(self, tenant: Tenant, source_id: str, spool: Spool) -> None:
        with tenant.session() as session:
            source = session.scalars(select(Source).where(Source.id == source_id)).one_or_none()
            system = self.instance.plugins.finance_systems.get(source.plugin) if source else None
            names = spool.list_arrived(system.file_pattern) if system else []
            if source and names:
                register_arrivals(session, source, names)


@dataclass
class Change:
    """What was noticed of a folder of documents, by the clock of this process: others' clocks may be wrong."""

    tenant_id: str
    changed_at: int  # as the folder tells it
    noticed_at: float
    since: float  # of the first change that nobody was rung for
    rung: bool = False


class Bells:
    """When to ring for PDFs: once they have all come, or now and then while they keep coming.

    A folder is listed as a whole, so a bell for each file of many would list it again and again.
    """

    def __init__(self) -> None:
        self._changes: dict[Spool, Change] = {}

    def notice(self, tenant_id: str, spool: Spool, changed_at: int, now: float) -> None:
        """How a folder is now; 0 when it is empty."""
        known = self._changes.get(spool)
        if changed_at == 0:
            self._changes.pop(spool, None)
        elif known is None or known.changed_at != changed_at:
            since = now if known is None or known.rung else known.since
            self._changes[spool] = Change(tenant_id, changed_at, now, since)

    def list_due(self, now: float) -> set[str]:
        """Gminas to ring."""
        return {each.tenant_id for each in self._changes.values() if not each.rung and _is_due(each, now)}

    def mark_rung(self, tenant_ids: set[str], now: float) -> None:
        """What still changes is rung for once more when it has come to rest."""
        for each in self._changes.values():
            if each.tenant_id in tenant_ids and _is_due(each, now):
                each.rung = now - each.noticed_at >= QUIET
                each.since = now


def _is_due(change: Change, now: float) -> bool:
    return now - change.noticed_at >= QUIET or now - change.since >= PATIENCE


def main() -> None:
    settings = read_settings()
    set_up_logs(settings.log)
    broker = RedisBroker(url=settings.redis_url)  # type: ignore[no-untyped-call]  # dramatiq types it not
    for queue in QUEUES:
        broker.declare_queue(queue)
    scheduler = Scheduler(Instance(settings, pool=2), broker)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: scheduler.stopping.set())
    log.info("scheduler.started")
    scheduler.run()


if __name__ == "__main__":
    main()
