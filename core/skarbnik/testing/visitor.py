"""A resident without a browser, over real HTTP to a stack: cookies, forms, redirects, and the payer's part at PayU."""

from __future__ import annotations

import html
import http.client
import json
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from skarbnik.accounts.codes import STEP as SECONDS
from skarbnik.accounts.codes import WINDOW, code_at
from skarbnik.testing.stack import Stack

INPUT = re.compile(r"<input\b[^>]*>")
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
STEP = re.compile(r'<li class="(done|now|waits|wrong)"><b>([^<]*)</b>')
TO_PAYU = re.compile(r'href="(http[^"]+orderId=[^"]+)"')
TO_PRZELEWY24 = re.compile(r'href="http[^"]+/trnRequest/([^"/?]+)"')

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    """What came back at the end of the redirects of one host."""

    status: int
    path: str
    text: str

    def fields(self, name: str) -> list[str]:
        """The values of its inputs of that name, in their order."""
        return [value for found, value in self.inputs() if found == name]

    def inputs(self) -> Fields:
        found = (dict(ATTRIBUTE.findall(tag)) for tag in INPUT.findall(self.text))
        return [(each["name"], html.unescape(each.get("value", ""))) for each in found if "name" in each]

    def order_fields(self) -> Fields:
        """The fields of the form that orders what the page shows; none when nothing is left to order."""
        wanted = {"csrf_token", "request_key", "i", "p", "n", "k"}
        return [(name, value) for name, value in self.inputs() if name in wanted]

    def steps(self) -> list[tuple[str, str]]:
        """The timeline: mark and title of each step."""
        return [(mark, html.unescape(title)) for mark, title in STEP.findall(self.text)]

    def payu_order(self) -> str | None:
        """The order at PayU that its link leads to."""
        found = TO_PAYU.search(self.text)
        return parse_qs(urlsplit(html.unescape(found[1])).query)["orderId"][0] if found else None

    def przelewy24_token(self) -> str | None:
        """The token of the page at Przelewy24 that its link leads to."""
        found = TO_PRZELEWY24.search(self.text)
        return found[1] if found else None


class _Codes:
    """Codes of apps, each given once: who signs in twice within thirty seconds takes the one of the next step."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()

    def next_of(self, key: str, ahead: timedelta) -> str:
        def now() -> float:
            return (time.time() + ahead.total_seconds()) / SECONDS

        with self._lock:
            step = self._last[key] = max(int(now()), self._last.get(key, 0) + 1)
        while step > int(now()) + WINDOW:  # a third one waits
            time.sleep(0.5)
        return code_at(key, step * SECONDS)


_codes = _Codes()


def next_code(key: str, ahead: timedelta = timedelta()) -> str:
    """A code of an app that nobody in this process has given yet."""
    return _codes.next_of(key, ahead)


class Visitor:
    """Somebody at a gmina's address. Retries nothing by itself: what a test wants repeated, it repeats."""

    def __init__(self, stack: Stack, slug: str) -> None:
        self.stack = stack
        self.slug = slug
        self.host = f"{slug}.localhost:{stack.port}"
        self.cookies: dict[str, str] = {}

    def sign_in(self, login: str, *, office: bool = False, ahead: timedelta = timedelta()) -> Page:
        """The password, and of an official the code of their app. `ahead`: how far the product's clock goes before."""
        email, door = f"{login}@{self.slug}.example", "/office/sign-in" if office else "/sign-in"
        page = self.get(door)
        fields = {"email": email, "password": self.stack.passwords[email], "next": ""}
        page = self.post(door, [*fields.items(), ("csrf_token", page.fields("csrf_token")[0])])
        if page.path != "/sign-in/second":
            return page
        code = next_code(self.stack.app_keys[email], ahead)
        return self.post(page.path, [("code", code), ("csrf_token", page.fields("csrf_token")[0])])

    def get(self, path: str) -> Page:
        return self._follow("GET", path, None)

    def post(self, path: str, fields: Fields) -> Page:
        return self._follow("POST", path, fields)

    def choose(self, instalments: list[str]) -> Fields:
        """Look at the chosen instalments before ordering: the fields of the form that orders them."""
        return self.review(instalments).order_fields()

    def review(self, instalments: list[str]) -> Page:
        return self.get(f"/payments/new?{urlencode([('i', each) for each in instalments])}")

    def _follow(self, method: str, path: str, fields: Fields | None) -> Page:
        for _ in range(6):
            status, headers, text = self._once(method, path, fields)
            place = headers.get("Location")
            if status not in {301, 302, 303} or place is None:
                return Page(status, path, text)
            parts = urlsplit(place)
            if parts.netloc not in {"", self.host}:
                return Page(status, path, text)
            method, fields, path = "GET", None, parts.path + (f"?{parts.query}" if parts.query else "")
        raise AssertionError(f"redirected in circles at {path}")

    def _once(self, method: str, path: str, fields: Fields | None) -> tuple[int, http.client.HTTPMessage, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=45)
        headers = {"Host": self.host, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers, text


def call(url: str, sent: Any = None, *, method: str | None = None) -> Any:
    """A control API of a simulator. The answer's JSON; an AssertionError names what it refused."""
    body = None if sent is None else json.dumps(sent).encode()
    request = urllib.request.Request(url, data=body, method=method)  # ours, at 127.0.0.1
    request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise Refused(error.code, error.read().decode(errors="replace")) from error


class Refused(AssertionError):
    """A simulator said no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:200]}")
        self.status = status


def eventually(holds: Any, *, seconds: float = 30.0, every: float = 0.2) -> Any:
    """Wait until something is true, and give it. AssertionError when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every)
    return found
