"""What one process of the product holds: settings, pool, keys, plugins and the registry of gminas."""

from __future__ import annotations

from sqlalchemy import Engine

from skarbnik.crypto import INSTANCE, KeyRing
from skarbnik.db import make_engine
from skarbnik.settings import Settings
from skarbnik.tenancy.plugins import Plugins, load_plugins
from skarbnik.tenancy.registry import Registry


class Instance:
    """One per process, made at its start and handed down."""

    def __init__(self, settings: Settings, *, pool: int = 8, plugins: Plugins | None = None) -> None:
        self.settings = settings
        self.engine: Engine = make_engine(settings.database_url, size=pool)
        self.keys = KeyRing(settings.keys)
        self.plugins = plugins or load_plugins()
        self.registry = Registry(self)

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """What is of no gmina, as the bare host's cookies."""
        return self.keys.seal(INSTANCE, purpose, plain)

    def open_sealed(self, purpose: str, sealed: bytes) -> bytes:
        return self.keys.open(INSTANCE, purpose, sealed)

    def owner_engine(self) -> Engine:
        """The login that owns schemas: for commands that create and migrate, never for requests."""
        url = self.settings.owner_database_url
        if url is None:
            raise RuntimeError("SKARBNIK_OWNER_DATABASE_URL is not set; this command needs the owner's login")
        return make_engine(url, size=4, application="skarbnik-owner")
