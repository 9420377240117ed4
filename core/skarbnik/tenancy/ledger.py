"""Migrations: numbered SQL texts, and a ledger that says per gmina and distribution which of them are applied.

Workers claim gminas (SKIP LOCKED) and apply the next text in one transaction with the ledger's row, so an upgrade can
be killed anywhere and goes on where it stopped, while the previous release serves. Quick texts are applied to several
gminas in one transaction, as many as fit into a moment that nobody notices. A text whose first line says
`-- outside a transaction` (CREATE INDEX CONCURRENTLY IF NOT EXISTS) runs alone and must be safe to repeat; an index
that was left half built is dropped before it.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import Engine

log = structlog.get_logger()

CORE = "skarbnik"
OUTSIDE = "-- outside a transaction"
TENANTS_PER_CONNECTION = 400
TRIES = 5
MOMENT = 0.03  # seconds a transaction may hold the locks of several gminas
MOST_AT_ONCE = 64

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationFailed(Exception):
    """A text failed for some gminas; the others went on. `failures` maps a tenant id to PostgreSQL's message."""

    def __init__(self, failures: dict[str, str]) -> None:
        first = next(iter(failures.items()))
        super().__init__(f"{len(failures)} gminas were not migrated, first {first[0]}: {first[1]}")
        self.failures = failures


@dataclass(frozen=True)
class Text:
    """One numbered step of a distribution."""

    number: int
    name: str
    sql: str

    @property
    def outside(self) -> bool:
        return self.sql.startswith(OUTSIDE)


def read_texts(folder: Traversable) -> list[Text]:
    """The steps of a folder in order. ValueError when numbers are missing, doubled, or a name does not fit."""
    texts = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".sql"):
            continue
        match = _NAME.fullmatch(entry.name)
        if match is None:
            raise ValueError(f"{entry.name} is no name of a migration")
        texts.append(Text(int(match[1]), entry.name, entry.read_text(encoding="utf-8")))
    if [text.number for text in texts] != list(range(1, len(texts) + 1)):
        raise ValueError(f"migrations are not numbered 1, 2, 3 …: {[text.name for text in texts]}")
    return texts


def core_texts(place: str) -> list[Text]:
    """The core's steps for `platform`, `work` or `tenant`."""
    return read_texts(files("skarbnik") / "migrations" / place)


@dataclass(frozen=True)
class Names:
    """Roles and schemas of this instance, as the texts call them: {app}, {tenants}, {instance}, {tenant}, {schema}."""

    instance: str

    def fill(self, sql: str, *, tenant_id: str | None = None) -> str:
        words = {"instance": self.instance, "app": f"{self.instance}_app", "tenants": f"{self.instance}_tenants"}
        if tenant_id is not None:
            words |= {"tenant": f"{self.instance}_t_{tenant_id}", "schema": f"t_{tenant_id}"}
        return re.sub(r"\{(instance|app|tenants|tenant|schema)\}", lambda match: words[match[1]], sql)


def migrate_central(connection: psycopg.Connection, names: Names) -> list[str]:
    """Bring `work` and `platform` up to date. Names of the steps that were applied."""
    applied = []
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('skarbnik.migrate'))")
        connection.execute("CREATE SCHEMA IF NOT EXISTS work")
        connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
        for place in ("work", "platform"):
            version = _central_version(connection, place)
            for text in core_texts(place)[version:]:
                connection.execute(names.fill(text.sql).encode())
                connection.execute(
                    "INSERT INTO work.schema_versions (tenant_id, distribution, version) VALUES (%s, %s, %s)"
                    " ON CONFLICT (tenant_id, distribution) DO UPDATE"
                    " SET version = excluded.version, applied_at = clock_timestamp()",
                    (f"-{place}", CORE, text.number),
                )
                applied.append(f"{place}/{text.name}")
    return applied


def _central_version(connection: psycopg.Connection, place: str) -> int:
    row = connection.execute("SELECT to_regclass('work.schema_versions') IS NOT NULL").fetchone()
    if not row or not row[0]:
        return 0
    found = connection.execute(
        "SELECT version FROM work.schema_versions WHERE tenant_id = %s AND distribution = %s", (f"-{place}", CORE)
    ).fetchone()
    return found[0] if found else 0


def migrate_tenants(engine: Engine, names: Names, distribution: str, texts: list[Text], *, workers: int = 2) -> int:
    """Apply what is missing in every gmina. How many steps were applied; MigrationFailed names who was left behind."""
    lowest = _lowest_version(engine, distribution)
    if lowest is None or lowest >= len(texts):
        return 0
    job = _Job(engine, names, distribution, texts[lowest:])
    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(job.work) for _ in range(workers)]:
            future.result()
    failures = {**_left_behind(engine, distribution, len(texts)), **job.failures}
    if failures:
        raise MigrationFailed(failures)
    return job.applied


def _left_behind(engine: Engine, distribution: str, newest: int) -> dict[str, str]:
    """Gminas that were passed over: somebody else holds their row, perhaps a statement whose command was killed."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT tenant_id FROM work.schema_versions"
            " WHERE distribution = %s AND version < %s AND tenant_id NOT LIKE '-%%' LIMIT 100",
            (distribution, newest),
        ).all()
        connection.commit()
    return {row.tenant_id: "its row is held by another migration; run the command again" for row in rows}


def _lowest_version(engine: Engine, distribution: str) -> int | None:
    """Of the gmina that is furthest behind; None when no gmina has this distribution."""
    with engine.connect() as connection:
        version: int | None = connection.exec_driver_sql(
            "SELECT min(version) FROM work.schema_versions WHERE distribution = %s AND tenant_id NOT LIKE '-%%'",
            (distribution,),
        ).scalar_one()
        connection.commit()
    return version


def _half_built(connection: psycopg.Connection, tenant_id: str) -> list[str]:
    """Indexes of a gmina that whoever began them did not finish: IF NOT EXISTS would pass them over for ever."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = %s::regnamespace",
        (f"t_{tenant_id}",),
    )
    return [str(name) for (name,) in rows]


class _Job:
    """One distribution over all gminas. Gminas are claimed in one round trip, and changed, written down and committed
    in another.
    """

    def __init__(self, engine: Engine, names: Names, distribution: str, texts: list[Text]) -> None:
        self.engine = engine
        self.names = names
        self.distribution = distribution
        self.texts = texts
        self.failures: dict[str, str] = {}
        self.tries: dict[str, int] = {}
        self.applied = 0
        self._lock = threading.Lock()
        self._alone = threading.Lock()

    def work(self) -> None:
        for text in self.texts:
            # CREATE INDEX CONCURRENTLY waits for its like in other schemas, so two at once are a deadlock.
            with self._alone if text.outside else nullcontext():
                while self._some(text):
                    pass

    def _some(self, text: Text) -> bool:
        """Apply one step to some gminas over one connection; False when none is left."""
        raw = self.engine.raw_connection()
        try:
            connection = raw.driver_connection
            assert isinstance(connection, psycopg.Connection)
            connection.autocommit = True
            seen, at_once = 0, 1
            while seen < TENANTS_PER_CONNECTION:
                began = time.perf_counter()
                claimed = self._claim(connection, text, at_once)
                if not claimed:
                    return False
                went_well = self._try(connection, text, claimed)
                seen += len(claimed)
                if text.outside or not went_well:
                    at_once = 1
                elif time.perf_counter() - began < MOMENT:
                    at_once = min(at_once * 4, MOST_AT_ONCE)
                else:
                    at_once = max(at_once // 2, 1)
            return True
        finally:
            raw.invalidate()  # it has seen many gminas; nobody else should carry that memory

    def _try(self, connection: psycopg.Connection, text: Text, claimed: list[str]) -> bool:
        """Apply the step to the claimed gminas, to all or none of them."""
        try:
            if text.outside:
                self._apply_outside(connection, text, claimed[0])
            else:
                self._apply(connection, text, claimed)
        except psycopg.Error as error:
            connection.execute("ROLLBACK")
            if len(claimed) == 1:  # of several, nobody knows whose it was: they are claimed again one by one
                self._failed(claimed[0], error)
            return False
        with self._lock:
            self.applied += len(claimed)
            for tenant_id in claimed:
                self.failures.pop(tenant_id, None)
        return True

    def _claim(self, connection: psycopg.Connection, text: Text, at_once: int) -> list[str]:
        given_up = [tenant for tenant, tries in self.tries.items() if tries >= TRIES]
        # One round trip; the words put in are our own numbers, names and ids, never input.
        claim = (
            "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '300s';"
            " SELECT tenant_id FROM work.schema_versions"
            f" WHERE distribution = '{self.distribution}' AND version = {text.number - 1}"
            f" AND tenant_id NOT LIKE '-%' AND tenant_id <> ALL ('{{{','.join(given_up)}}}')"
            f" LIMIT {at_once} FOR UPDATE SKIP LOCKED"
        )
        cursor = connection.execute(claim.encode())
        while cursor.nextset():
            pass
        claimed = [str(tenant_id) for (tenant_id,) in cursor]
        if not claimed:
            connection.execute("COMMIT")
        return claimed

    def _apply(self, connection: psycopg.Connection, text: Text, claimed: list[str]) -> None:
        steps = [
            f"SET LOCAL search_path TO t_{tenant_id}; {self.names.fill(text.sql, tenant_id=tenant_id)}\n;"
            for tenant_id in claimed
        ]
        connection.execute(f"{''.join(steps)}{self._written_down(text, claimed)}; COMMIT".encode())

    def _apply_outside(self, connection: psycopg.Connection, text: Text, tenant_id: str) -> None:
        connection.execute("COMMIT")
        connection.execute(f"SET search_path TO t_{tenant_id}".encode())
        try:
            for name in _half_built(connection, tenant_id):
                connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))
            connection.execute(self.names.fill(text.sql, tenant_id=tenant_id).encode())
            if _half_built(connection, tenant_id):
                raise psycopg.errors.ObjectInUse("an index is not whole; somebody else may still be building it")
            connection.execute(self._written_down(text, [tenant_id]).encode())
        finally:
            connection.execute("RESET search_path")

    def _written_down(self, text: Text, claimed: list[str]) -> str:
        return (
            f"UPDATE work.schema_versions SET version = {text.number}, applied_at = clock_timestamp()"
            f" WHERE tenant_id = ANY ('{{{','.join(claimed)}}}') AND distribution = '{self.distribution}'"
        )

    def _failed(self, tenant_id: str, error: psycopg.Error) -> None:
        with self._lock:
            self.tries[tenant_id] = self.tries.get(tenant_id, 0) + 1
            if not isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                self.tries[tenant_id] = TRIES  # only a lock is worth another try
            self.failures[tenant_id] = str(error).splitlines()[0]
        log.warning("migration.failed", tenant=tenant_id, error=self.failures[tenant_id])
