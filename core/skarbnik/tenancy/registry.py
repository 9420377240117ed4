"""All gminas in the memory of the process, renewed when their one version row says so.

The tenant of a request comes from its host, never from a parameter or a path.
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from skarbnik.db import TenantSession, committed
from skarbnik.errors import NotFound

if TYPE_CHECKING:
    from skarbnik.tenancy.instance import Instance

log = structlog.get_logger()

LOOK_EVERY = 1.0  # seconds between two looks at the version row


class TenantState(StrEnum):
    CREATING = "creating"
    ACTIVE = "active"
    SUSPENDED = "suspended"  # closed to people; its money goes on
    DELETED = "deleted"


@dataclass(frozen=True)
class Tenant:
    """A gmina, as a request or a job sees it. `id` never changes; the slug may."""

    id: str
    slug: str
    name: str
    state: TenantState
    colour: str
    address: str | None
    email: str | None
    phone: str | None
    plugins: frozenset[str]
    hosts: tuple[str, ...] = ()
    instance: Instance = field(repr=False, compare=False, kw_only=True)

    @property
    def short_name(self) -> str:
        """`Nowy Targ` of `Gmina Nowy Targ`, for an icon and its label."""
        first, _, rest = self.name.partition(" ")
        return rest if rest and first.lower() in {"gmina", "miasto", "urząd"} else self.name

    @property
    def schema(self) -> str:
        return f"t_{self.id}"

    @property
    def role(self) -> str:
        return f"{self.instance.settings.instance}_t_{self.id}"

    def session(self) -> AbstractContextManager[TenantSession]:
        """A session that ends with COMMIT, or with ROLLBACK when something was raised."""
        return committed(self.open_session())

    def open_session(self) -> TenantSession:
        """A session the caller has to end."""
        return TenantSession(self.instance.engine, tenant_id=self.id, role=self.role, schema=self.schema)

    def url(self, path: str = "/") -> str:
        """An absolute address on the gmina's host, from the configuration and never from a request."""
        scheme, _, place = self.instance.settings.public_url.partition("://")
        return f"{scheme}://{self.slug}.{place}{path}"

    def seal(self, purpose: str, plain: bytes) -> bytes:
        return self.instance.keys.seal(self.id, purpose, plain)

    def open_sealed(self, purpose: str, sealed: bytes) -> bytes:
        return self.instance.keys.open(self.id, purpose, sealed)


_ALL = sa.text("""
    SELECT t.id, t.slug, t.name, t.state, t.colour, t.address, t.email, t.phone,
           array(SELECT p.plugin FROM platform.tenant_plugins p WHERE p.tenant_id = t.id) AS plugins,
           array(SELECT h.host FROM platform.tenant_hosts h WHERE h.tenant_id = t.id) AS hosts
    FROM platform.tenants t WHERE t.state <> 'deleted'
""")


class Registry:
    """Finds a gmina by host or id. One query a second at most, whatever the number of requests and gminas.

    While its database is away it answers with what it knows, so that pages can say what is wrong.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._away = False
        self._version = 0
        self._by_id: dict[str, Tenant] = {}
        self._by_host: dict[str, Tenant] = {}

    def find_by_host(self, host: str) -> Tenant | None:
        """The gmina of a request's host (without port), current or former."""
        self._look()
        return self._by_host.get(host.lower().rstrip("."))

    def get(self, tenant_id: str) -> Tenant:
        """NotFound when there is no such gmina: a job that names one is a job for a person to look at."""
        self._look()
        try:
            return self._by_id[tenant_id]
        except KeyError:
            raise NotFound(f"no tenant {tenant_id!r}") from None

    def get_by_slug(self, slug: str) -> Tenant:
        self._look()
        for tenant in self._by_id.values():
            if tenant.slug == slug:
                return tenant
        raise NotFound(f"no tenant with slug {slug!r}")

    def list_all(self) -> list[Tenant]:
        self._look()
        return sorted(self._by_id.values(), key=lambda tenant: tenant.slug)

    def forget(self) -> None:
        """Look again at the next question; for who just changed a gmina."""
        self._looked_at = 0.0

    def _look(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_EVERY:
            return
        if not self._lock.acquire(blocking=not self._by_id):
            return  # somebody else is looking; what we have is at most a moment old
        try:
            self._renew()
            self._away = False
        except (OperationalError, PoolTimeout) as error:
            if not self._by_id:
                raise
            if not self._away:  # who we know stays known: only what needs the database itself fails
                log.error("registry.away", error=type(error).__name__)
            self._away = True
        finally:
            self._looked_at = time.monotonic() if self._by_id else 0.0
            self._lock.release()

    def _renew(self) -> None:
        with self._instance.engine.connect() as connection:
            version = connection.execute(sa.text("SELECT version FROM platform.registry_version")).scalar_one()
            if version != self._version:
                rows = connection.execute(_ALL).all()
            connection.commit()
        if version == self._version:
            return
        host = self._instance.settings.host
        by_id: dict[str, Tenant] = {}
        by_host: dict[str, Tenant] = {}
        for row in rows:
            tenant = Tenant(
                id=row.id,
                slug=row.slug,
                name=row.name,
                state=TenantState(row.state),
                colour=row.colour,
                address=row.address,
                email=row.email,
                phone=row.phone,
                plugins=frozenset(row.plugins),
                hosts=tuple(row.hosts),
                instance=self._instance,
            )
            by_id[tenant.id] = tenant
            for former in tenant.hosts:
                by_host[former] = tenant
        for tenant in by_id.values():
            by_host[f"{tenant.slug}.{host}"] = tenant
        self._by_id, self._by_host, self._version = by_id, by_host, version
