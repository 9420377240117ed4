"""The environment, read once into one typed object. Every wrong value is named at once."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from skarbnik.errors import SkarbnikError


class WrongConfiguration(SkarbnikError):
    """Settings that cannot be used, all of them; the message has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Wrong configuration:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """How this instance is set up. Secrets do not show in `repr`."""

    environment: str  # production, demo, test
    instance: str  # prefix of PostgreSQL roles, which belong to the whole cluster
    database_url: str
    owner_database_url: str | None
    redis_url: str
    public_url: str  # scheme, bare host and port; a gmina's address is <slug>.<host>
    keys: tuple[tuple[int, bytes], ...]  # version and 32 bytes, the current one first
    files: Path
    tenants: Path
    log: str  # json, console

    def __repr__(self) -> str:
        return f"Settings(environment={self.environment!r}, instance={self.instance!r}, public_url={self.public_url!r})"

    @property
    def host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def is_demo(self) -> bool:
        return self.environment in {"demo", "test"}


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. WrongConfiguration names everything that is missing or wrong."""
    reader = _Reader(os.environ if environ is None else environ)
    settings = Settings(
        environment=reader.choice("SKARBNIK_ENV", ("production", "demo", "test"), default="production"),
        instance=reader.matching(
            "SKARBNIK_INSTANCE", r"[a-z][a-z0-9]{0,15}", "a letter, then up to 15 letters or digits"
        ),
        database_url=reader.address("DATABASE_URL", ("postgresql",)),
        owner_database_url=reader.optional_address("SKARBNIK_OWNER_DATABASE_URL", ("postgresql",)),
        redis_url=reader.address("REDIS_URL", ("redis", "rediss", "unix")),
        public_url=reader.public_url(),
        keys=reader.keys("SKARBNIK_KEYS"),
        files=reader.folder("SKARBNIK_FILES"),
        tenants=reader.folder("SKARBNIK_TENANTS", default="tenants", must_exist=False),
        log=reader.choice("SKARBNIK_LOG", ("json", "console"), default="json"),
    )
    if reader.problems:
        raise WrongConfiguration(reader.problems)
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self.environ.get(name, "").strip() or default
        if value is None:
            self.problems.append(f"{name} is not set")
            return ""
        return value

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in options:
            self.problems.append(f"{name} must be one of {', '.join(options)}")
        return value

    def matching(self, name: str, pattern: str, wanted: str) -> str:
        value = self.text(name)
        if value and not re.fullmatch(pattern, value):
            self.problems.append(f"{name} must be {wanted}")
        return value

    def address(self, name: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name)
        if value and _scheme(value) not in schemes:
            self.problems.append(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    def optional_address(self, name: str, schemes: tuple[str, ...]) -> str | None:
        return self.address(name, schemes) if self.environ.get(name) else None

    def public_url(self) -> str:
        value = self.address("SKARBNIK_PUBLIC_URL", ("http", "https")).rstrip("/")
        if value and not _is_bare(value):
            self.problems.append("SKARBNIK_PUBLIC_URL must be a scheme, a host and perhaps a port, nothing more")
        if value.startswith("http://") and self.environ.get("SKARBNIK_ENV") not in {"demo", "test"}:
            self.problems.append("SKARBNIK_PUBLIC_URL must be https:// outside the demo")
        return value

    def keys(self, name: str) -> tuple[tuple[int, bytes], ...]:
        keys: list[tuple[int, bytes]] = []
        for item in filter(None, self.text(name).split(",")):
            version, _, encoded = item.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not version.isdecimal() or not 0 < int(version) < 256 or len(key) != 32:
                self.problems.append(f"{name} must be VERSION:BASE64 of 32 bytes, several parted by commas")
                return ()
            keys.append((int(version), key))
        if len({version for version, _ in keys}) != len(keys):
            self.problems.append(f"{name} names a version twice")
        if self.environ.get(name) and not keys:
            self.problems.append(f"{name} has no key")
        return tuple(keys)

    def folder(self, name: str, default: str | None = None, *, must_exist: bool = True) -> Path:
        value = self.text(name, default)
        path = Path(value)
        if value and must_exist and not path.is_dir():
            self.problems.append(f"{name} is no folder: {value}")
        return path


def _scheme(address: str) -> str:
    return address.partition(":")[0].partition("+")[0].lower()


def _is_bare(address: str) -> bool:
    """A scheme, a host and perhaps a port. urllib raises for brackets and ports that are none."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0 and not (parts.path or parts.query or parts.username)
    except ValueError:
        return False
