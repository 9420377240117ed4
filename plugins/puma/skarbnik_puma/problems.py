"""Everything that is wrong with a file, gathered so that a clerk sees all of it at once.

Messages name places and ids, never values: a column shifted by one would put a name where an amount belongs.
"""

from __future__ import annotations

from lxml import etree

from skarbnik.plugin_api import BrokenFile, FileProblem

MOST = 1000

TRUNCATED = {
    etree.ErrorTypes.ERR_DOCUMENT_END,
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY,
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED,
    etree.ErrorTypes.ERR_GT_REQUIRED,
    etree.ErrorTypes.ERR_LTSLASH_REQUIRED,
}
EXTRA = "Extra content at the end"  # for the parser it is the same code as an end that is missing
ENCODING = {
    etree.ErrorTypes.ERR_INVALID_ENCODING,
    etree.ErrorTypes.ERR_INVALID_CHAR,
    etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
    etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
    etree.ErrorTypes.I18N_CONV_FAILED,
}


class Problems:
    """A list of at most 1,000 problems, and the exception it becomes."""

    def __init__(self) -> None:
        self.listed: list[FileProblem] = []
        self.found = 0

    def __bool__(self) -> bool:
        return self.found > 0

    def add(self, line: int | None, code: str, message: str) -> None:
        self.found += 1
        if len(self.listed) < MOST:
            self.listed.append(FileProblem(line, code, message))

    def broken(self, message: str) -> BrokenFile:
        return BrokenFile(message, self.listed)

    def stop(self, line: int | None, code: str, message: str) -> BrokenFile:
        """The file is broken as a whole: what was found so far, and why reading ended here."""
        del self.listed[MOST - 1 :]
        self.add(line, code, message)
        return self.broken(message)

    def syntax(self, error: etree.XMLSyntaxError, *, cut: bool = False) -> BrokenFile:
        """What the parser said, in words for a clerk. Its log is the thread's: all but the last is of other files."""
        last = error.error_log.last_error  # type: ignore[attr-defined]  # lxml-stubs leave the log empty
        line = error.lineno or (last.line if last is not None else None)
        if EXTRA in str(error.msg):
            return self.stop(line, "after_end", "Za końcem dokumentu jest jeszcze coś innego.")
        return self.unreadable(error.code, line, cut=cut)  # type: ignore[attr-defined]  # lxml-stubs forgot it

    def unreadable(self, code: int, line: int | None, *, cut: bool) -> BrokenFile:
        if cut or code in TRUNCATED:
            return self.stop(line, "truncated", "Plik jest urwany: brakuje jego końca.")
        if code in ENCODING:
            return self.stop(line, "encoding", "Plik zawiera znaki, które nie są poprawnym UTF-8.")
        return self.stop(line, "not_well_formed", "Plik nie jest poprawnym dokumentem XML.")

    def raise_found(self) -> None:
        if self.found:
            raise self.broken(f"Plik ma błędy, liczba: {self.found}. Niczego nie wczytano.")
