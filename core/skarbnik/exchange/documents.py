"""PDFs that a finance system lays beside its exports: looked at byte by byte, and kept under their SHA-256.

`in/documents/<sha256>.pdf` is the finance system's, `documents/<aa>/<sha256>.pdf` is ours alone. What lies there is
copied, not moved: somebody may still be writing into it, or have it under another name as well. First the copy is whole
and has its name, then the row says so, then the original goes; whoever is killed between leaves work that repeats.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.exchange.spool import PIECE, Spool
from skarbnik.outbox import publish
from skarbnik.plugin_api import LARGEST_DOCUMENT
from skarbnik.receivables.models import Document, DocumentTrouble

AT_ONCE = 200  # documents between two commits
BEGINNING = b"%PDF-"
SUFFIX = ".pdf"
HALF_WRITTEN_FOR = 3600  # seconds; an older part is of somebody who was killed
NO_PLAIN_FILE = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EACCES, errno.EPERM}

REASONS = {
    DocumentTrouble.MISSING: "Pliku nie ma w folderze in/documents.",
    DocumentTrouble.NOT_A_FILE: "W folderze in/documents jest odnośnik, folder albo plik, którego nie wolno czytać.",
    DocumentTrouble.SIZE: f"Plik ma inny rozmiar, niż podano, albo więcej niż {LARGEST_DOCUMENT // 1024**2} MB.",
    DocumentTrouble.CHECKSUM: "Plik ma inną treść, niż podano: nie zgadza się skrót SHA-256.",
    DocumentTrouble.NOT_PDF: "Plik nie jest dokumentem PDF.",
}


def place_of(spool: Spool, sha256: str) -> Path:
    """Where the bytes of a document are kept, if they came."""
    return spool.root / "documents" / sha256[:2] / f"{sha256}{SUFFIX}"


def take(spool: Spool, sha256: str, size: int) -> DocumentTrouble | None:
    """Keep a document that is what the export says of it. Why it is not kept, if it is not. Safe to repeat."""
    kept = place_of(spool, sha256)
    if not kept.is_file():
        trouble = _look(spool, sha256, kept)
        if trouble is not None:
            return trouble
    return None if kept.stat().st_size == size else DocumentTrouble.SIZE


def _look(spool: Spool, sha256: str, kept: Path) -> DocumentTrouble | None:
    name = f"{sha256}{SUFFIX}"
    try:
        with _folder_of(spool) as folder:
            return _look_at(folder, name, sha256, kept, refused=spool.root / "refused" / name)
    except FileNotFoundError:
        return DocumentTrouble.MISSING
    except OSError as error:
        if error.errno in NO_PLAIN_FILE:
            return DocumentTrouble.NOT_A_FILE
        raise


@contextmanager
def _folder_of(spool: Spool) -> Iterator[int]:
    """The folder itself, held open: a link that takes its place leads nowhere."""
    folder = os.open(spool.incoming_documents, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield folder
    finally:
        os.close(folder)


def _look_at(folder: int, name: str, sha256: str, kept: Path, *, refused: Path) -> DocumentTrouble | None:
    """No link is followed, and no pipe is waited for. A link goes, and a file that is wrong is put aside."""
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return DocumentTrouble.NOT_A_FILE
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        return DocumentTrouble.NOT_A_FILE
    with os.fdopen(opened, "rb") as file:
        trouble = _keep(file, sha256, kept)
    if trouble is not None:
        os.replace(name, refused, src_dir_fd=folder)
    return trouble


def _keep(file: BinaryIO, sha256: str, kept: Path) -> DocumentTrouble | None:
    """Copy while looking: what is kept is what was looked at, whatever becomes of the original meanwhile."""
    part = kept.parents[1] / "part" / f"{sha256}.{token_hex(4)}"
    for folder in (part.parent, kept.parent):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("xb") as copy:
            trouble = _copy(file, copy, sha256)
            copy.flush()
            os.fsync(copy.fileno())
        if trouble is None:
            part.rename(kept)
            _write_through(kept.parent)
    finally:
        part.unlink(missing_ok=True)
    return trouble


def _copy(file: BinaryIO, copy: BinaryIO, sha256: str) -> DocumentTrouble | None:
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        if not size and not piece.startswith(BEGINNING):
            return DocumentTrouble.NOT_PDF
        size += len(piece)
        if size > LARGEST_DOCUMENT:
            return DocumentTrouble.SIZE
        digest.update(piece)
        copy.write(piece)
    return None if digest.hexdigest() == sha256 else DocumentTrouble.CHECKSUM


def _write_through(folder: Path) -> None:
    """The name is there too when the power fails: the original is about to go."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def tidy(spool: Spool) -> None:
    """Take away what is kept already, and halves that somebody left who was killed."""
    with suppress(FileNotFoundError, NotADirectoryError), _folder_of(spool) as folder, os.scandir(folder) as entries:
        for entry in entries:
            sha256, dot, suffix = entry.name.partition(".")
            if f"{dot}{suffix}" == SUFFIX and len(sha256) == 64 and place_of(spool, sha256).is_file():
                os.unlink(entry.name, dir_fd=folder)
    with suppress(FileNotFoundError), os.scandir(spool.root / "documents" / "part") as entries:
        for entry in entries:
            if entry.stat().st_mtime < time.time() - HALF_WRITTEN_FOR:
                Path(entry.path).unlink(missing_ok=True)


Waiting = Row[UUID, str, int, DocumentTrouble | None]


def _waiting(source_id: str) -> Select[UUID, str, int, DocumentTrouble | None]:
    return select(Document.id, Document.sha256, Document.size, Document.trouble).where(
        Document.source == source_id, Document.arrived_at.is_(None), Document.closed_at.is_(None)
    )


def ring(session: Session, source_id: str) -> None:
    """Ask for the documents of a source that wait for their bytes, if there are any."""
    waiting = session.execute(_waiting(source_id).limit(1)).first()
    if waiting is not None:
        publish(session, "exchange.documents_wait", waiting.id)


def list_waiting(session: Session, source_id: str, *, after: UUID | None) -> Sequence[Waiting]:
    query = _waiting(source_id).order_by(Document.id).limit(AT_ONCE)
    return session.execute(query if after is None else query.where(Document.id > after)).all()


def mark(session: Session, waiting: Waiting, trouble: DocumentTrouble | None) -> None:
    """What became of looking for it, unless another file has come to say meanwhile that it is another document.

    A wrong one was put aside: that it is missing since is no news.
    """
    if waiting.trouble is not None and trouble in {waiting.trouble, DocumentTrouble.MISSING}:
        return
    mine = update(Document).where(
        Document.id == waiting.id, Document.sha256 == waiting.sha256, Document.size == waiting.size
    )
    if trouble is None:
        session.execute(mine.values(arrived_at=clock.now(), trouble=None))
    else:
        session.execute(mine.values(trouble=trouble))


def list_troubles(session: Session, run_id: UUID, *, most: int) -> Sequence[Document]:
    """Documents a file named last whose bytes are not here: those that were looked for."""
    query = select(Document).where(
        Document.run_id == run_id,
        Document.arrived_at.is_(None),
        Document.closed_at.is_(None),
        Document.trouble.is_not(None),
    )
    return session.scalars(query.order_by(Document.external_id).limit(most)).all()
