"""All data of a person in one file: what features contribute, and how it becomes a ZIP of JSON files.

Art. 15 ust. 3 RODO (a copy of the data) and art. 20 ust. 1 (a structured, commonly used, machine-readable format).
`app` fills the list of the core's chapters, plugins hand out theirs; rows stream from the database into a file on
disk, whatever their number.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from tempfile import SpooledTemporaryFile
from typing import Any
from uuid import UUID

from sqlalchemy import text

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.money import Money
from skarbnik.plugin_api import Chapter
from skarbnik.plugin_api.own_data import Row
from skarbnik.tenancy.plugins import Plugins
from skarbnik.tenancy.registry import Tenant

IN_MEMORY = 1024 * 1024  # bytes; what is longer goes to disk
NAME = "skarbnik.chapters"


def has_table(session: TenantSession, name: str) -> bool:
    """Whether the gmina has it. A plugin's tables are where it is, or was, enabled."""
    return bool(session.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}))


def list_plugin_chapters(session: TenantSession, plugins: Plugins) -> list[Chapter]:
    """Of those this gmina uses or used: what a plugin kept is there after it, too."""
    found = [chapter for pages in plugins.pages.values() for chapter in pages.own_data]
    return [each for each in found if has_table(session, each.table)]


def list_silent_plugins(tenant: Tenant) -> list[str]:
    """Plugins of this gmina that do not load now: what they keep of people nobody tells. Mostly none."""
    return sorted(tenant.plugins & tenant.instance.plugins.broken.keys())


def write_archive(
    session: TenantSession, user_id: UUID, chapters: Sequence[Chapter], *, readme: str
) -> SpooledTemporaryFile[bytes]:
    """The ZIP, from its beginning. The caller closes it, and its place on disk is free again."""
    archive: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # the caller's
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            at = clock.now().astimezone(clock.WARSAW).timetuple()[:6]
            _write(made, "README.txt", at, [readme])
            for chapter in chapters:
                _write(made, chapter.file_name, at, _as_json(chapter.rows(session, user_id)))
    except BaseException:
        archive.close()
        raise
    archive.seek(0)
    return archive


def _write(made: zipfile.ZipFile, name: str, at: tuple[int, ...], parts: Iterable[str]) -> None:
    entry = zipfile.ZipInfo(name, at)  # type: ignore[arg-type]  # six numbers
    entry.compress_type = zipfile.ZIP_DEFLATED
    with made.open(entry, "w", force_zip64=True) as file:
        for part in parts:
            file.write(part.encode())


def _as_json(rows: Iterable[Row]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield ",\n" if number else "\n"
        yield json.dumps(row, ensure_ascii=False, default=_plain)
    yield "\n]\n"


def _plain(value: Any) -> str:
    """Moments with their zone, amounts as decimal text in PLN."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Money):
        return f"{'-' if value.grosze < 0 else ''}{abs(value.grosze) // 100}.{abs(value.grosze) % 100:02d}"
    return str(value)
