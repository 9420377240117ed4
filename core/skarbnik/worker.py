"""The worker: dramatiq actors that run errands. A message holds only ids of outbox rows; the rows are the truth.

`python -m dramatiq skarbnik.worker`
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker

from skarbnik import outbox
from skarbnik.errors import NotFound
from skarbnik.exchange import tasks as exchange
from skarbnik.logs import set_up_logs
from skarbnik.mail import tasks as mail
from skarbnik.outbox import Again, Errand
from skarbnik.payments import tasks as payments
from skarbnik.portal import tasks as portal
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

Subscriber = Callable[[Tenant, UUID], Again | None]

# Who hears what. The prefix of a topic is the queue its errands wait in, so imports do not stand before payments.
SUBSCRIBERS: dict[str, Subscriber] = {
    "payments.ask": payments.ask,
    "payments.notified": payments.notified,
    "payments.paid": portal.confirm_payment,
    "exchange.file_arrived": exchange.read_file,
    "exchange.bookings_wait": exchange.make_batches,
    "exchange.batch_made": exchange.deliver_batch,
    "exchange.imported": portal.note_import,
    "mail.asked": mail.deliver,
}
QUEUES = ("payments", "exchange", "mail")
RENEW_EVERY = 5.0
LONGEST = 6 * 3600 * 1000  # milliseconds; an import of a large city takes a while, and its lease is renewed

settings = read_settings()
set_up_logs(settings.log)
broker = RedisBroker(url=settings.redis_url, heartbeat_timeout=15_000)  # type: ignore[no-untyped-call]  # dramatiq types it not
dramatiq.set_broker(broker)
instance = Instance(settings, pool=10)

_active: set[int] = set()
_active_lock = threading.Lock()


def run_errands(ids: list[int]) -> None:
    """Do what these rows ask for, each on its own: one that fails does not keep the others."""
    with instance.engine.begin() as connection:
        errands = outbox.find_errands(connection, ids)
    with _active_lock:
        mine = [errand for errand in errands if errand.id not in _active]
        _active.update(errand.id for errand in mine)
    try:
        for errand in mine:
            _run(errand)
    finally:
        with _active_lock:
            _active.difference_update(errand.id for errand in mine)


def _run(errand: Errand) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(tenant=errand.tenant_id, topic=errand.topic, errand=errand.id)
    try:
        subscriber = SUBSCRIBERS.get(errand.topic)
        if subscriber is None:
            raise NotFound(f"nobody subscribed {errand.topic}")
        answer = subscriber(instance.registry.get(errand.tenant_id), errand.subject_id)
    except Exception as error:  # whatever it is, the errand goes back and the next one is done
        with instance.engine.begin() as connection:
            parked = outbox.give_back(connection, errand, reason=f"{type(error).__name__}: {error}")
        log.error("errand.failed", attempts=errand.attempts, parked=parked, exc_info=error)
        return
    with instance.engine.begin() as connection:
        if answer is None:
            outbox.take_off(connection, errand)
        else:
            outbox.put_off(connection, errand, until=answer.at)


def _renew_leases() -> None:
    stopped = threading.Event()
    while not stopped.wait(RENEW_EVERY):
        with _active_lock:
            ids = list(_active)
        if ids:
            try:
                with instance.engine.begin() as connection:
                    outbox.keep(connection, ids)
            except Exception as error:  # a lease that is not renewed is only work done twice
                log.warning("lease.not_renewed", error=type(error).__name__)


for _queue in QUEUES:
    dramatiq.actor(actor_name=f"run_{_queue}", queue_name=_queue, max_retries=0, time_limit=LONGEST)(run_errands)

threading.Thread(target=_renew_leases, name="leases", daemon=True).start()
