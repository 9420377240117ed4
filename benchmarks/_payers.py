"""Payers who order at random until standard input says stop; tells on standard output how long they waited."""

from __future__ import annotations

import json
import random
import statistics
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import text

from skarbnik.money import Amounts, Money
from skarbnik.payments.ordering import BasketChanged, Chosen, order_payment
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.registry import Tenant

THREADS = 4
EVERY = 0.05  # seconds between two orders of one thread: some sixty a second altogether
CHOICE = text("""
    SELECT l.payer_id, i.id, i.principal, i.interest, i.costs FROM instalments i
    JOIN liabilities l ON l.receivable_id = i.receivable_id
    WHERE i.id >= CAST(:place AS uuid) AND i.closed_at IS NULL ORDER BY i.id LIMIT 1
""")
BOUNDS = text("SELECT min(id::text)::uuid, max(id::text)::uuid FROM instalments")


class Payers:
    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.waited: list[float] = []
        self.outcomes: Counter[str] = Counter()
        self.stopped = threading.Event()
        with tenant.session() as session:
            self.first, self.last = session.execute(BOUNDS).one()

    def go(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self.stopped.wait(EVERY):
            place = chance.randint(self.first.int, self.last.int)
            began = time.perf_counter()
            try:
                self.order(f"{place:032x}")
            except BasketChanged:
                self.outcomes["changed"] += 1
            except Exception as error:
                self.outcomes[f"error {type(error).__name__}: {error}"[:200]] += 1
            self.waited.append(time.perf_counter() - began)

    def order(self, place: str) -> None:
        with self.tenant.session() as session:
            row = session.execute(CHOICE, {"place": place}).one()
            amounts = Amounts(Money(row.principal), Money(row.interest), Money(row.costs))
        with self.tenant.session() as session:
            order_payment(
                session,
                request_key=uuid4(),
                payer_id=row.payer_id,
                user_id=None,
                chosen=[Chosen(row.id, amounts)],
                email=None,
                language="pl",
            )


def main() -> None:
    tenant = Instance(read_settings(), pool=THREADS).registry.get_by_slug(sys.argv[1])
    payers = Payers(tenant)
    with ThreadPoolExecutor(THREADS) as pool:
        going = [pool.submit(payers.go, seed) for seed in range(THREADS)]
        print("ready", flush=True)
        sys.stdin.readline()
        payers.stopped.set()
        for each in going:
            each.result()
    waited = sorted(payers.waited)
    told = {
        "orders": len(waited),
        "changed": payers.outcomes["changed"],
        "errors": {name: number for name, number in payers.outcomes.items() if name != "changed"},
        "median": statistics.median(waited),
        "p95": waited[int(len(waited) * 0.95)],
        "longest": waited[-1],
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
