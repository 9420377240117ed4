"""Seven payers every seeded gmina has, with ids that never change. README.md tells who they are."""

from __future__ import annotations

from datetime import date, timedelta

from puma_simulator.ledger import Parts
from puma_simulator.numbers import nip, pesel, regon
from puma_simulator.register import Register, Share, day

ANNA, JAN, BAKERY, NOTHING, LONG, YEARS, OVERPAID = (f"P-{number:06d}" for number in range(1, 8))
LONG_NAME = (
    "Brzęczyszczykiewicz-Wańkowiczowska primo voto Konstantynopolitańczykowianeczkówna z domu Dzierżykraj-Morawska "
    "Aleksandra Wirginia Bogumiła Świętosława Konstancja Maria Magdalena Józefa"
)


def seed_cast(register: Register) -> None:
    people(register)
    typical(register)
    bakery(register)
    history(register)
    crowded(register)
    years_overdue(register)
    overpaid(register)


def people(register: Register) -> None:
    city = register.name.removeprefix("Gmina ").strip()
    home = {"street": "Lipowa 7/2", "postal_code": "11-100", "city": city}
    add = register.payer
    add(
        ANNA, kind="person", name="Kowalska Anna", pesel=pesel(date(1984, 5, 12), 346), email="anna@example.org", **home
    )
    add(JAN, kind="person", name="Kowalski Jan", pesel=pesel(date(1981, 11, 3), 275), email="jan@example.org", **home)
    add(
        BAKERY,
        kind="company",
        name="Piekarnia Złoty Kłos sp. z o.o.",
        nip=nip(739_123_450),
        regon=regon(28_123_456),
        street="Rynek 3",
        postal_code="11-100",
        city=city,
        email="biuro@example.org",
    )
    add(NOTHING, kind="person", name="Wolny Tadeusz", pesel=pesel(date(1959, 2, 1), 331), **home)
    add(LONG, kind="person", name=LONG_NAME, pesel=pesel(date(1966, 7, 30), 482), **home)
    add(YEARS, kind="person", name="Zaległy Stefan", pesel=pesel(date(1972, 9, 9), 519), **home)
    add(OVERPAID, kind="person", name="Hojna Barbara", pesel=pesel(date(1990, 12, 24), 608), **home)


def typical(register: Register) -> None:
    """Anna and Jan own a house together: paid, partly paid, overdue, still to come."""
    year = register.today.year
    both = [Share(ANNA, "co_owner", 1, 2), Share(JAN, "co_owner", 1, 2)]
    extra = 100 * register.chance.randint(0, 40)  # each gmina has its own amounts
    tax = [65_100 + extra, 65_000 + extra, 65_000 + extra, 65_000 + extra]
    house = register.receivable("PODN-OF", both, year=year, own="N-000001", amounts=tax, since=date(2019, 5, 1))
    register.document(house, "Decyzja wymiarowa", on=day(year, 1, 20))
    register.settle(house, number=1, on=day(year, 3, 12))
    register.settle(house, number=2, on=day(year, 5, 14))
    register.settle(house, number=3, on=day(year, 9, 10), share=0.2)
    waste = register.receivable("ODPADY", [Share(ANNA)], year=year, own="N-000002", amounts=[19_200 + extra] * 4)
    register.settle(waste, number=1, on=day(year, 4, 14))
    register.settle(waste, number=2, on=day(year, 7, 15))
    register.receivable("PIES", [Share(ANNA)], year=year, own="N-000003", amounts=[6_000 + extra])
    last = register.receivable(
        "PODN-OF", both, year=year - 1, own="N-000004", amounts=[11_500 + extra] * 4, closed=True
    )
    for number, month in ((1, 3), (2, 5), (3, 9), (4, 11)):
        register.settle(last, number=number, on=day(year - 1, month, 10))


def bakery(register: Register) -> None:
    year, owner = register.today.year, [Share(BAKERY)]
    extra = 1_000 * register.chance.randint(1, 40)
    permit = register.receivable("ALKOHOL", owner, year=year, own="N-000011", amounts=[175_000 + extra] * 3)
    register.settle(permit, number=1, on=day(year, 1, 30))
    register.settle(permit, number=2, on=day(year, 5, 29))
    register.settle(permit, number=3, on=day(year, 9, 28))
    tax = register.receivable("PODN-OP", owner, year=year, own="N-000012", amounts=[84_300 + extra] * 12)
    for month in range(1, 10):
        register.settle(tax, number=month, on=day(year, month, 14))
    lease = [Share(BAKERY, "user")]
    rent = register.receivable("DZIERZAWA", lease, year=year, own="N-000013", amounts=[123_000 + extra] * 2)
    register.document(rent, "Umowa dzierżawy", on=day(year, 1, 2))
    register.settle(rent, number=1, on=day(year, 3, 27))


def history(register: Register) -> None:
    """Somebody who owes nothing and always paid in time."""
    year = register.today.year
    paid = register.receivable("PIES", [Share(NOTHING)], year=year, own="N-000021", amounts=[5_500])
    register.settle(paid, on=day(year, 3, 20))


def crowded(register: Register) -> None:
    """Twenty plots on lease, ten instalments each, all open."""
    year = register.today.year
    for plot in range(1, 21):
        amounts = [100 * register.chance.randint(20, 400) for _ in range(10)]
        dues = [day(year + 1 + number // 12, number % 12 + 1, 10) for number in range(10)]
        title = f"Czynsz dzierżawny, działka nr {plot} – {register.name}"
        register.receivable(
            "DZIERZAWA",
            [Share(LONG, "user")],
            year=year + 1,
            own=f"N-0001{plot:02d}",
            amounts=amounts,
            title=title,
            dues=dues,
        )


def years_overdue(register: Register) -> None:
    for back in range(5, 0, -1):
        year = register.today.year - back
        amounts = [100 * register.chance.randint(60, 300)] * 4
        tax = register.receivable("PODN-OF", [Share(YEARS)], year=year, own=f"N-0002{back:02d}", amounts=amounts)
        cost = register.remind(tax, YEARS, on=day(year, 12, 10), own=f"N-0003{back:02d}")
        register.document(cost, "Upomnienie", on=day(year, 12, 10))


def overpaid(register: Register) -> None:
    """A waste fee paid twice."""
    year = register.today.year
    fee = register.receivable(
        "ODPADY", [Share(OVERPAID)], year=year, own="N-000071", amounts=[24_000, 24_000, 24_000, 24_000]
    )
    for number, month in ((1, 4), (2, 7), (3, 10)):
        register.settle(fee, number=number, on=day(year, month, 10))
    first = register.instalments(fee, 1)[0]
    paid_again = min(register.today, day(year, 4, 15) + timedelta(days=1))
    register.pay(first, Parts(principal=6_000 + 100 * register.chance.randint(0, 50)), paid_again)
