"""Running errands: who hears which topic, and what becomes of a row whose work failed.

A message of the queue holds only ids of outbox rows; the rows are the truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from skarbnik import outbox
from skarbnik.accounts import closing, provider_sign_out, registration
from skarbnik.audit import sealing
from skarbnik.errors import NotFound, SkarbnikError
from skarbnik.exchange import tasks as exchange
from skarbnik.mail import tasks as mail
from skarbnik.office import tending
from skarbnik.outbox import Again, Errand
from skarbnik.payers import matching
from skarbnik.payments import refund_tasks, settling
from skarbnik.payments import tasks as payments
from skarbnik.portal import closed, mandate_mail
from skarbnik.portal import tasks as portal
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

Subscriber = Callable[[Tenant, UUID], Again | None]

# Who hears what. The prefix of a topic is the queue its errands wait in, so imports do not stand before payments.
SUBSCRIBERS: dict[str, Subscriber] = {
    "payments.ask": payments.ask,
    "payments.notified": payments.notified,
    "payments.refund": refund_tasks.refund,
    "payments.refund_notified": refund_tasks.refund_notified,
    "payments.paid": portal.confirm_payment,
    "payments.part_paid": portal.confirm_part,
    "payments.refunded": portal.tell_refunded,
    "settlements.every_night": settling.every_night,
    "settlements.ask": settling.ask_now,
    "settlements.match": settling.match_again,
    "exchange.file_arrived": exchange.read_file,
    "exchange.documents_wait": exchange.take_documents,
    "exchange.sweep": exchange.sweep,
    "exchange.fetch_documents": exchange.fetch_documents,
    "exchange.fetch": exchange.fetch,
    "exchange.fetch_now": exchange.fetch_now,
    "exchange.bookings_wait": exchange.make_batches,
    "exchange.batch_made": exchange.deliver_batch,
    "remark.answered": portal.tell_answered,
    "account.registration_due": registration.remove_due,
    "account.closed": closed.account_closed,
    "account.erase": closing.erase_from_plugins,
    "account.forget": closing.forget,
    "mail.asked": mail.deliver,
    "account.sign_out": provider_sign_out.end_there,
    "account.identified": matching.match,
    "account.mandate_decided": mandate_mail.tell_decided,
    "account.mandate_ended": mandate_mail.tell_ended,
    "audit.seal": sealing.seal,
    "audit.tend": tending.tend,
}
QUEUES = ("payments", "settlements", "exchange", "remark", "account", "mail", "audit")
RENEW_EVERY = 5.0


class NeverCameBack(SkarbnikError):
    """Whoever began this errand was not heard of again, once too often."""


class Runner:
    """Runs the errands of one process, and keeps the leases of those it is at."""

    def __init__(self, instance: Instance, subscribers: Mapping[str, Subscriber] = SUBSCRIBERS) -> None:
        self.instance = instance
        self.subscribers = subscribers
        self._active: set[int] = set()
        self._lock = threading.Lock()

    def run(self, ids: list[int]) -> None:
        """Do what these rows ask for, each on its own: one that fails does not keep the others."""
        with self._lock:
            mine = [errand_id for errand_id in ids if errand_id not in self._active]
            self._active.update(mine)
        try:
            for errand_id in mine:
                with self.instance.engine.begin() as connection:
                    errand = outbox.begin(connection, errand_id)
                if errand is not None:
                    self._run(errand)
                with self._lock:
                    self._active.discard(errand_id)
        finally:
            with self._lock:
                self._active.difference_update(mine)

    def _run(self, errand: Errand) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(tenant=errand.tenant_id, topic=errand.topic, errand=errand.id)
        try:
            if errand.attempts > outbox.MOST_ATTEMPTS:
                raise NeverCameBack(f"started {errand.attempts - 1} times, and its worker died each time")
            subscriber = self.subscribers.get(errand.topic)
            if subscriber is None:
                raise NotFound(f"nobody subscribed {errand.topic}")
            answer = subscriber(self.instance.registry.get(errand.tenant_id), errand.subject_id)
        except Exception as error:  # whatever it is, the errand goes back and the next one is done
            with self.instance.engine.begin() as connection:
                parked = outbox.give_back(connection, errand, reason=_reason(error))
            log.error("errand.failed", attempts=errand.attempts, parked=parked, exc_info=error)
            return
        with self.instance.engine.begin() as connection:
            if answer is None:
                outbox.take_off(connection, errand)
            else:
                outbox.put_off(connection, errand, until=answer.at)

    def keep_leases(self) -> None:
        """Renew the leases of what is being worked on, so that only a killed process's errands are claimed again."""
        with self._lock:
            ids = list(self._active)
        if ids:
            with self.instance.engine.begin() as connection:
                outbox.keep(connection, ids)

    def keep_leases_for_ever(self) -> None:
        stopped = threading.Event()
        while not stopped.wait(RENEW_EVERY):
            try:
                self.keep_leases()
            except Exception as error:  # a lease that is not renewed is only work done twice
                log.warning("lease.not_renewed", error=type(error).__name__)


def _reason(error: Exception) -> str:
    """Why, for a person who mends it. PostgreSQL's own words may repeat a whole row of somebody's data: not those."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        return f"{type(cause).__name__}: {cause.sqlstate}"
    return f"{type(error).__name__}: {error}"
