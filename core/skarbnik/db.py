"""PostgreSQL as the house uses it: typed columns, and sessions that carry a gmina for one transaction at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import event
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7

from skarbnik.money import Money
from skarbnik.pool import HomePool, want

PLANS_PER_CONNECTION = 250  # prepared statements; the largest take 0.3 MB of a backend
TENANTS_PER_CONNECTION = 400  # a backend keeps about 0.2 MB of catalogue for each gmina it served

S = TypeVar("S", bound=Session)

SET_TENANT: LiteralString = "SELECT set_config('role', %s, true), set_config('search_path', %s, true)"


def new_id() -> UUID:
    """UUIDv7: made by the application, sorted by time. Secrets and anonymous answers use v4."""
    return uuid7()


def first_id_of(moment: datetime) -> UUID:
    """The smallest id that `new_id` can have made at a moment: everything older has a smaller one."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def like_anywhere(text: str) -> str:
    """A pattern for ILIKE that finds the text anywhere, as it is written."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


class MoneyType(TypeDecorator[Money]):
    """Whole grosze in a bigint."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else value.grosze

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Money | None:
        return None if value is None else Money(value)


class Base(DeclarativeBase):
    """A table of a gmina. No schema name: the session brings the gmina."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {
        Money: MoneyType(),
        datetime: sa.DateTime(timezone=True),
        date: sa.Date(),
        UUID: sa.Uuid(),
        bytes: sa.LargeBinary(),
        StrEnum: sa.Enum(
            StrEnum,
            native_enum=False,
            length=24,
            create_constraint=True,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


def make_engine(url: str, *, size: int = 8, application: str = "skarbnik") -> sa.Engine:
    """A small, long-lived pool. Connections are recycled by age and by the number of gminas they touched."""
    engine = sa.create_engine(
        sa.engine.make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=HomePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=3600,
        pool_pre_ping=False,
        pool_reset_on_return=None,  # `_roll_back_open` does it
        hide_parameters=True,  # errors are logged, and parameters are people's data
        connect_args={"application_name": application, "connect_timeout": 5, "prepare_threshold": 5},
    )
    event.listen(engine, "reset", _roll_back_open)
    event.listen(engine, "checkin", _retire_well_travelled)
    event.listen(engine, "connect", _keep_plans)
    return engine


def _keep_plans(driver: psycopg.Connection[Any], record: ConnectionPoolEntry) -> None:
    driver.prepared_max = PLANS_PER_CONNECTION


def _roll_back_open(driver: psycopg.Connection[Any], record: ConnectionPoolEntry, state: PoolResetState) -> None:
    """What nobody committed is undone before the next borrower; most came back with nothing open."""
    if driver.pgconn.transaction_status != TransactionStatus.IDLE:
        driver.rollback()


def _retire_well_travelled(connection: Any, record: ConnectionPoolEntry) -> None:
    if len(record.info.get("tenants", ())) > TENANTS_PER_CONNECTION:
        record.invalidate(soft=True)


class TenantSession(Session):
    """A session of one gmina. Each transaction opens with the gmina's role and search path, and both end with it.

    So a pooled connection carries no gmina to its next borrower, PgBouncer in transaction mode included.

    Ways in that only `read` need nothing of the ORM: the transaction is opened and ended on the connection itself,
    which costs a third less. When the ORM is asked after all, it joins that transaction.
    """

    def __init__(self, bind: sa.Engine | sa.Connection, *, tenant_id: str, role: str, schema: str, **options: Any):
        super().__init__(bind, expire_on_commit=False, **options)
        self.info["tenant"] = tenant_id
        self.tenant_id = tenant_id
        self.role = role
        self.schema = schema
        self._reading: sa.Connection | None = None  # in its transaction from the first `read` to the end

    def read(self, statement: LiteralString, **words: Any) -> list[Any]:
        """Rows of a statement by named columns, straight from psycopg: for the few statements of hot ways in.

        The same transaction as everything else here; `%(word)s` marks what is put in. PostgreSQL plans a statement anew
        whenever the search path is another than the last time, so each gmina has texts of its own.
        """
        if self.in_transaction():
            self.flush()
            connection = self.connection()
        else:
            connection = self._begin_reading()
        with _told_as_sqlalchemy_does(connection):
            cursor = psycopg.RawCursor(_driver(connection), row_factory=namedtuple_row)
            text, names = _text_of(statement, self.schema)
            return cursor.execute(text, [words[name] for name in names]).fetchall()

    def _begin_reading(self) -> sa.Connection:
        found = self._open_reading()
        if found is None and isinstance(self.bind, sa.Engine):
            want(self.tenant_id)
            found = self.bind.connect()
            if _begin(_driver(found), self.role, self.schema):
                _note_tenant(self, found)
                self._reading = found
            else:  # SQLAlchemy meets the same error in a transaction of its own, and knows what to do about it
                found.close()
                found = None
        return found if found is not None else self.connection()

    def _open_reading(self) -> sa.Connection | None:
        """The connection that is read from; an error when the server cut it, until somebody rolls back.

        It would connect anew without a word, as nobody: outside of any gmina.
        """
        if self._reading is not None and self._reading.invalidated:
            raise PendingRollbackError("the connection was lost while reading; roll back first")
        return self._reading

    def get_bind(self, *arguments: Any, **options: Any) -> sa.Engine | sa.Connection:
        """The connection that is read from, so that what is written stands in the same transaction."""
        want(self.tenant_id)
        return self._open_reading() or super().get_bind(*arguments, **options)

    def commit(self) -> None:
        reading = self._open_reading()
        if reading is None or self.in_transaction():
            super().commit()
        else:
            with _told_as_sqlalchemy_does(reading):
                _commit(_driver(reading))
        self._end_reading()

    def rollback(self) -> None:
        super().rollback()
        self._end_reading()

    def close(self) -> None:
        if self.in_transaction() or len(self.identity_map) or self.new:  # else the ORM was never asked
            super().close()
        self._end_reading()

    def _end_reading(self) -> None:
        """Give the connection back. The pool rolls back what nobody committed."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.close()


@contextmanager
def _told_as_sqlalchemy_does(connection: sa.Connection) -> Iterator[None]:
    """An error of the line is the same one for callers as with every other statement."""
    try:
        yield
    except psycopg.OperationalError as error:
        if _driver(connection).closed:
            connection.invalidate(error)
        raise sa.exc.OperationalError(None, None, error) from error


def _driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


@event.listens_for(TenantSession, "after_begin")
def _after_begin(session: TenantSession, transaction: Any, connection: sa.Connection) -> None:
    if transaction.nested or connection is session._reading:
        return
    driver = _driver(connection)
    if driver.pgconn.transaction_status != TransactionStatus.IDLE or not _begin(driver, session.role, session.schema):
        connection.exec_driver_sql(SET_TENANT, (session.role, session.schema))
    _note_tenant(session, connection)


def _note_tenant(session: TenantSession, connection: sa.Connection) -> None:
    connection.info.setdefault("tenants", set()).add(session.tenant_id)


def _begin(driver: psycopg.Connection[Any], role: str, schema: str) -> bool:
    """BEGIN and SET_TENANT in one trip to the server. False when it failed: SQLAlchemy meets the same error then.

    It must see errors itself, since it drops the whole pool when the server is gone.
    """
    result = driver.pgconn.exec_(_begin_text(role, schema))
    if result.status == ExecStatus.TUPLES_OK:
        return True
    if driver.pgconn.transaction_status == TransactionStatus.INERROR:
        driver.rollback()
    return False


def _commit(driver: psycopg.Connection[Any]) -> None:
    """COMMIT as psycopg does it, in a third of its time: a hot page has nothing else to be quick with.

    What PostgreSQL refuses at the last moment is the error it is; a line that is cut leaves it open what became of it.
    """
    result = driver.pgconn.exec_(b"COMMIT")
    if result.command_status == b"COMMIT":
        return
    if result.status == ExecStatus.COMMAND_OK:  # ROLLBACK: somebody went on after an error
        raise psycopg.errors.InFailedSqlTransaction("the transaction had failed; nothing of it is kept")
    if driver.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection was lost while committing")
    raise psycopg.errors.error_from_result(result, encoding=driver.info.encoding)


def _text_of(statement: LiteralString, schema: str) -> tuple[bytes, list[str]]:
    """A statement with numbers for names, marked as the gmina's, and the names in the order of their numbers.

    Not kept: it is made in a fraction of a microsecond, and those of all gminas would take fifty megabytes.
    """
    numbered, names = _numbered(statement)
    return f"{numbered} -- {schema}".encode(), names


@lru_cache(maxsize=1_000)
def _numbered(statement: LiteralString) -> tuple[str, list[str]]:
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return re.sub(r"%(?:%|\((?P<name>\w+)\)s)", number, statement), names


@lru_cache(maxsize=10_000)
def _begin_text(role: str, schema: str) -> bytes:
    return sql.SQL("BEGIN; " + SET_TENANT.replace("%s", "{}")).format(role, schema).as_bytes()


@contextmanager
def committed(session: S) -> Iterator[S]:
    """End with COMMIT, also after reading: ROLLBACK would throw away psycopg's prepared statements."""
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
