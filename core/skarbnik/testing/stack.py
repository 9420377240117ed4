"""The whole product in processes of its own: web, worker, scheduler, simulators and mail catcher, as the demo has them.

For tests that need real processes: journeys through real pages, and the torture that kills them. A runner program
holds the supervisor, which restarts whoever dies; it ends everybody when its standard input closes, so that a killed
test run leaves nothing behind either.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from skarbnik.dev import postgres_binaries, programs, valkey
from skarbnik.dev.plan import DemoPlan, make_plan, payu_points, product_environment
from skarbnik.dev.postgres import EmbeddedPostgres
from skarbnik.dev.processes import DidNotStart, Program, Supervisor, signal_group
from skarbnik.dev.servers import with_database, with_login
from skarbnik.dev.state import CHECKOUT, State, read_json, throw_away, write_private
from skarbnik.testing import proxy

ADMIN = "SKARBNIK_TEST_ADMIN_URL"
REDIS = "SKARBNIK_TEST_REDIS_URL"
HINT = f"{ADMIN} is not set: run the tests with `python3 dev.py test`"
READY = "stack.json"
PIDS = "processes.json"
PLAN = "plan.pickle"
LONGEST_START = 120.0


@dataclass(frozen=True)
class Town:
    """One gmina of a stack, and where to look for its things."""

    slug: str
    name: str
    tenant_id: str
    schema: str
    puma_code: str
    exchange: str
    points: tuple[str, ...]  # the numbers of its POS at PayU
    przelewy24_points: tuple[str, ...]  # and of its points of sale at Przelewy24


@dataclass(frozen=True)
class Stack:
    """A running stack, as a test sees it."""

    folder: Path
    public_url: str
    payu_url: str
    przelewy24_url: str
    node_url: str  # login.gov.pl, where it was asked for
    oidc_url: str
    puma_url: str
    mail_url: str
    database_url: str  # a superuser's, on the stack's own database
    redis_url: str
    towns: dict[str, Town]
    passwords: dict[str, str]
    app_keys: dict[str, str]  # of the officials' authenticator apps
    environment: dict[str, str]
    weather_port: int | None = None  # of a stormy stack

    @property
    def port(self) -> int:
        return int(self.public_url.rpartition(":")[2])

    def pids(self) -> dict[str, int]:
        """The processes the supervisor started, by name, as they are now."""
        return {name: int(pid) for name, pid in read_json(self.folder / PIDS).items()}

    def connect(self) -> psycopg.Connection[Any]:
        """Behind the walls, for checkers and for moving the clock. Close it."""
        return psycopg.connect(self.database_url, autocommit=True)

    def move_the_clock(self) -> None:
        """What is planned for later is due now: questions to gateways, second tries. Nothing else changes.

        Due a day ago by the server's clock, since that of the product may be another.
        """
        with self.connect() as connection:
            connection.execute(
                "UPDATE work.outbox SET due_at = now() - interval '1 day' WHERE due_at > now() - interval '1 day'"
                " AND parked_at IS NULL AND (lease_until IS NULL OR lease_until < now())"
            )

    def weather(self, words: dict[str, dict[str, float]]) -> Counter[str]:
        """How the lines to `postgres`, `valkey`, `payu` and `przelewy24` behave from now on; what was done so far."""
        return proxy.order(self.weather_port, words) if self.weather_port else Counter()

    def run_command(self, *arguments: str) -> None:
        """A command of the operator, as at a shell: `run_command("tenant", "suspend", "zalesie")`."""
        environment = {**os.environ, **self.environment}
        command = [sys.executable, "-m", "skarbnik.cli", *arguments]
        subprocess.run(command, env=environment, cwd=CHECKOUT, check=True, capture_output=True)

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def log(self, name: str) -> str:
        path = self.folder / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def start_stack(
    name: str,
    *,
    slugs: tuple[str, ...] = ("lipowo", "debina"),
    payers: int = 4,
    extra: Mapping[str, str] | None = None,
    stormy: bool = False,
    identity: bool = False,
) -> Iterator[Stack]:
    """Start a stack on a database called `name`, wait until it answers, and end it. `extra` goes to the product.

    A stormy one has a PostgreSQL of its own, durable, so that it may be stopped, and the product reaches that,
    Valkey and the gateways over lines that misbehave when told to. With `identity` the gminas have login.gov.pl, a bank
    and a directory, too.
    """
    with throw_away() as state:
        wish = {"name": name, "slugs": slugs, "payers": payers, "extra": dict(extra or {}), "stormy": stormy}
        wish["identity"] = identity
        command = [sys.executable, "-m", "skarbnik.testing.stack", "run", str(state.folder), json.dumps(wish)]
        with (state.logs / "runner.log").open("ab") as log:
            runner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=CHECKOUT)
        try:
            yield _wait(state, runner)
        finally:
            assert runner.stdin is not None
            runner.stdin.close()
            try:
                runner.wait(60)
            except subprocess.TimeoutExpired:
                runner.kill()
                runner.wait()
            _drop(name)


def _wait(state: State, runner: subprocess.Popen[bytes]) -> Stack:
    deadline = time.monotonic() + LONGEST_START
    while not (found := read_json(state.folder / READY)):
        if runner.poll() is not None or time.monotonic() > deadline:
            raise DidNotStart((state.logs / "runner.log").read_text(errors="replace"))
        time.sleep(0.05)
    numbers = ("points", "przelewy24_points")
    towns = {
        slug: Town(**{**town, **{name: tuple(town[name]) for name in numbers}})
        for slug, town in found.pop("towns").items()
    }
    return Stack(folder=state.folder, towns=towns, **found)


def _drop(name: str) -> None:
    with psycopg.connect(os.environ[ADMIN], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def run(state: State, wish: dict[str, Any]) -> int:
    """The runner: start everybody, say so, look after them until the one who asked is gone."""
    supervisor = Supervisor(state, lambda pids: write_private(state.folder / PIDS, json.dumps(pids)))
    try:
        stack = _start(supervisor, state, wish)
        write_private(state.folder / READY, json.dumps(stack, default=str))
        while not select.select([sys.stdin], [], [], 0.05)[0]:
            supervisor.tend()
    finally:
        for child in supervisor.children:  # nobody will miss what they had in hand
            signal_group(child.process.pid, signal.SIGKILL)
        supervisor.stop()
    return 0


def _start(supervisor: Supervisor, state: State, wish: dict[str, Any]) -> dict[str, Any]:
    name = wish["name"]
    server = _own_postgres(supervisor, state) if wish["stormy"] else os.environ[ADMIN]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    admin_url = with_database(server, name)
    plan = _plan(state, wish, admin_url, _queue(supervisor, state))
    supervisor.spawn(programs.payu(state, plan))
    supervisor.spawn(programs.przelewy24(state, plan))
    supervisor.spawn(programs.mail(state, plan))
    if wish["identity"]:
        supervisor.spawn(programs.epuap(plan))
        supervisor.spawn(programs.oidc(plan))
    storm = _Storm(state) if wish["stormy"] else None
    seen, environment = (storm.plan(plan), storm.environment(plan)) if storm else (plan, plan.environment)
    if storm:
        supervisor.spawn(storm.program())
    for gmina in plan.gminas:
        supervisor.finish(programs.fill_books(plan, gmina))
    with (state.folder / PLAN).open("wb") as file:
        pickle.dump(seen, file)
    supervisor.finish(_seeding(state, plan, admin_url))
    seeded = read_json(state.folder / "seeded.json")
    supervisor.spawn(programs.puma(plan, seeded["tenants"]))
    for program in programs.product(environment):
        supervisor.spawn(replace(program, environment={**program.environment, **wish["extra"]}))
    supervisor.wait()
    return _report(plan, seeded, admin_url, plan.environment["REDIS_URL"]) | {
        "weather_port": storm.control if storm else None
    }


def _own_postgres(supervisor: Supervisor, state: State) -> str:
    """The tests' server where there are no binaries: then nobody stops it."""
    try:
        server = EmbeddedPostgres(state, postgres_binaries.find_binaries(os.environ))
    except DidNotStart:
        return os.environ[ADMIN]
    supervisor.start(server.program())
    return server.url()


class _Storm:
    """Ports between the product and what it talks to."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._routes: dict[str, str] = {}
        self.control = state.port("weather")

    def plan(self, plan: DemoPlan) -> DemoPlan:
        """As the product is told it: gateways behind the proxy."""
        return replace(
            plan,
            payu_url=self._behind("payu", plan.payu_url),
            przelewy24_url=self._behind("przelewy24", plan.przelewy24_url),
        )

    def environment(self, plan: DemoPlan) -> dict[str, str]:
        database, redis_url = plan.environment["DATABASE_URL"], plan.environment["REDIS_URL"]
        return {
            **plan.environment,
            "DATABASE_URL": self._behind("postgres", database),
            "REDIS_URL": self._behind("valkey", redis_url),
        }

    def program(self) -> Program:
        return programs.python("storm", {}, "-m", "skarbnik.testing.proxy", str(self.control), *self._routes.values())

    def _behind(self, name: str, url: str) -> str:
        parts = urlsplit(url)
        listen = self._state.port(f"storm-{name}")
        self._routes[name] = f"{name}={listen}:{parts.port}"
        before_port, _, _ = parts.netloc.rpartition(":")
        return urlunsplit(parts._replace(netloc=f"{before_port}:{listen}"))


def _queue(supervisor: Supervisor, state: State) -> str:
    """A Valkey of the stack's own, so that flushing it hurts nobody else; the tests' where there is no binary."""
    try:
        cache = valkey.EmbeddedValkey(state, valkey.find_binary(os.environ))
    except valkey.NoValkey:
        return os.environ[REDIS]
    supervisor.spawn(cache.program())
    return cache.url()


def _plan(state: State, wish: dict[str, Any], admin_url: str, redis_url: str) -> DemoPlan:
    """The demo's plan with fewer people, roles and a database of its own. All gminas have PayU, Lipowo both."""
    name = wish["name"]
    environment = product_environment(
        state, admin_url=admin_url, redis_url=redis_url, web_port=state.port("web"), environment="test"
    )
    environment |= {
        "SKARBNIK_INSTANCE": name,
        "DATABASE_URL": with_login(admin_url, f"{name}_app", state.secret("database-app"), name),
        "SKARBNIK_OWNER_DATABASE_URL": with_login(admin_url, f"{name}_owner", state.secret("database-owner"), name),
    }
    plan = make_plan(state, environment)
    chosen = tuple(
        replace(
            gmina,
            payers=wish["payers"],
            payu=payu_points(state, gmina.puma_seed, gmina.slug, gmina.name),
            przelewy24=gmina.przelewy24 if gmina.slug == "lipowo" else (),
            providers=gmina.providers if wish["identity"] else (),
        )
        for gmina in plan.gminas
        if gmina.slug in wish["slugs"]
    )
    return replace(plan, gminas=chosen)


def _seeding(state: State, plan: DemoPlan, admin_url: str) -> Program:
    command = ("-m", "skarbnik.testing.stack", "seed", str(state.folder), admin_url)
    return programs.python("seed", plan.environment, *command)


def seed(state: State, admin_url: str) -> int:
    """Roles, tables, gminas and people, through the product's own code in a process of its own."""
    from skarbnik.dev import seed as demo_seed  # the whole product, which the supervisor must not carry
    from skarbnik.settings import read_settings
    from skarbnik.tenancy.bootstrap import make_roles
    from skarbnik.tenancy.ledger import Names, migrate_central

    with (state.folder / PLAN).open("rb") as file:
        plan = pickle.load(file)
    settings = read_settings(plan.environment)
    make_roles(admin_url, settings)
    with psycopg.connect(settings.owner_database_url or "") as connection:
        migrate_central(connection, Names(settings.instance))
    write_private(state.folder / "seeded.json", json.dumps(demo_seed.seed(plan)))
    return 0


def _report(plan: DemoPlan, seeded: dict[str, Any], admin_url: str, redis_url: str) -> dict[str, Any]:
    towns = {}
    for gmina in plan.gminas:
        tenant_id = seeded["tenants"][gmina.slug]
        town = Town(
            slug=gmina.slug,
            name=gmina.name,
            tenant_id=tenant_id,
            schema=f"t_{tenant_id}",
            puma_code=gmina.puma_code,
            exchange=str(plan.puma_folder(tenant_id)),
            points=tuple(pos.pos_id for pos in gmina.payu),
            przelewy24_points=tuple(point.pos_id for point in gmina.przelewy24),
        )
        towns[gmina.slug] = asdict(town)
    return {
        "public_url": plan.public_url,
        "payu_url": plan.payu_url,
        "przelewy24_url": plan.przelewy24_url,
        "node_url": plan.node_url,
        "oidc_url": plan.oidc_url,
        "puma_url": plan.puma_url,
        "mail_url": plan.mail_url,
        "database_url": admin_url,
        "redis_url": redis_url,
        "towns": towns,
        "passwords": {account["login"]: account["password"] for account in seeded["accounts"]},
        "app_keys": {each["login"]: each["app_key"] for each in seeded["accounts"] if "app_key" in each},
        "environment": dict(plan.environment),
    }


if __name__ == "__main__":
    if sys.argv[1] == "run":
        sys.exit(run(State(Path(sys.argv[2])), json.loads(sys.argv[3])))
    sys.exit(seed(State(Path(sys.argv[2])), sys.argv[3]))
