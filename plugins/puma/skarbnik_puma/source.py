"""The bytes of a file before any parser sees them: what a file may begin with, and how much it may hold back.

Bounds are looked at in bytes because a parser that has begun to follow a trick has already lost.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from skarbnik.plugin_api import BrokenFile
from skarbnik_puma.problems import Problems

HEAD = 64 * 1024  # the prolog, the root and the manifest fit in here
QUIET = 2 * 1024 * 1024  # bytes that may pass without one finished row: the largest receivable

TAIL = 64

BOM = b"\xef\xbb\xbf"
DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*["']([A-Za-z0-9._\-]+)["'])?"""
    rb"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
ASIDE = re.compile(rb"\s+|<!--.*?-->|<\?(?![xX][mM][lL]\s).*?\?>", re.DOTALL)
ROOT = re.compile(rb"<[A-Za-z_]")


class Source:
    """A stream whose head was looked at and is then given to the parser from the beginning."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.head = read_head(stream)
        self.rest = self.head
        self.tail = self.head[-TAIL:]
        self.ended = len(self.head) < HEAD
        self.quiet = 0  # bytes since the last finished row; the reader sets it back
        check_prolog(self.head)

    def read(self, size: int) -> bytes:
        """What `iterparse` asks for."""
        if self.rest:
            chunk, self.rest = self.rest[:size], self.rest[size:]
        else:
            chunk = self.stream.read(size)
            self.ended = not chunk
            self.tail = (self.tail + chunk)[-TAIL:]
        self.quiet += len(chunk)
        if self.quiet > QUIET:
            raise broken("too_large", "Jedna pozycja pliku jest większa niż 2 MB; to nie jest poprawny plik.")
        return chunk

    def is_cut(self, root: str) -> bool:
        """All was read, and the end of the root did not come."""
        return self.ended and not self.tail.rstrip().endswith(f"{root}>".encode())


def read_head(stream: BinaryIO) -> bytes:
    """The first bytes, also from a stream that answers in small pieces."""
    pieces = []
    missing = HEAD
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def check_prolog(head: bytes) -> None:
    """UTF-8, XML 1.0, no DTD; only comments and white space before the root."""
    at = len(BOM) if head.startswith(BOM) else 0
    declaration = DECLARATION.match(head, at)
    if declaration:
        encoding = declaration[1]
        if encoding is not None and encoding.upper() != b"UTF-8":
            raise broken("encoding", "Plik nie jest zapisany w UTF-8.")
        at = declaration.end()
    while aside := ASIDE.match(head, at):
        at = aside.end()
    if ROOT.match(head, at):
        return
    if not head.strip():
        raise broken("empty", "Plik jest pusty.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head[:64]:
        raise broken("encoding", "Plik nie jest zapisany w UTF-8.")
    if head[at : at + 9].upper() == b"<!DOCTYPE":
        raise broken("dtd", "Plik zawiera definicję typu dokumentu (DOCTYPE), która jest zabroniona.")
    raise broken("not_ours", "Plik nie zaczyna się jak dokument XML wymiany.")


def broken(code: str, message: str) -> BrokenFile:
    return Problems().stop(None, code, message)
