"""`upgrade`: a column in 300 gminas by the ledger, against one DO loop over the same schemas; then with nothing to do.

Both sides change real schemas with every table of a gmina. The ledger claims each gmina, sets its limits, and writes
the new version down in the same transaction; the loop does nothing but ALTER TABLE, in one transaction.
"""

from __future__ import annotations

import statistics
from itertools import count

import psycopg
from _rows import ROUNDS, Target, interleave, leave, timed
from sqlalchemy import Engine

from skarbnik.tenancy.ledger import CORE, Names, Text, core_texts, migrate_tenants
from skarbnik.tenancy.services import NewTenant, create_tenant
from skarbnik.testing.database import Lab, make_lab

GMINAS = 300

LOOP = """
    DO $$
    DECLARE gmina text;
    BEGIN
        FOR gmina IN SELECT id FROM platform.tenants LOOP
            EXECUTE format('ALTER TABLE %I.receivables ADD COLUMN bare_{number} integer', 't_' || gmina);
        END LOOP;
    END $$
"""


class Upgrades:
    """Ever new columns, so that each round has something to do."""

    def __init__(self, lab: Lab, owner: Engine) -> None:
        self.owner = owner
        self.names = Names(lab.settings.instance)
        self.texts = core_texts("tenant")
        self.numbers = count(1)
        self.connection = psycopg.connect(lab.settings.owner_database_url or "", autocommit=True)

    def by_the_ledger(self) -> float:
        number = len(self.texts) + 1
        column = f"ALTER TABLE receivables ADD COLUMN added_{number} integer"
        self.texts.append(Text(number, f"{number:04d}_add_column.sql", column))
        return timed(self._migrate)

    def by_a_loop(self) -> float:
        statement = LOOP.format(number=next(self.numbers)).encode()
        return timed(lambda: self.connection.execute(statement))

    def idle(self) -> float:
        return timed(self._migrate)

    def _migrate(self) -> int:
        return migrate_tenants(self.owner, self.names, CORE, self.texts)


def main() -> None:
    lab = make_lab("bench")
    owner = lab.instance.owner_engine()
    taken = timed(lambda: _make(lab, owner))
    print(f"  {GMINAS} gminas made in {taken:.1f} s", flush=True)
    upgrades = Upgrades(lab, owner)
    upgrades.by_the_ledger(), upgrades.by_a_loop()  # the first touch of a gmina reads its catalogue; not counted
    ledger, loop = interleave(upgrades.by_the_ledger, upgrades.by_a_loop)
    idle = statistics.median(upgrades.idle() for _ in range(ROUNDS))
    met = Target("upgrade", 3).close(ledger / loop)
    leave(met, Target("upgrade-idle", 50, unit="ms").close(idle * 1000))


def _make(lab: Lab, owner: Engine) -> None:
    there = len(lab.instance.registry.list_all())
    for number in range(there, GMINAS):
        create_tenant(owner, lab.settings.instance, NewTenant(slug=f"gmina{number}", name=f"Gmina {number}"))


if __name__ == "__main__":
    main()
