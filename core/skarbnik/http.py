"""The only way out: requests with a deadline, no redirects, declared hosts, and a breaker per plugin and gmina."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from skarbnik.errors import ExternalSystemError, Misconfigured, Nonsense, OutcomeUnknown

CONNECT_SECONDS = 10
READ_SECONDS = 30
LARGEST_ANSWER = 5 * 1024 * 1024
SLOWEST = 1024  # bytes a second of a download; what comes slower is as good as nothing
LONGEST_DOWNLOAD = 3600.0  # seconds; what is there by then is kept, and continued another time
PIECE = 65536


@dataclass(frozen=True)
class HttpAnswer:
    """What came back. `body` is raw bytes; nothing was followed and nothing was judged by its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Nonsense when it is none (gateways answer with HTML on bad days)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Nonsense(f"answer with status {self.status} is not JSON") from error


@dataclass(frozen=True)
class ClientCertificate:
    """With what we show a server who we are (mutual TLS): a certificate with its chain, and its key, both PEM."""

    certificate: str
    key: str = field(repr=False)


class BreakerOpen(ExternalSystemError):
    """The last calls to this system failed; it is left alone for a moment and was not called."""


@dataclass
class Breaker:
    """Opens after `limit` failures in a row and lets one call try again after `rest` seconds."""

    limit: int = 5
    rest: float = 10.0
    failures: int = 0
    opened_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self) -> None:
        with self.lock:
            if self.opened_at is None:
                return
            if time.monotonic() - self.opened_at < self.rest:
                raise BreakerOpen("the outside system failed repeatedly and is given a rest")
            self.opened_at = time.monotonic()  # one caller tries; the others keep waiting

    def succeeded(self) -> None:
        with self.lock:
            self.failures = 0
            self.opened_at = None

    def failed(self) -> None:
        with self.lock:
            self.failures += 1
            if self.failures >= self.limit:
                self.opened_at = time.monotonic()


class _Session(requests.Session):
    """Sees no redirect: requests would read all of its body, however long, to say where it leads."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Secure(HTTPAdapter):
    """https, with our certificate where there is one."""

    def __init__(self, certificate: ClientCertificate | None) -> None:
        self._context = None if certificate is None else _context(certificate)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        if self._context is not None:
            options["ssl_context"] = self._context
        super().init_poolmanager(*args, **options)


def _context(certificate: ClientCertificate) -> ssl.SSLContext:
    """OpenSSL reads keys from files only: this one is readable by us, and gone when it was read."""
    context = ssl.create_default_context()
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{certificate.key}\n{certificate.certificate}\n")
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except (ssl.SSLError, OSError) as error:
            raise Misconfigured("our certificate for the connection cannot be used") from error
    return context


class HttpClient:
    """Talks to the hosts a plugin declared, for one gmina. Safe to share between threads.

    Raises `ExternalSystemError` when the request surely never arrived (name, connection, breaker) and
    `OutcomeUnknown` when it may have: a time-out or a cut after sending. Statuses are the caller's to read.
    """

    def __init__(
        self,
        hosts: frozenset[str],
        *,
        breaker: Breaker | None = None,
        read_seconds: float | None = None,
        client_certificate: ClientCertificate | None = None,
    ):
        self.hosts = hosts
        self.client_certificate = client_certificate
        self.breaker = breaker or Breaker()
        self.read_seconds = READ_SECONDS if read_seconds is None else read_seconds
        self._local = threading.local()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
    ) -> HttpAnswer:
        """Send one request; `hosts` are `name` or `name:port` as they stand in the address."""
        with self._talk():
            answer = self._send(method, url, headers=headers, data=form if form is not None else body, auth=basic)
            with answer:
                content = _read(answer, deadline=time.monotonic() + self.read_seconds)
        self._judge(answer)
        return HttpAnswer(status=answer.status_code, headers=answer.headers, body=content)

    def download(
        self,
        url: str,
        into: BinaryIO,
        *,
        most: int,
        offset: int = 0,
        etag: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """GET a file of at most `most` bytes into `into`, which holds the first `offset` of them with that ETag.

        An answer that continues there is written behind them (206), a whole one instead of them (200); the body of
        any other is in what comes back. What had come before a cut stays. ExternalSystemError also when an answer
        fits nowhere: then `into` is empty, and the next call starts over. OutcomeUnknown when less than `SLOWEST`
        comes for `read_seconds`, or it takes longer than `LONGEST_DOWNLOAD`.
        """
        wanted = {"Accept-Encoding": "identity", **(headers or {})}
        if offset:
            wanted |= {"Range": f"bytes={offset}-", "If-Range": f'"{etag}"'}
        with self._talk():
            answer = self._send("GET", url, headers=wanted)
            with answer:
                if answer.status_code in {200, 206}:
                    self._write(answer, into, offset=offset, most=most)
                    content = b""
                else:
                    content = _read(answer, deadline=time.monotonic() + self.read_seconds)
        self._judge(answer)
        return HttpAnswer(status=answer.status_code, headers=answer.headers, body=content)

    def _write(self, answer: requests.Response, into: BinaryIO, *, offset: int, most: int) -> None:
        continues = answer.status_code == 206
        start = offset if continues else 0
        into.seek(start)
        if not continues or not answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            into.seek(0)
            into.truncate()
            if continues:
                raise Nonsense("the answer continues at another place than was asked for")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Nonsense("the answer is compressed, which nobody asked for")
        room = most - start
        for piece in self._in_time(_pieces(answer)):
            room -= len(piece)
            if room < 0:
                raise Nonsense("the file is larger than was said")
            into.write(piece)

    def _in_time(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pieces as long as they come fast enough. A silence ends with the time-out of the connection."""
        began = mark = time.monotonic()
        came = 0
        for piece in pieces:
            yield piece
            came += len(piece)
            now = time.monotonic()
            if now - began > LONGEST_DOWNLOAD or (now - mark > self.read_seconds and came < SLOWEST * (now - mark)):
                raise requests.Timeout("the file comes too slowly")
            if now - mark > self.read_seconds:
                mark, came = now, 0

    def _send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> Any:
        """One request; its answer with the body still to be read."""
        place = urlsplit(url)
        if place.scheme not in {"https", "http"} or place.netloc.lower() not in self.hosts:
            raise ExternalSystemError("the address is not among the hosts the plugin declared")
        self.breaker.before()
        return self._session().request(
            method,
            url,
            headers=dict(headers or {}),
            timeout=(CONNECT_SECONDS, self.read_seconds),
            allow_redirects=False,
            stream=True,
            **body,
        )

    @contextmanager
    def _talk(self) -> Iterator[None]:
        """What goes wrong on the way, in the words of this house."""
        try:
            yield
        except requests.ConnectTimeout as error:
            self.breaker.failed()
            raise ExternalSystemError("no connection in time") from error
        except requests.ConnectionError as error:
            self.breaker.failed()
            if _never_sent(error):
                raise ExternalSystemError("no connection") from error
            raise OutcomeUnknown("the connection was cut") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self.breaker.failed()
            raise OutcomeUnknown("no whole answer in time") from error

    def _judge(self, answer: requests.Response) -> None:
        if answer.status_code >= 500:
            self.breaker.failed()
        else:
            self.breaker.succeeded()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = _Session()
            session.trust_env = False  # neither proxies nor .netrc of the machine
            session.mount("http://", HTTPAdapter(max_retries=0))
            session.mount("https://", _Secure(self.client_certificate))
            self._local.session = session
        return session


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it arrives: to wait for a full piece would let a slow drip pass for an answer."""
    while piece := answer.raw.read1(PIECE, decode_content=True):
        yield piece


def _read(answer: requests.Response, *, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in _pieces(answer):
        size += len(part)
        if size > LARGEST_ANSWER:
            raise requests.RequestException("the answer is too large")
        if time.monotonic() > deadline:
            raise requests.Timeout("the answer came too slowly")
        parts.append(part)
    return b"".join(parts)


def _never_sent(error: requests.ConnectionError) -> bool:
    """urllib3 tells a connection that was not made (refused, no such name) from one that broke later."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError"}
