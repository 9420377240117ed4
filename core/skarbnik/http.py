"""The only way out: requests with a deadline, no redirects, declared hosts, and a breaker per plugin and gmina."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from skarbnik.errors import ExternalSystemError, OutcomeUnknown

CONNECT_SECONDS = 10
READ_SECONDS = 30
LARGEST_ANSWER = 5 * 1024 * 1024


@dataclass(frozen=True)
class HttpAnswer:
    """What came back. `body` is raw bytes; nothing was followed and nothing was judged by its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. ExternalSystemError when it is none (gateways answer with HTML on bad days)."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ExternalSystemError(f"answer with status {self.status} is not JSON") from error


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


class HttpClient:
    """Talks to the hosts a plugin declared, for one gmina. Safe to share between threads.

    Raises `ExternalSystemError` when the request surely never arrived (name, connection, breaker) and
    `OutcomeUnknown` when it may have: a time-out or a cut after sending. Statuses are the caller's to read.
    """

    def __init__(self, hosts: frozenset[str], *, breaker: Breaker | None = None, read_seconds: float = READ_SECONDS):
        self.hosts = hosts
        self.breaker = breaker or Breaker()
        self.read_seconds = read_seconds
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
        place = urlsplit(url)
        if place.scheme not in {"https", "http"} or place.netloc.lower() not in self.hosts:
            raise ExternalSystemError("the address is not among the hosts the plugin declared")
        self.breaker.before()
        try:
            answer = self._session().request(
                method,
                url,
                headers=dict(headers or {}),
                data=form if form is not None else body,
                auth=basic,
                timeout=(CONNECT_SECONDS, self.read_seconds),
                allow_redirects=False,
                stream=True,
            )
            content = _read(answer, deadline=time.monotonic() + self.read_seconds)
        except requests.ConnectTimeout as error:
            self.breaker.failed()
            raise ExternalSystemError("no connection in time") from error
        except requests.ConnectionError as error:
            self.breaker.failed()
            if _never_sent(error):
                raise ExternalSystemError("no connection") from error
            raise OutcomeUnknown("the connection was cut") from error
        except requests.RequestException as error:
            self.breaker.failed()
            raise OutcomeUnknown("no whole answer in time") from error
        if answer.status_code >= 500:
            self.breaker.failed()
        else:
            self.breaker.succeeded()
        return HttpAnswer(status=answer.status_code, headers=answer.headers, body=content)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # neither proxies nor .netrc of the machine
            session.mount("http://", HTTPAdapter(max_retries=0))
            session.mount("https://", HTTPAdapter(max_retries=0))
            self._local.session = session
        return session


def _read(answer: requests.Response, *, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(65536):
        size += len(part)
        if size > LARGEST_ANSWER:
            answer.close()
            raise requests.RequestException("the answer is too large")
        if time.monotonic() > deadline:
            answer.close()
            raise requests.Timeout("the answer came too slowly")
        parts.append(part)
    return b"".join(parts)


def _never_sent(error: requests.ConnectionError) -> bool:
    """urllib3 tells a connection that was not made (refused, no such name) from one that broke later."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError"}
