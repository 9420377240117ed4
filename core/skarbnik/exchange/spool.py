"""Files between a finance system and the portal: a folder in, a folder out, per gmina and source (SFTP drop).

`<files>/exchange/<tenant id>/<source>/in` is written by the finance system, `out` by us; what is asked for over HTTP
grows in `fetching`. A file is moved to `reading` and then to `done` or `refused`. Both sides write under a name ending
in `.part` and rename: nobody reads half a file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import ENOSPC
from fnmatch import fnmatch
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO
from uuid import UUID

from skarbnik.errors import BrokenFile, Conflict

LARGEST_FILE = 4 * 1024**3
LONGEST_NAME = 120  # bytes, so that it also fits behind the key of whoever reads it
WAYS = ("in", "in/documents", "reading", "out", "done", "refused", "tried", "fetching")
PIECE = 1024 * 1024
RESERVE = 256 * 1024**2  # bytes of the disk that no fetched or sent file takes


class Busy(Conflict):
    """Somebody else is fetching files of this source."""


@dataclass(frozen=True)
class Lying:
    """A file in a folder of ours. Its moment is that of the last write, link or move, which no sender can set back."""

    way: str
    path: Path
    changed_at: datetime

    @property
    def is_part(self) -> bool:
        return self.path.suffix == ".part"

    @property
    def run_id(self) -> UUID | None:
        """The run that its name says it is read by."""
        with suppress(ValueError):
            return UUID(self.path.name.partition(" ")[0].removesuffix(".part"))
        return None


@dataclass(frozen=True)
class Spool:
    """The folders of one source of one gmina."""

    root: Path

    @property
    def incoming(self) -> Path:
        return self.root / "in"

    @property
    def incoming_documents(self) -> Path:
        return self.root / "in" / "documents"

    @property
    def outgoing(self) -> Path:
        return self.root / "out"

    def make(self) -> Spool:
        for way in WAYS:
            (self.root / way).mkdir(parents=True, exist_ok=True)
        return self

    def has_arrivals(self) -> bool:
        """Whether anything lies there beside the folder of documents."""
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.incoming) as entries:
            return any(entry.name != self.incoming_documents.name for entry in entries)
        return False

    def documents_changed_at(self) -> int:
        """When a name came to the folder of documents, or went, in nanoseconds; 0 when there is nothing in it."""
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.incoming_documents) as entries:
            if next(entries, None) is not None:
                return self.incoming_documents.stat().st_mtime_ns
        return 0

    def list_arrived(self, pattern: str) -> list[str]:
        """Names in the incoming folder worth reading, in their order. Links and folders are none of ours.

        Neither are names that no column and no other folder could hold.
        """
        with suppress(FileNotFoundError), os.scandir(self.incoming) as entries:
            return sorted(
                entry.name
                for entry in entries
                if fits(entry.name) and fnmatch(entry.name, pattern) and entry.is_file(follow_symlinks=False)
            )
        return []

    def take(self, name: str, key: str) -> Path:
        """Move a file to where `key` reads it, so that a newer one of its name is never taken for it. Repeatable.

        Whoever opens the path finds nothing there when the file had gone, or had become a link to somebody else's.
        """
        taken = self._taken(name, key)
        if not taken.exists():
            taken.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                (self.incoming / name).rename(taken)
        if taken.is_symlink():
            taken.unlink()
        return taken

    def put_away(self, name: str, key: str, way: str) -> None:
        """Put a read file where it is kept (`done`, `refused`, `tried`); a name that was there before gets a number."""
        if way == "tried":
            with suppress(FileNotFoundError):
                self._taken(name, key).rename(self._tried(name, key))
            return
        goal = self.root / way
        goal.mkdir(exist_ok=True)
        target, turn = goal / name, 1
        while target.exists():
            turn += 1
            target = goal / f"{name}.{turn}"
        with suppress(FileNotFoundError):
            self._taken(name, key).rename(target)

    def lay(self, name: str, key: str, stream: BinaryIO, *, most: int) -> int:
        """A file that somebody sends, straight to where `key` reads it: whole or not at all. How many bytes it has.

        BrokenFile when it is longer than `most`, OSError (ENOSPC) before it takes the last of the disk.
        """
        goal = self._taken(name, key)
        part = goal.with_name(f"{key}.part")
        try:
            with part.open("xb") as file:
                size = 0
                while piece := stream.read(PIECE):
                    size += len(piece)
                    if size > most:
                        raise BrokenFile(f"Plik jest większy niż {most // 1024**2} MB.")
                    self.need_room(len(piece))
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.rename(goal)
            sync_folder(goal.parent)
        finally:
            part.unlink(missing_ok=True)
        return size

    def drop(self, name: str, key: str) -> None:
        """Take back what was laid and registered by nobody."""
        self._taken(name, key).unlink(missing_ok=True)

    @contextmanager
    def fetching_alone(self) -> Iterator[None]:
        """Busy when another worker is at it. A lock of the system: a killed worker holds none."""
        with self.alone("lock"):
            yield

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """The same for one kind of work."""
        with (self.root / "fetching" / name).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("files of this source are being fetched") from None
            yield

    def part_of(self, sha256: str) -> Path:
        """Where a file of that sum grows while it is fetched, over crashes and cuts."""
        return self.root / "fetching" / f"{sha256}.part"

    def drop_parts(self, wanted: set[str]) -> None:
        """Parts of files that are not offered any more will never be whole."""
        for part in (self.root / "fetching").glob("*.part"):
            if part.stem not in wanted:
                part.unlink(missing_ok=True)

    def lay_fetched(self, sha256: str, name: str, key: str) -> None:
        """A whole file to where `key` reads it. It stays a part too until that is registered: then nothing is lost."""
        os.link(self.part_of(sha256), self._taken(name, key))

    def has_room(self, size: int) -> bool:
        return shutil.disk_usage(self.root).free - size > RESERVE

    def need_room(self, size: int) -> None:
        """OSError (ENOSPC) before the last of the disk is taken."""
        if not self.has_room(size):
            raise OSError(ENOSPC, "the disk is nearly full")

    def try_again(self, name: str, tried: str, key: str) -> bool:
        """Let `key` read the file that `tried` has tried. False when it is not kept any more."""
        with suppress(FileNotFoundError, FileExistsError):
            os.link(self._tried(name, tried), self._taken(name, key))
            return True
        return False

    def list_lying(self, way: str) -> list[Lying]:
        """What lies in one of our own folders, and since when."""
        found = []
        with suppress(FileNotFoundError), os.scandir(self.root / way) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    changed_at = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_ctime, UTC)
                    found.append(Lying(way, Path(entry.path), changed_at))
        return found

    def _tried(self, name: str, key: str) -> Path:
        return self.root / "tried" / f"{key} {name}"

    def _taken(self, name: str, key: str) -> Path:
        return self.root / "reading" / f"{key} {name}"

    def deliver(self, name: str, content: bytes) -> None:
        """Lay a file into the outgoing folder, whole or not at all. Safe to repeat, also at the same moment."""
        part = self.outgoing / f"{name}.{token_hex(4)}.part"
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self.outgoing / name)
        sync_folder(self.outgoing)


def sync_folder(folder: Path) -> None:
    """The names in it too are there when the power fails: somebody is about to be told that they are."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def fits(name: str) -> bool:
    """Names are bytes to the system: some are no text at all."""
    try:
        return len(name.encode()) <= LONGEST_NAME and name.isprintable()
    except UnicodeEncodeError:
        return False


def open_spool(files: Path, tenant_id: str, source: str) -> Spool:
    return Spool(files / "exchange" / tenant_id / source)


def list_owners(files: Path) -> set[str]:
    """Ids of the gminas that have a folder, as far as its name is one."""
    with suppress(FileNotFoundError):
        return {path.name for path in (files / "exchange").iterdir()}
    return set()


def list_spools(files: Path) -> Iterator[tuple[str, str, Spool]]:
    """Tenant id, source and spool of every incoming folder that has something in it."""
    root = files / "exchange"
    with suppress(FileNotFoundError), os.scandir(root) as tenants:
        for tenant in tenants:
            with suppress(NotADirectoryError, FileNotFoundError), os.scandir(tenant.path) as sources:
                for source in sources:
                    spool = Spool(Path(source.path))
                    if spool.has_arrivals() or spool.documents_changed_at():
                        yield tenant.name, source.name, spool


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
