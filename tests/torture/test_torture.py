"""Money moves while everything dies: processes, queue, notifications, files. Afterwards each grosz is where it belongs.

One round in every run of the tests; `--rounds N --seed S` for more. docs/torture.md tells what a red line means.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.torture.checker import Verdict, check
from tests.torture.clocks import Clock, clock_for
from tests.torture.healing import heal
from tests.torture.mutants import MUTANTS, Mutant, patched
from tests.torture.nemesis import Nemesis
from tests.torture.office import Desk
from tests.torture.town import Crowd, NobodyGetsIn

from skarbnik.dev.processes import DidNotStart
from skarbnik.testing.stack import ADMIN, HINT, Stack, start_stack

SECONDS = 30.0
PAYMENTS = 200
SHORT = {"payments": 110, "seconds": 16.0}  # of the one round that stands in every run of the tests

pytestmark = pytest.mark.torture


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first, rounds = metafunc.config.getoption("--seed"), metafunc.config.getoption("--rounds")
        metafunc.parametrize("seed", range(first, first + rounds))


@dataclass(frozen=True)
class Round:
    """What came of a round."""

    verdict: Verdict
    report: list[str]
    errors: list[str]
    healed: float
    faults: Counter[str]

    def tell(self, record_property: Callable[[str, object], None]) -> None:
        """For the summary at the end of the run."""
        record_property("torture", self.report)
        counts = {kind: len(lines) for kind, lines in vars(self.verdict).items()}
        record_property("round", {"healed": self.healed, "counts": counts, "faults": dict(self.faults)})


def play(seed: int, *, payments: int = PAYMENTS, seconds: float = SECONDS, mutant: Mutant | None = None) -> Round:
    """One round on a stack of its own: load and faults, healing, judgement. A mutant lives in the real time."""
    if ADMIN not in os.environ:
        pytest.skip(HINT)
    name = f"torture{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    clock = Clock("as it is") if mutant else clock_for(seed)
    changes = mutant.changes if mutant else clock.changes
    with start_stack(name, extra=patched(changes), stormy=True) as stack:
        crowd = Crowd(stack, seed=seed, payments=payments, seconds=seconds)
        desk = Desk(crowd, seed=seed)
        crowd.sign_in()
        desk.sign_in(clock.ahead)
        if mutant is not None and mutant.sql:
            with stack.connect() as connection:
                for town in stack.towns.values():
                    connection.execute(f"SET search_path TO {town.schema}")
                    connection.execute(mutant.sql)
        began = time.monotonic()
        with Nemesis(stack, seed=seed, seconds=seconds, malice=3.0 if mutant else 1.0) as nemesis:
            crowd.live(desk.live)
        lasted = time.monotonic() - began
        healed, restless = heal(stack, seconds=30.0 if mutant else 90.0, ahead=clock.ahead)
        verdict = check(stack, damaged_exports=nemesis.damaged)
        faults = _faults(stack.folder)
        crashes = _crashes(stack)
    deeds = crowd.diary.deeds
    report = [
        f"seed {seed}: {sum(deeds.values())} deeds in {lasted:.0f} s, healed in {healed:.1f} s;"
        f" lost {len(verdict.lost)}, double {len(verdict.double)}, stuck {len(verdict.stuck)},"
        f" otherwise wrong {len(verdict.wrong)}",
        f"  clock: {clock.name}",
        *(f"  restless at last: {each}" for each in restless),
        f"  residents: {_counted(deeds)}; cut connections {crowd.diary.cuts}",
        f"  nemesis: {_counted(nemesis.did)}",
        f"  gateways: {_counted(faults)}",
        *(f"  {line}" for line in [*nemesis.log, *crowd.diary.errors[:12], *crashes, *verdict.lines()]),
    ]
    return Round(verdict, report, crowd.diary.errors, healed, nemesis.did + faults)


def _crashes(stack: Stack) -> list[str]:
    """The ends of the first tracebacks of pages that nobody had foreseen."""
    lines = [json.loads(line) for line in stack.log("web").splitlines() if '"crashed"' in line]
    return [" | ".join(str(line.get("exception", "")).splitlines()[-7:]) for line in lines[:3]]


def _counted(what: object) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(dict(what).items())) or "nothing"


def _faults(folder: Path) -> Counter[str]:
    """What the gateways did wrong, as their ledgers have it."""
    found = Counter[str]()
    for name, payments in (("payu", "orders"), ("przelewy24", "transactions")):
        db = sqlite3.connect(f"file:{folder / name}.sqlite?mode=ro", uri=True)
        try:
            rows = db.execute("SELECT kind, state, count(*) FROM notifications GROUP BY kind, state").fetchall()
            (odd,) = db.execute(
                f"SELECT count(*) FROM {payments} WHERE (paid_amount, paid_currency) <> (amount, currency)"
            ).fetchone()
            (paid,) = db.execute("SELECT count(*) FROM money WHERE kind = 'payment'").fetchone()
        finally:
            db.close()
        found += Counter({f"{name} payments": paid, f"{name} of another amount": odd})
        for kind, state, number in rows:
            found["lost notifications" if state == "lost" else f"{kind} notifications"] += number
    return found


def test_no_grosz_is_lost_or_doubled_while_everything_dies(seed, record_property, request):
    came = play(seed) if request.config.getoption("--slow") else play(seed, **SHORT)
    came.tell(record_property)

    assert came.verdict.lines() == []
    assert came.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_checker_sees_when(mutant, record_property):
    try:
        came = play(1, payments=70, seconds=12.0, mutant=mutant)
    except (DidNotStart, NobodyGetsIn) as reason:  # nobody would release that; lines that are gone are another matter
        if "does not fit any more" in str(reason):
            raise
        record_property("torture", [mutant.name, "  it does not even start"])
        return
    record_property("torture", [mutant.name, *came.report])

    assert came.verdict.lines() != []
