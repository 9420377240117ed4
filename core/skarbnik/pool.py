"""Connections that remember: a gmina is served by the one that served it before, whenever that one is idle.

A backend of PostgreSQL keeps the catalogue of every gmina it served, and the plans of its hot statements. Were each
gmina served by any connection, each would hold all of it. So a gmina has a home among the connections of a process:
it gets its home when that is idle, and else any other rather than wait.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any
from zlib import crc32

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util.queue import Empty, Queue

_wanted = threading.local()


def want(tenant_id: str) -> None:
    """The next connection this thread takes is for this gmina."""
    _wanted.tenant = tenant_id


class _Idle(Queue[ConnectionPoolEntry]):
    """Connections nobody uses now. Each has a number, its place among the homes."""

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """Without `block` the pool may still make new connections: better the gmina's own than one of others."""
        with self.mutex:
            if not block and self._find() is None:
                raise Empty
            return super().get(block, timeout)

    def _get(self) -> ConnectionPoolEntry:
        place = self._find() or 0
        record = self.queue[place]
        del self.queue[place]
        return record

    def _find(self) -> int | None:
        """The place of the wanted connection, or of any for whom no gmina matters."""
        tenant: str | None = getattr(_wanted, "tenant", None)
        if tenant is None:
            return 0 if self.queue else None
        home = home_of(tenant, self.maxsize)
        return next((place for place, record in enumerate(self.queue) if _number(record) == home), None)


class HomePool(QueuePool):
    """A queue of at most so many connections, with no overflow."""

    _queue_class = _Idle

    def __init__(self, creator: Any, pool_size: int = 5, **options: Any) -> None:
        super().__init__(creator, pool_size, **options)
        self._free = set(range(pool_size))  # numbers no connection has yet

    def dispose(self) -> None:
        """All of them, and not only the one this thread wished for last."""
        _wanted.tenant = None
        super().dispose()

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return super()._do_get()
        except Exception:
            _wanted.tenant = None
            with suppress(Empty):
                return self._pool.get(False)  # the server makes no more: better one of others than none
            raise
        finally:
            _wanted.tenant = None

    def _create_connection(self) -> ConnectionPoolEntry:
        record = super()._create_connection()
        tenant: str | None = getattr(_wanted, "tenant", None)
        home = None if tenant is None else home_of(tenant, self.size())
        with self._overflow_lock:
            number = home if home in self._free else min(self._free, default=home)
            self._free.discard(number)
        if record.record_info is not None:
            record.record_info["home"] = number
        return record


def home_of(tenant_id: str, size: int) -> int:
    return crc32(tenant_id.encode()) % size


def _number(record: ConnectionPoolEntry) -> int | None:
    return record.record_info.get("home") if record.record_info is not None else None
