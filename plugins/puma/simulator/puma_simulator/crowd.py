"""Everybody else of a seeded gmina: invented people and companies with what such people owe."""

from __future__ import annotations

from datetime import timedelta

from faker import Faker

from puma_simulator.kinds import KINDS
from puma_simulator.ledger import Parts
from puma_simulator.numbers import nip, regon
from puma_simulator.register import Register, Share

OF_PERSON = [kind.code for kind in KINDS.values() if kind.of in ("person", "both")]
OF_COMPANY = [kind.code for kind in KINDS.values() if kind.of in ("company", "both")]
COMPANIES = ("sp. z o.o.", "S.A.", "sp. j.", "PPHU")


def seed_crowd(register: Register, faker: Faker, count: int) -> None:
    before: str | None = None
    for number in range(1, count + 1):
        own = f"P-{register.code}-{number:05d}"
        if number % 9 == 0:
            company(register, faker, own)
            kinds = register.chance.sample(OF_COMPANY, 3)
        else:
            person(register, faker, own, merged_into=before if number % 97 == 0 else None)
            kinds = [KINDS["PODN-OF"].code, *register.chance.sample(OF_PERSON[1:], 2)]
        shares = [Share(own)]
        if before and number % 5 == 0:
            shares = [Share(own, "co_owner", 1, 3), Share(before, "co_owner", 2, 3)]
        if number % 97:  # whoever was merged has nothing of their own any more
            for kind in kinds:
                owe(register, kind, shares)
            before = own


def person(register: Register, faker: Faker, own: str, merged_into: str | None) -> None:
    register.payer(
        own,
        kind="person",
        name=f"{faker.last_name()} {faker.first_name()}",
        pesel=faker.unique.pesel(),
        merged_into=merged_into,
        **address(register, faker),
    )


def company(register: Register, faker: Faker, own: str) -> None:
    register.payer(
        own,
        kind="company",
        name=f"{faker.last_name()} {register.chance.choice(COMPANIES)} {register.name}",
        nip=nip(register.chance.randint(100_000_000, 998_999_000)),
        regon=regon(register.chance.randint(10_000_000, 99_999_999)),
        **address(register, faker),
    )


def address(register: Register, faker: Faker) -> dict[str, str]:
    return {
        "street": f"{faker.street_name()} {register.chance.randint(1, 120)}",
        "postal_code": f"{register.chance.randint(10, 99)}-{register.chance.randint(0, 999):03d}",
        "city": faker.city(),
        "phone": f"+48 {register.chance.randint(500, 899)} {register.chance.randint(0, 999):03d} 100",
    }


def owe(register: Register, kind: str, shares: list[Share]) -> None:
    """A receivable of this year; most people paid what was due, some partly, some not, a few were reminded."""
    year, today, chance = register.today.year, register.today, register.chance
    receivable = register.receivable(kind, shares, year=year)
    for row in register.instalments(receivable):
        due = today.fromisoformat(row["due_on"])
        luck = chance.random()
        if due > today or luck > 0.88:
            continue
        late = chance.randint(-12, 20) if luck > 0.7 else chance.randint(-12, 0)
        share = 0.5 if luck > 0.82 else 1.0
        register.settle(receivable, number=row["number"], on=due + timedelta(days=late), share=share)
        if luck < 0.01:  # a standing order that was forgotten: an overpayment
            register.pay(row, Parts(principal=row["charged"]), min(today, due + timedelta(days=9)))
    if chance.random() < 0.05:
        remind_if_overdue(register, receivable, shares[0].payer)
    elif chance.random() < 0.04:
        correct(register, receivable)


def remind_if_overdue(register: Register, receivable: str, payer: str) -> None:
    first = register.instalments(receivable)[0]
    sent = register.today.fromisoformat(first["due_on"]) + timedelta(days=30)
    if sent <= register.today and register.ledger.balance(first["id"]).principal > 0:
        register.remind(receivable, payer, on=sent)


def correct(register: Register, receivable: str) -> None:
    """A decrease, a remission, a deferral or a re-booking, so that every operation occurs."""
    rows, ledger, today = register.instalments(receivable), register.ledger, register.today
    last = rows[-1]
    left = ledger.balance(last["id"]).principal
    kind = register.chance.choice(("decrease", "remission", "deferral", "rebooking"))
    if kind == "rebooking":
        return rebook(register, receivable, rows)
    amount = 0 if kind == "deferral" else -(left // 4)
    ledger.post(
        receivable=receivable,
        instalment=last["id"],
        kind=kind,
        happened=today,
        booked=today,
        document=ledger.document("PK", today),
        parts=Parts(principal=amount),
    )
    return None


def rebook(register: Register, receivable: str, rows: list) -> None:
    """Money booked on the last instalment belongs to the first: two legs that name each other and sum to zero."""
    ledger, today = register.ledger, register.today
    amount = min(ledger.balance(rows[0]["id"]).principal, 5_000)
    if len(rows) < 2 or amount <= 0:
        return
    legs = (ledger.operation_id(), ledger.operation_id())
    document = ledger.document("PK", today)
    for own, other, row, signed in ((*legs, rows[0], -amount), (*legs[::-1], rows[-1], amount)):
        ledger.post(
            own_id=own,
            counterpart=other,
            receivable=receivable,
            instalment=row["id"],
            kind="rebooking",
            happened=today,
            booked=today,
            document=document,
            parts=Parts(principal=signed),
        )
