"""What a feature or a plugin keeps of a person: for the file with all their data (art. 15 ust. 3 RODO), and until when.

Who closes their account is erased (art. 17 ust. 1). What features of the core erase and keep, they say and do
themselves (`accounts.closing`); a plugin's chapter says how, or why it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from skarbnik.db import TenantSession

AT_ONCE = 500  # rows that are read at a time

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Chapter:
    """One JSON file: `name`.json is a list of objects. `about` is a msgid that says what they are.

    `table`: a plugin's chapter names one of its own. It is there where the table is, whether the gmina still uses the
    plugin or not. Such a chapter has one of the last two: `erase` takes a person out when their account is closed,
    may be called again, and runs in a transaction of its own; `kept` is a msgid that says why nothing is erased.
    """

    name: str
    about: str
    rows: Callable[[TenantSession, UUID], Iterable[Row]]  # of a user, in a session of their gmina
    table: str = ""
    erase: Callable[[TenantSession, UUID], None] | None = None
    kept: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.name}.json"


def read_rows(session: TenantSession, statement: str, **words: Any) -> Iterator[Row]:
    """Rows of a statement by the names of its columns, some at a time. `:word` marks what is put in."""
    found = session.execute(text(statement), words, execution_options={"yield_per": AT_ONCE})
    for row in found.mappings():
        yield dict(row)


def chapter_of(
    name: str, about: str, statement: str, *, table: str = "", erased_by: str = "", kept: str = ""
) -> Chapter:
    """The rows of one statement, in which `:user` is whose data are taken. `erased_by` is another that erases them."""

    def rows(session: TenantSession, user_id: UUID) -> Iterator[Row]:
        return read_rows(session, statement, user=user_id)

    def erase(session: TenantSession, user_id: UUID) -> None:
        session.execute(text(erased_by), {"user": user_id})

    return Chapter(name, about, rows, table, erase if erased_by else None, kept)
