"""Fills the books of one gmina: its kinds, the cast everybody knows, and a crowd."""

from __future__ import annotations

from datetime import date
from random import Random

from faker import Faker

from puma_simulator.cast import seed_cast
from puma_simulator.crowd import seed_crowd
from puma_simulator.ledger import Ledger
from puma_simulator.register import Register


def seed(ledger: Ledger, *, name: str, chance: Random, payers: int, today: date) -> None:
    faker = Faker("pl_PL")
    faker.seed_instance(chance.random())
    register = Register(ledger, name, today, chance)
    register.kinds()
    seed_cast(register)
    seed_crowd(register, faker, payers)
