"""`dev.py demo`: from nothing to three gminas in a browser, until Ctrl-C."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

from skarbnik.dev import programs
from skarbnik.dev.plan import DATABASE, WEB_PORT, DemoPlan, database_of, make_plan, product_environment
from skarbnik.dev.postgres import remove_data
from skarbnik.dev.processes import DidNotStart, Supervisor
from skarbnik.dev.report import announce, write_report
from skarbnik.dev.servers import Servers, make_database, start_servers, with_database
from skarbnik.dev.state import State, discard, made, only_one, open_state, read_json, write_private

SEEDED = "seeded.json"
SEEDING = "seeding"


class Stopped(Exception):
    """Somebody asked the demo to end: Ctrl-C, SIGTERM, a closed terminal."""


def demo() -> int:
    """Run the demo in the foreground. 0 when it was asked to stop, 1 when it could not start."""
    state = open_state()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        with only_one(state):
            return run(state)
    except Stopped:
        return 0
    except BlockingIOError:
        print("The demo is running already. `python3 dev.py stop` ends it.")
        return 1


def run(state: State) -> int:
    supervisor = Supervisor(state, lambda pids: write_private(state.folder / "processes.json", json.dumps(pids)))
    try:
        began = time.monotonic()
        start(supervisor, state)
        say(f"Started in {time.monotonic() - began:.1f} s. Ctrl-C ends everything.")
        while True:
            supervisor.tend()
            time.sleep(0.1)
    except Stopped:
        say("\nStopping")
        return 0
    except (DidNotStart, OSError) as error:
        say(f"\n{error}\nLogs are in {state.logs}")
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # tidying up is not to be cut short by an impatient second Ctrl-C
        supervisor.stop()


def start(supervisor: Supervisor, state: State) -> None:
    if (state.folder / SEEDING).exists():
        say("The last start was cut while it made the data; beginning anew")
        forget(state)
    say("Starting the servers")
    servers = start_servers(supervisor, state, os.environ)
    for choice in servers.chosen:
        say(f"  {choice}")
    environment = product_environment(
        state, admin_url=servers.admin_url, redis_url=servers.redis_url, web_port=state.port("web", WEB_PORT)
    )
    plan = make_plan(state, environment)
    say("Starting the simulators")
    supervisor.spawn(programs.payu(state, plan))
    supervisor.spawn(programs.przelewy24(state, plan))
    supervisor.spawn(programs.epuap(plan))
    supervisor.spawn(programs.oidc(plan))
    supervisor.spawn(programs.mail(state, plan))
    bring_up_to_date(supervisor, servers, environment)
    seeded = seed_once(supervisor, plan)
    supervisor.spawn(programs.puma(plan, seeded["tenants"]))
    say("Starting web, worker and scheduler")
    for program in programs.product(environment):
        supervisor.spawn(program)
    supervisor.wait()
    write_report(state, plan, seeded, servers)
    announce(plan, seeded)


def bring_up_to_date(supervisor: Supervisor, servers: Servers, environment: Mapping[str, str]) -> None:
    """The database, its roles and its tables; nothing to do is quickly done."""
    database = database_of(environment["DATABASE_URL"])
    if not os.environ.get("DATABASE_URL"):
        make_database(servers.admin_url, DATABASE)
    say("Bringing the database up to date")
    command = ("-m", "skarbnik.cli")
    admin_url = with_database(servers.admin_url, database)
    supervisor.finish(programs.python("bootstrap", environment, *command, "bootstrap", "--admin-url", admin_url))
    supervisor.finish(programs.python("migrate", environment, *command, "migrate"))


def seed_once(supervisor: Supervisor, plan: DemoPlan) -> dict[str, Any]:
    """Make books, gminas and accounts; gminas again only when the plan changed, since settings carry its ports.

    Who seeds may write and import the first files too, and then says `exported`; otherwise the scheduler finds them.
    """
    state = supervisor.state
    seeded = read_json(state.folder / SEEDED)
    if seeded.get("plan") == plan.digest():
        return seeded
    first = not seeded
    if first:
        (state.folder / SEEDING).touch()
        for gmina in plan.gminas:
            say(f"Making the books of {gmina.name}")
            supervisor.finish(programs.fill_books(plan, gmina))
    say("Making gminas and accounts")
    with (made(state.folder / "plan") / "plan.pickle").open("wb") as file:
        pickle.dump(plan, file)
    supervisor.finish(programs.python("seed", plan.environment, "-m", "skarbnik.dev", "seed"))
    seeded = {**read_json(state.folder / "plan" / "answer.json"), "plan": plan.digest()}
    for gmina in plan.gminas if first and not seeded.get("exported") else ():
        supervisor.finish(programs.first_export(plan, gmina, seeded["tenants"][gmina.slug]))
    write_private(state.folder / SEEDED, json.dumps(seeded, ensure_ascii=False))
    (state.folder / SEEDING).unlink(missing_ok=True)
    return seeded


def seed_here() -> int:
    """What the `seed` program does: the product's own code, in a process of its own with the product's environment."""
    from skarbnik.dev.seed import seed, settle_a_day  # the whole product, which the supervisor must not carry

    folder = open_state().folder / "plan"
    with (folder / "plan.pickle").open("rb") as file:
        plan = pickle.load(file)
    answer = seed(plan)
    settle_a_day(plan)
    write_private(folder / "answer.json", json.dumps(answer, ensure_ascii=False))
    return 0


def forget(state: State) -> None:
    """Drop the data, keep secrets, ports and logs."""
    remove_data(state)
    for name in ("files", "puma-files", "mail", "valkey", "plan", "identity"):
        discard(state.folder / name)
    for path in (*state.folder.glob("*.sqlite*"), state.folder / SEEDED, state.folder / SEEDING):
        path.unlink(missing_ok=True)


def say(text: str) -> None:
    print(text, flush=True)


def stop(number: int, frame: FrameType | None) -> None:
    raise Stopped
