"""Everything that is wrong with a file, gathered so that a clerk sees all of it at once.

Messages name lines and columns, never what a cell holds: a column shifted by one puts a name where an amount belongs.
"""

from __future__ import annotations

from skarbnik.plugin_api import BrokenFile, FileProblem

MOST = 1000


class Problems:
    """A list of at most 1,000 problems, and the exception it becomes."""

    def __init__(self) -> None:
        self.listed: list[FileProblem] = []
        self.found = 0

    def add(self, line: int | None, code: str, message: str) -> None:
        self.found += 1
        if len(self.listed) < MOST:
            self.listed.append(FileProblem(line, code, message))

    def stop(self, line: int | None, code: str, message: str) -> BrokenFile:
        """The file is broken as a whole: what was found so far, and why reading ended here."""
        del self.listed[MOST - 1 :]
        self.add(line, code, message)
        return BrokenFile(message, self.listed)

    def raise_found(self) -> None:
        if self.found:
            raise BrokenFile(f"Plik ma błędy, liczba: {self.found}. Niczego nie wczytano.", self.listed)
