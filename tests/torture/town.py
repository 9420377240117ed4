"""Residents of a round: each does one thing with one basket, as people do, and never gives up at the first cut."""

from __future__ import annotations

import heapq
import http.client
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, TypeVar

from skarbnik.testing.stack import Stack
from skarbnik.testing.visitor import Fields, Page, Refused, Visitor, call

T = TypeVar("T")

WHO = ("anna.kowalska", "jan.kowalski", "piekarnia", "dlugie.nazwisko", "zalegly", "nadplata")
WEIGHTS = (1, 1, 2, 20, 5, 1)  # by what they owe
DEEDS = {
    "pays": 48,
    "double clicks": 12,
    "orders twice and pays twice": 8,
    "cancels": 7,
    "cancels and pays again": 7,
    "leaves": 4,
    "pays late": 14,
}
BUSY = 503  # the database is away: "try again in a moment", which people do
PATIENCE = 45.0  # seconds somebody goes on trying after a cut connection


class Brought500(Exception):
    """A page answered with an error of its own, which no killed process excuses."""


class Payment(NamedTuple):
    """A payment somebody was sent to: an order of PayU, a token of Przelewy24."""

    gateway: str
    reference: str


class NobodyGetsIn(Exception):
    """The product does not work before anything is broken."""


@dataclass
class Diary:
    """What happened on the residents' side. Threads write into it."""

    deeds: Counter[str] = field(default_factory=Counter)
    cuts: int = 0  # connections that a killed process cut
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, deed: str) -> None:
        with self.lock:
            self.deeds[deed] += 1


class Crowd:
    """All residents of a round. The seed decides who does what with which basket; the machine decides when."""

    def __init__(self, stack: Stack, *, seed: int, payments: int, seconds: float) -> None:
        self.stack = stack
        self.chance = Random(f"crowd {seed}")
        self.payments = payments
        self.seconds = seconds
        self.diary = Diary()
        self._people: dict[tuple[str, str], Visitor] = {}
        self._owed: dict[tuple[str, str], list[str]] = {}
        self._late: list[tuple[float, Payment]] = []
        self._lock = threading.Lock()

    def sign_in(self) -> None:
        for slug in self.stack.towns:
            for who in WHO:
                visitor = self._people[slug, who] = Visitor(self.stack, slug)
                if (page := visitor.sign_in(who)).status != 200:
                    raise NobodyGetsIn(f"{who}: {page.status} at {page.path}")
                pages = [visitor.get(f"/receivables?page={page}") for page in range(1, 5)]
                self._owed[slug, who] = sorted({each for page in pages for each in page.fields("i")})

    def live(self, *beside: Callable[[], None]) -> None:
        """About so many payments in about so many seconds, by six people at a time, and the late ones meanwhile."""
        began = time.monotonic()
        plans = [self._plan() for _ in range(self.payments)]
        with ThreadPoolExecutor(7 + len(beside)) as pool:
            late = pool.submit(self._pay_late, began + self.seconds)
            for others in beside:
                pool.submit(self._noted, others)
            for slug in self.stack.towns:
                for turn in range(2):
                    pool.submit(self._noted, self._co_owners, slug, turn)
            for place, (slug, who, deed, dice) in enumerate(plans):
                starts = began + place * self.seconds * 0.9 / len(plans)
                pool.submit(self._noted, self._at, starts, slug, who, deed, dice)
            late.result()

    def _plan(self) -> tuple[str, str, str, Random]:
        chance = self.chance
        slug = chance.choice(sorted(self.stack.towns))
        who = chance.choices(WHO, WEIGHTS)[0]
        deed = chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        return slug, who, deed, Random(chance.random())

    def _noted(self, act: Callable[..., None], *words: object) -> None:
        try:
            act(*words)
        except Exception as error:  # one person's trouble is written down and does not end the others' day
            with self.diary.lock:
                self.diary.errors.append(f"{type(error).__name__}: {error}")

    def _at(self, starts: float, slug: str, who: str, deed: str, dice: Random) -> None:
        time.sleep(max(0.0, starts - time.monotonic()))
        visitor = self._people[slug, who]
        basket = dice.sample(self._owed[slug, who], min(dice.choice((1, 1, 1, 2, 3)), len(self._owed[slug, who])))
        fields = self._look(visitor, basket)
        if not any(name == "i" for name, _ in fields):
            return self.diary.note("found nothing left")
        self.diary.note(deed)
        fields.append(("gateway", dice.choice(("payu", "przelewy24"))))  # where there is no choice nobody reads it
        if deed == "double clicks":
            with ThreadPoolExecutor(2) as pool:
                pages = list(pool.map(lambda _: self._order(visitor, fields), range(2)))
            for order in {payment_of(page) for page in pages} - {None}:
                self._pay(order)
            return None
        page = self._order(visitor, fields)
        order = payment_of(page)
        if deed == "orders twice and pays twice":
            again = self._order(visitor, self._look(visitor, basket))
            self._pay(order)
            self._pay(payment_of(again))
        elif deed == "pays":
            self._pay(order)
        elif deed.startswith("cancels"):
            self._tell(order, "cancel")
            if deed == "cancels and pays again":
                self._pay_again(visitor, page)
        elif deed == "pays late" and order is not None:
            with self._lock:
                heapq.heappush(self._late, (time.monotonic() + dice.uniform(3, self.seconds / 2), order))
        return None

    def _co_owners(self, slug: str, turn: int) -> None:
        """Both look at the same instalment of their house, both order, both pay."""
        both = [self._people[slug, who] for who in ("anna.kowalska", "jan.kowalski")]
        shared = sorted(set(self._owed[slug, "anna.kowalska"]) & set(self._owed[slug, "jan.kowalski"]))
        if turn >= len(shared):
            return
        self.diary.note("two co-owners pay the same")
        forms = [self._look(each, [shared[turn]]) for each in both]
        with ThreadPoolExecutor(2) as pool:
            pages = list(pool.map(self._order, both, forms))
            list(pool.map(lambda page: self._pay(payment_of(page)), pages))

    def _look(self, visitor: Visitor, basket: list[str]) -> Fields:
        return self.persist(lambda: visitor.review(basket)).order_fields()

    def _order(self, visitor: Visitor, fields: Fields) -> Page:
        """Send the form, and send the same form again when nothing came back."""
        if not any(name == "i" for name, _ in fields):
            return Page(404, "", "")
        return self.persist(lambda: visitor.post("/payments", fields))

    def _pay_again(self, visitor: Visitor, page: Page) -> None:
        if not page.path.startswith("/payments/"):
            return
        number = page.path.split("/")[2]
        time.sleep(1.0)  # the news that the first attempt failed takes its time
        seen = self.persist(lambda: visitor.get(f"/payments/{number}"))
        tokens = seen.fields("csrf_token")
        fields = [("csrf_token", tokens[-1]), *(("rest", each) for each in seen.fields("rest"))] if tokens else []
        again = self.persist(lambda: visitor.post(f"/payments/{number}/pay", fields))
        self._pay(payment_of(again))

    def _pay(self, payment: Payment | None) -> None:
        self._tell(payment, "pay")

    def _tell(self, payment: Payment | None, deed: str) -> None:
        if payment is None:
            return self.diary.note("was not sent to the gateway")
        try:
            if payment.gateway == "payu":
                call(f"{self.stack.payu_url}/_sim/orders/{payment.reference}/{deed}", {})
            elif deed == "pay":  # who cancels there just goes back
                session = self._session_of(payment.reference)
                call(f"{self.stack.przelewy24_url}/_sim/transactions/{session}/pay", {"late": True})
        except Refused as refused:
            if refused.status != 409:  # paid or cancelled already
                raise
        return None

    def _session_of(self, token: str) -> str:
        """Whose page at Przelewy24 it is, as its ledger knows."""
        ledger = sqlite3.connect(f"file:{self.stack.folder / 'przelewy24.sqlite'}?mode=ro", uri=True)
        try:
            (session,) = ledger.execute(
                "SELECT session_id FROM tokens JOIN transactions USING (number) WHERE token = ?", (token,)
            ).fetchone()
        finally:
            ledger.close()
        return str(session)

    def _pay_late(self, until: float) -> None:
        while time.monotonic() < until or self._late:
            with self._lock:
                due = heapq.heappop(self._late)[1] if self._late and self._late[0][0] <= time.monotonic() else None
            if due is None:
                time.sleep(0.1)
            else:
                self._noted(self._pay, due)

    def persist(self, act: Callable[[], T]) -> T:
        """Again after a cut connection, as people do who press the button again. An error page is not excused."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                found = act()
            except (OSError, http.client.HTTPException):
                self._cut()
                continue
            if isinstance(found, Page) and found.status == BUSY:
                self._cut()
                continue
            if isinstance(found, Page) and found.status >= 500:
                raise Brought500(f"{found.status} at {found.path}")
            return found
        raise TimeoutError("the page stayed away")

    def _cut(self) -> None:
        with self.diary.lock:
            self.diary.cuts += 1
        time.sleep(0.4)


def payment_of(page: Page) -> Payment | None:
    """Where a page on the way to a gateway leads."""
    if order := page.payu_order():
        return Payment("payu", order)
    token = page.przelewy24_token()
    return Payment("przelewy24", token) if token else None
