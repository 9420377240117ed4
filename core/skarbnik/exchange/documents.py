"""PDFs that a finance system lays beside its exports: looked at byte by byte, and kept under their SHA-256.

`in/documents/<sha256>.pdf` is the finance system's, `documents/<aa>/<sha256>.pdf` is ours alone. What lies there is
copied, not moved: somebody may still be writing into it, or have it under another name as well. First the copy is whole
and has its name, then the row says so, then the original goes; whoever is killed between leaves work that repeats.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from skarbnik import clock
from skarbnik.exchange.models import Source
from skarbnik.exchange.spool import PIECE, Spool, sync_folder
from skarbnik.exchange.systems import spool_of
from skarbnik.outbox import publish
from skarbnik.plugin_api import LARGEST_DOCUMENT
from skarbnik.receivables.models import Document, DocumentTrouble
from skarbnik.tenancy.registry import Tenant

TOPIC = "exchange.documents_wait"
AT_ONCE = 200  # documents between two commits
AT_ONE_LOOK = 2000  # then others have their turn
BEGINNING = b"%PDF-"
SUFFIX = ".pdf"
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
HALF_WRITTEN_FOR = 3600  # seconds; an older part is of somebody who was killed
NO_PLAIN_FILE = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EACCES, errno.EPERM}

REASONS = {
    DocumentTrouble.MISSING: "Pliku nie ma w folderze in/documents.",
    DocumentTrouble.NOT_A_FILE: "W folderze in/documents jest odnośnik, folder albo plik, którego nie wolno czytać.",
    DocumentTrouble.SIZE: f"Plik ma inny rozmiar, niż podano, albo więcej niż {LARGEST_DOCUMENT // 1024**2} MB.",
    DocumentTrouble.CHECKSUM: "Plik ma inną treść, niż podano: nie zgadza się skrót SHA-256.",
    DocumentTrouble.NOT_PDF: "Plik nie jest dokumentem PDF.",
    DocumentTrouble.NOT_GIVEN: "System finansowy, zapytany o plik przez sieć, nie wydał go.",
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


def keep(spool: Spool, sha256: str, file: BinaryIO) -> DocumentTrouble | None:
    """Keep what comes from somebody who does not lay it into the folder. Why it is not kept, if it is not."""
    return _keep(file, sha256, place_of(spool, sha256))


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
            sync_folder(kept.parent)  # the original is about to go
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


def list_arrived(spool: Spool) -> list[str]:
    """What lies in the folder under the name of a document, as SHA-256. Nothing when the folder is a link."""
    found = []
    with suppress(OSError), _folder_of(spool) as folder, os.scandir(folder) as entries:
        for entry in entries:
            sha256, dot, suffix = entry.name.partition(".")
            if f"{dot}{suffix}" == SUFFIX and SHA256.fullmatch(sha256):
                found.append(sha256)
    return found


def drop_kept(spool: Spool, names: Iterable[str]) -> None:
    """Take out of the folder what is kept already."""
    with suppress(FileNotFoundError), _folder_of(spool) as folder:
        for sha256 in names:
            if place_of(spool, sha256).is_file():
                with suppress(FileNotFoundError, IsADirectoryError):
                    os.unlink(f"{sha256}{SUFFIX}", dir_fd=folder)


def drop_halves(spool: Spool) -> None:
    """Take away halves that somebody left who was killed."""
    with suppress(FileNotFoundError), os.scandir(spool.root / "documents" / "part") as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < time.time() - HALF_WRITTEN_FOR:
                    Path(entry.path).unlink()


Waiting = Row[UUID, str, int, DocumentTrouble | None]
WAITS = Document.arrived_at.is_(None) & Document.closed_at.is_(None)


def take_all(tenant: Tenant, source_id: str, *, most: int = AT_ONE_LOOK) -> bool:
    """Look for the documents of a source that nobody looked for yet, then at what lies in its folder.

    The work follows what a file named and what arrived since: a row that was looked for in vain is looked at again
    only when a file of its name lies there. True when about `most` were looked at and there may be more.
    """
    spool, looked = spool_of(tenant, source_id), 0
    for page in _pages(tenant, source_id, Document.trouble.is_(None)):
        _take_page(tenant, spool, page)
        looked += len(page)
        if looked >= most:
            return True
    arrived = list_arrived(spool)
    for start in range(0, len(arrived), AT_ONCE):
        names = arrived[start : start + AT_ONCE]
        for page in _pages(tenant, source_id, Document.sha256.in_(names)):
            _take_page(tenant, spool, page)
            looked += len(page)
        drop_kept(spool, names)
        if looked >= most:
            return True
    drop_halves(spool)
    return False


def mark_all(tenant: Tenant, spool: Spool, source_id: str, sha256: str) -> None:
    """Tell every row that waits for these bytes what became of looking for them."""
    for page in _pages(tenant, source_id, Document.sha256 == sha256):
        _take_page(tenant, spool, page)


def _take_page(tenant: Tenant, spool: Spool, page: Sequence[Waiting]) -> None:
    """No transaction is open while bytes are looked at."""
    found = [(each, take(spool, each.sha256, each.size)) for each in page]
    with tenant.session() as session:
        for each, trouble in found:
            mark(session, each, trouble)


def _pages(tenant: Tenant, source_id: str, which: ColumnElement[bool]) -> Iterator[Sequence[Waiting]]:
    """Documents that wait for their bytes, in the order of the index, each page in a transaction of its own."""
    place = tuple_(Document.sha256, Document.id)
    query = (
        select(Document.id, Document.sha256, Document.size, Document.trouble)
        .where(Document.source == source_id, WAITS, which)
        .order_by(Document.sha256, Document.id)
        .limit(AT_ONCE)
    )
    after = query
    while True:
        with tenant.session() as session:
            page = session.execute(after).all()
        if not page:
            return
        yield page
        after = query.where(place > (page[-1].sha256, page[-1].id))


def ring(session: Session, source_id: str) -> None:
    """Ask for the documents of a source that nobody looked for yet, if there are any."""
    query = select(Document.id).where(Document.source == source_id, WAITS, Document.trouble.is_(None)).limit(1)
    document_id = session.scalar(query)
    if document_id is not None:
        publish(session, TOPIC, document_id)


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
        session.execute(mine.values(trouble=trouble, ask_at=func.coalesce(Document.ask_at, clock.now())))


def find_wanted(session: Session, source_id: str, sha256: str) -> Waiting | None:
    """A document that waits for these bytes."""
    query = select(Document.id, Document.sha256, Document.size, Document.trouble).where(
        Document.source == source_id, Document.sha256 == sha256, WAITS
    )
    return session.execute(query.limit(1)).one_or_none()


def list_wanted(session: Session, source_id: str, *, after: str, limit: int) -> Sequence[Row[str, int]]:
    """SHA-256 and size of what documents of a source wait for, in the order of the sums, behind one of them."""
    query = (
        select(Document.sha256, func.max(Document.size).label("size"))
        .where(Document.source == source_id, Document.sha256 > after, WAITS)
        .group_by(Document.sha256)
    )
    return session.execute(query.order_by(Document.sha256).limit(limit)).all()


def list_troubles(
    session: Session,
    source_id: str,
    *,
    run_id: UUID | None = None,
    trouble: DocumentTrouble | None = None,
    before: UUID | None = None,
    most: int,
) -> Sequence[Document]:
    """Documents of a source that were looked for and are not here, the newest first; of a run, those it named last."""
    query = (
        select(Document)
        .options(joinedload(Document.receivable))
        .where(Document.source == source_id, WAITS, Document.trouble.is_not(None))
    )
    if run_id is not None:
        query = query.where(Document.run_id == run_id)
    if trouble is not None:
        query = query.where(Document.trouble == trouble)
    if before is not None:
        query = query.where(Document.id < before)
    return session.scalars(query.order_by(Document.id.desc()).limit(most)).all()


def find_troubled(session: Session) -> set[str]:
    """The sources of which some document was looked for and is not here."""
    some = select(Document.id).where(Document.source == Source.id, WAITS, Document.trouble.is_not(None))
    return set(session.scalars(select(Source.id).where(some.exists())))
