"""PUMA over HTTP (`docs/exchange.md`, "Over HTTP"): what it offers, its files, and our batches into its hands.

What comes back is somebody else's word: names, sizes and sums are checked before anything is done with them. Messages
hold a status and never what the answer said.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Any, BinaryIO
from urllib.parse import quote

from skarbnik.plugin_api import (
    ExternalSystemError,
    HttpAnswer,
    HttpClient,
    Misconfigured,
    Nonsense,
    OutcomeUnknown,
    Refused,
    RemoteFile,
    RemoteFiles,
)

MOST_FILES = 1000
LARGEST = 4 * 1024**3
NAME = re.compile(r"puma-[A-Za-z0-9][A-Za-z0-9._-]{0,106}\.xml")
SHA256 = re.compile(r"[0-9a-f]{64}")


class PumaFiles(RemoteFiles):
    """One gmina's files at the address the vendor gave it."""

    offers_documents = True

    def __init__(self, address: str, token: str, http: HttpClient) -> None:
        self._address = address
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    def list_files(self, after: int) -> list[RemoteFile]:
        answer = self._http.request("GET", f"{self._address}/files?after={after}", headers=self._headers)
        _judge(answer)
        return _read_list(answer.json())

    def download(self, file: RemoteFile, into: BinaryIO, offset: int) -> None:
        self._download(f"{self._address}/files/{quote(file.name, safe='')}", file, into, offset)

    def download_document(self, file: RemoteFile, into: BinaryIO, offset: int) -> None:
        self._download(f"{self._address}/documents/{file.sha256}.pdf", file, into, offset)

    def deliver(self, name: str, content: bytes) -> None:
        digest = base64.b64encode(sha256(content).digest()).decode()
        headers = {
            **self._headers,
            "Content-Type": "application/xml",
            "Repr-Digest": f"sha-256=:{digest}:",
        }
        url = f"{self._address}/bookings/{quote(name, safe='')}"
        _judge(self._http.request("PUT", url, headers=headers, body=content), changes=True)

    def _download(self, url: str, file: RemoteFile, into: BinaryIO, offset: int) -> None:
        _judge(self._http.download(url, into, most=file.size, offset=offset, etag=file.sha256, headers=self._headers))


def _judge(answer: HttpAnswer, *, changes: bool = False) -> None:
    """Nothing for a good answer; for any other the error it means. `changes`: the call could have had an effect."""
    words = f"PUMA answered {answer.status}"
    if answer.status in {200, 201, 204, 206}:
        return
    if answer.status in {401, 403}:
        raise Misconfigured(words)
    if answer.status in {408, 429} or answer.status >= 500:
        raise (OutcomeUnknown if changes else ExternalSystemError)(words)
    if answer.status >= 400:
        raise Refused(words)
    raise Nonsense(words)


def _read_list(said: Any) -> list[RemoteFile]:
    if not isinstance(said, list) or len(said) > MOST_FILES:
        raise Nonsense(f"the list of files is no list of at most {MOST_FILES}")
    files = [_read_file(each) for each in said]
    if len({file.name for file in files}) < len(files):
        raise Nonsense("two files of one name are offered")
    return files


def _read_file(said: Any) -> RemoteFile:
    """A name that leads nowhere, a size that can be, a sum that is one; anything else spoils the whole list."""
    if not isinstance(said, dict) or said.keys() != {"name", "size", "sha256"}:
        raise Nonsense("a file is offered by other words than name, size, sha256")
    name, size, digest = said["name"], said["size"], said["sha256"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Nonsense("a file is offered under a name that cannot be")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= LARGEST:
        raise Nonsense("a file is offered with a size that cannot be")
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise Nonsense("a file is offered without a sum")
    return RemoteFile(name, size, digest)
