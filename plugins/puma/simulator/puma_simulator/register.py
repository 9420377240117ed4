"""Entering payers and receivables of a seeded gmina, and what was paid before today."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from puma_simulator.documents import add_document
from puma_simulator.kinds import KINDS, REMINDER_COST, SUMMONS_COST
from puma_simulator.ledger import Ledger, Parts
from puma_simulator.money import written
from puma_simulator.numbers import nrb, payment_code
from puma_simulator.office import add_instalment
from puma_simulator.pdf import make_pdf
from puma_simulator.posting import left_to_pay, pay, regime_of


@dataclass(frozen=True)
class Share:
    payer: str
    role: str = "owner"
    part: int = 1
    whole: int = 1


@dataclass
class Register:
    """The clerk who types everything in. Two gminas get different chances, so different people and amounts."""

    ledger: Ledger
    name: str
    today: date
    chance: Random
    bank: str = "10901014"
    typed: int = field(default=0)

    @property
    def code(self) -> str:
        return self.ledger.gmina

    def kinds(self) -> None:
        """Waste fees go to the municipal company's account, everything else to the office's."""
        for kind in KINDS.values():
            account = nrb(self.bank, self.creditor * 10**12 + (2 if kind.code == "ODPADY" else 1))
            self.ledger.add("kinds", code=kind.code, title=kind.title, regime=kind.regime, account=account)

    @property
    def creditor(self) -> int:
        """Four digits by which the bank knows this gmina."""
        return 1000 + sum(map(ord, self.code)) % 9000

    def payer(self, own: str, **values: object) -> str:
        self.ledger.add("payers", id=own, **values)
        return own

    def receivable(
        self,
        kind: str,
        shares: list[Share],
        *,
        year: int,
        amounts: list[int] | None = None,
        own: str | None = None,
        parent: str | None = None,
        title: str | None = None,
        closed: bool = False,
        since: date | None = None,
        dues: list[date] | None = None,
    ) -> str:
        """One receivable of a year with its instalments charged; amounts in grosze."""
        self.typed += 1
        rule = KINDS[kind]
        own = own or f"N-{self.code}-{self.typed:06d}"
        title = title or f"{rule.title.split(' – ')[0]} {year} – {self.name}"
        words = {"a": self.chance.randint(11, 4000), "b": self.chance.randint(20, 400), "n": self.chance.randint(1, 6)}
        self.ledger.add(
            "receivables",
            id=own,
            kind=kind,
            parent=parent,
            title=title,
            number=f"{rule.series}.{self.typed}.{year}.{self.code}",
            period_from=f"{year}-01-01",
            period_until=f"{year}-12-31",
            basis=rule.basis.format(**words) if rule.basis else None,
            account=nrb(self.bank, self.creditor * 10**12 + 10**6 + self.typed),
            payment_code=payment_code(self.code, own),
            closed=closed,
        )
        for share in shares:
            self.ledger.add(
                "liabilities",
                receivable=own,
                payer=share.payer,
                role=share.role,
                part=share.part,
                whole=share.whole,
                from_on=since.isoformat() if since else None,
            )
        days = dues or [day(year, month, number) for month, number in rule.dues]
        for number, (due, grosze) in enumerate(zip(days, amounts or self.split(kind), strict=False), start=1):
            charged_on = min(self.today, due - timedelta(days=30))
            add_instalment(self.ledger, own, number=number, due=due, grosze=grosze, charged_on=charged_on)
        return own

    def split(self, kind: str) -> list[int]:
        """A year's amount in whole zlotys over the instalments, the rest in the first; taxes up to 100 zł at once."""
        rule = KINDS[kind]
        year = self.chance.randint(rule.lowest, rule.highest)
        count = len(rule.dues)
        if not count:
            return []
        if count == 4 and year <= 100:
            return [year * 100]
        each = year // count
        return [(year - each * (count - 1)) * 100, *[each * 100] * (count - 1)]

    def document(self, receivable: str, title: str, *, on: date) -> str:
        """A decision, a contract or a reminder, printed and kept beside its receivable."""
        on = min(on, self.today)
        row = self.ledger.one("SELECT * FROM receivables WHERE gmina = :gmina AND id = :id", id=receivable)
        assert row is not None
        lines = [self.name, f"{title} nr {row['number']}", f"z dnia {on:%d.%m.%Y}", "", row["title"]]
        if code := row["payment_code"]:
            lines.append(
                f"Kod płatności bez logowania: {' '.join(code[place : place + 4] for place in range(0, 12, 4))}"
            )
        lines += [f"rata {each['number']}: {written(each['charged'])} zł" for each in self.instalments(receivable)]
        issued_on = on.isoformat()
        return add_document(
            self.ledger, receivable=receivable, title=f"{title} {on.year}", issued_on=issued_on, body=make_pdf(lines)
        )

    def settle(self, receivable: str, *, on: date, number: int | None = None, share: float = 1.0) -> None:
        """Somebody paid (a share of) what was left on a day; days after today have not come yet."""
        if on > self.today:
            return
        for row in self.instalments(receivable, number):
            left = left_to_pay(self.ledger, row, regime_of(self.ledger, receivable), on)
            parts = Parts(
                int(left.principal * share) // 100 * 100 if share < 1 else left.principal, left.interest, left.costs
            )
            if parts.total:
                self.pay(row, parts, on)

    def pay(self, instalment, parts: Parts, on: date) -> None:
        booked = min(self.today, on + timedelta(days=1))
        payer = self.ledger.one(
            "SELECT payer FROM liabilities WHERE gmina = :gmina AND receivable = :id", id=instalment["receivable"]
        )["payer"]
        pay(self.ledger, instalment, payer=payer, parts=parts, happened=on, booked=booked)

    def instalments(self, receivable: str, number: int | None = None) -> list:
        return self.ledger.all(
            "SELECT * FROM instalments WHERE gmina = :gmina AND receivable = :id AND coalesce(:number, number) = number"
            " ORDER BY number",
            id=receivable,
            number=number,
        )

    def remind(self, receivable: str, payer: str, *, on: date, own: str | None = None) -> str:
        """The cost of a reminder (tax law) or a summons (civil law): a receivable of its own with a parent."""
        civil = regime_of(self.ledger, receivable) == "civil"
        kind, cost = ("WEZW", SUMMONS_COST) if civil else ("UPOMN", REMINDER_COST)
        title = f"{KINDS[kind].title} z dnia {on:%d.%m.%Y} – {self.name}"
        child = self.receivable(kind, [Share(payer)], year=on.year, own=own, parent=receivable, title=title)
        self.ledger.add(
            "instalments",
            id=f"{child}-1",
            receivable=child,
            number=1,
            due_on=(on + timedelta(days=7)).isoformat(),
            charged=0,
            accrued_until=on.isoformat(),
        )
        document = self.ledger.document(kind, on)
        self.ledger.post(
            receivable=child,
            instalment=f"{child}-1",
            kind="charge",
            happened=on,
            booked=on,
            document=document,
            parts=Parts(costs=cost),
        )
        return child


def day(year: int, month: int, number: int) -> date:
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))
