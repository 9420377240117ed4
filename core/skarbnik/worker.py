"""The worker: dramatiq actors that run errands.

`python -m dramatiq skarbnik.worker`
"""

from __future__ import annotations

import threading

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from skarbnik.errands import QUEUES, Runner
from skarbnik.logs import set_up_logs
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance

LONGEST = 6 * 3600 * 1000  # milliseconds; an import of a large city takes a while, and its lease is renewed

settings = read_settings()
set_up_logs(settings.log)
broker = RedisBroker(url=settings.redis_url, heartbeat_timeout=15_000)  # type: ignore[no-untyped-call]  # dramatiq types it not
dramatiq.set_broker(broker)
runner = Runner(Instance(settings, pool=10))


def run_errands(ids: list[int]) -> None:
    runner.run(ids)


for _queue in QUEUES:
    dramatiq.actor(actor_name=f"run_{_queue}", queue_name=_queue, max_retries=0, time_limit=LONGEST)(run_errands)

threading.Thread(target=runner.keep_leases_for_ever, name="leases", daemon=True).start()
