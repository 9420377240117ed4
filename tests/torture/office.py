"""Visitors of a round: one proposes refunds, another decides, while everything dies around them too."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from random import Random

from tests.torture.town import Crowd

from skarbnik.testing.visitor import Fields, Page, Visitor

PAYMENT = re.compile(r'href="(/office/payments/[0-9A-Z]{5}-[0-9A-Z]{5})"')
FORM = re.compile(r'href="(/office/payments/[^"]+/captures/[^"]+/refund)"')
WHO = ("ksiegowa", "administrator")
EVERY = 1.5  # seconds


class Desk:
    """Two officials of each gmina. The seed decides what goes back, and whether the second one agrees."""

    def __init__(self, crowd: Crowd, *, seed: int) -> None:
        self.crowd = crowd
        self.chance = Random(f"office {seed}")
        self._pairs: list[tuple[Visitor, Visitor]] = []

    def sign_in(self, ahead: timedelta) -> None:
        """`ahead`: how far the product's clock goes before the real one."""
        for slug in self.crowd.stack.towns:
            first, second = (Visitor(self.crowd.stack, slug) for _ in WHO)
            for official, login in zip((first, second), WHO, strict=True):
                assert official.sign_in(login, office=True, ahead=ahead).status == 200
            self._pairs.append((first, second))

    def live(self) -> None:
        """One refund after another until the round is over."""
        until = time.monotonic() + self.crowd.seconds
        while time.monotonic() < until:
            time.sleep(EVERY)
            self._send_back(*self.chance.choice(self._pairs))

    def _send_back(self, first: Visitor, second: Visitor) -> None:
        persist = self.crowd.persist
        listed = sorted(set(PAYMENT.findall(persist(lambda: first.get("/office/payments?state=paid")).text)))
        if not listed:
            return None
        forms = FORM.findall(persist(lambda: first.get(self.chance.choice(listed))).text)
        if not forms:
            return None
        form = persist(lambda: first.get(forms[0]))
        fields = self._fill(form)
        made = persist(lambda: first.post(forms[0], fields))
        if "/refunds/" not in made.path:  # the answer was lost, and what is left is proposed already
            return self.crowd.diary.note("refund not proposed")
        page = persist(lambda: second.get(made.path))
        deed, reason = ("approve", "") if self.chance.random() < 0.85 else ("decline", "Nie ten zwrot")
        words = [("csrf_token", page.fields("csrf_token")[0]), ("reason", reason)]
        persist(lambda: second.post(f"{made.path}/{deed}", words))
        return self.crowd.diary.note(f"refund: {deed}")

    def _fill(self, form: Page) -> Fields:
        """All that is left, or a part of the first line."""
        amounts = [(name, value) for name, value in form.inputs() if name.startswith(("line_", "on_no_line"))]
        if self.chance.random() < 0.6:
            grosze = int(re.sub(r"[^0-9]", "", amounts[0][1]) or 0)
            part = self.chance.randint(1, max(grosze, 1))
            amounts = [(amounts[0][0], f"{part // 100},{part % 100:02d}"), *((name, "") for name, _ in amounts[1:])]
        token = ("csrf_token", form.fields("csrf_token")[0])
        return [token, *amounts, ("kind", "gateway"), ("reason", "Nadpłata")]
