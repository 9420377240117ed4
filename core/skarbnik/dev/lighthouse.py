"""`dev.py lighthouse`: the demo's main pages on a slow telephone, as Lighthouse measures them.

Lighthouse is a program of npm, fetched by `npx` when it is asked for; nothing of it is kept here, and no test needs it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from skarbnik.dev import browser
from skarbnik.dev.state import CHECKOUT, holder, open_state, read_json

PROGRAM = "lighthouse@12"  # the newest that runs on node 20
SCORES = {"performance": "speed", "accessibility": "access", "best-practices": "practice", "seo": "found"}
WANTED = 95
LIGHT = {"front", "dashboard"}  # the first things somebody sees: these two cost little, without any cache
MOST_BYTES = 60_000
LATEST_PAINT = 1500.0  # milliseconds
TRIES = 3
LONGEST = 300.0  # seconds for one page, the fetching of Lighthouse among them
CHROMIUM_OPTIONS = "--headless=new --no-sandbox --no-proxy-server"
GMINA, RESIDENT = "lipowo", "zalegly"

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
CHOICE = re.compile(r'name="i"[^>]*value="([^"]+)"')
PAYMENT = re.compile(r'href="(/payments/[A-Z0-9]{5}-[A-Z0-9]{5})"')


class CannotMeasure(Exception):
    """Something is missing, and what would help."""


@dataclass(frozen=True)
class Measured:
    """What Lighthouse said about one page."""

    name: str
    scores: dict[str, int]
    received: int
    paint: float
    shift: float
    hosts: frozenset[str]
    lost: dict[str, list[str]]  # audits that cost points, by category

    def misses(self) -> Iterator[str]:
        for category, score in self.scores.items():
            if score < WANTED:
                why = ", ".join(self.lost[category])
                yield f"{self.name}: {category} {score}, at least {WANTED} are wanted: {why}"
        if self.name in LIGHT and self.received >= MOST_BYTES:
            yield f"{self.name}: {self.received} bytes over the wire, less than {MOST_BYTES} are wanted"
        if self.name in LIGHT and self.paint >= LATEST_PAINT:
            yield f"{self.name}: largest paint after {self.paint:.0f} ms, less than {LATEST_PAINT:.0f} are wanted"
        if self.shift > 0:
            yield f"{self.name}: layout shift {self.shift:.3f}, none is wanted"
        if len(self.hosts) > 1:
            yield f"{self.name}: asked {', '.join(sorted(self.hosts))}"


def lighthouse() -> int:
    """0 when every page of the main path has what is wanted."""
    try:
        npx, chromium = find_tools(os.environ)
        visit = _visit()
        print(f"{'':12}{''.join(f'{title:>10}' for title in SCORES.values())}{'bytes':>10}{'paint ms':>10}{'shift':>8}")
        missed: list[str] = []
        for name, path in visit.pages().items():
            found = _measure(npx, chromium, name, visit, path)
            scores = "".join(f"{found.scores[category]:>10}" for category in SCORES)
            print(f"{name:12}{scores}{found.received:>10}{found.paint:>10.0f}{found.shift:>8.3f}", flush=True)
            missed += found.misses()
    except CannotMeasure as reason:
        print(reason)
        return 1
    print("\n".join(missed) or "everything that is wanted is there")
    return 1 if missed else 0


def find_tools(environ: Mapping[str, str]) -> tuple[str, str]:
    npx = shutil.which("npx", path=environ.get("PATH"))
    if npx is None or shutil.which("node", path=environ.get("PATH")) is None:
        raise CannotMeasure(
            "Lighthouse needs node and npx; nothing else here does. Install the system's nodejs and npm"
        )
    chromium = browser.find_chromium(environ)
    if chromium is None:
        raise CannotMeasure(browser.MISSING)
    return npx, chromium


class Visit:
    """Somebody at a gmina of the demo. Names below localhost are not looked up: it is this machine."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, fields: Mapping[str, str] | None = None) -> str:
        """One page; its cookies are kept."""
        parts = urlsplit(self.home)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=30)
        headers = {"Host": parts.netloc, "Cookie": self.cookie()}
        if fields is not None:
            headers |= {"Origin": self.home, "Content-Type": "application/x-www-form-urlencoded"}
        body = None if fields is None else urlencode(fields)
        connection.request("GET" if fields is None else "POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return text

    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, email: str, password: str) -> None:
        token = _first(TOKEN, self.ask("/sign-in"), "the sign-in page has no form")
        self.ask("/sign-in", {"csrf_token": token, "email": email, "password": password, "next": ""})
        if not any(name.endswith("-session") for name in self.cookies):
            raise CannotMeasure(f"{email} cannot sign in; too many attempts within a minute, or a changed password")

    def pages(self) -> dict[str, str]:
        """The main path; the payment is the newest one, when there is any."""
        choice = _first(
            CHOICE, self.ask("/receivables"), f"{RESIDENT} has nothing to pay any more: python3 dev.py reset"
        )
        paid = PAYMENT.search(self.ask("/payments"))
        return {
            "front": "/",
            "sign-in": "/sign-in",
            "dashboard": "/dashboard",
            "receivables": "/receivables",
            "review": f"/payments/new?i={choice}",
            "payment": paid[1] if paid else "/payments",
        }


def _first(pattern: re.Pattern[str], text: str, otherwise: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise CannotMeasure(otherwise)
    return unescape(found[1])


def _visit() -> Visit:
    demo = read_json(CHECKOUT / ".dev" / "demo.json")
    if not demo or holder(open_state()) is None:
        raise CannotMeasure("the demo is not running: start it with `python3 dev.py demo` in another terminal")
    visit = Visit(demo["gminas"][GMINA]["url"].rstrip("/"))
    email = f"{RESIDENT}@{GMINA}.example"
    visit.sign_in(email, next(each["password"] for each in demo["accounts"] if each["login"] == email))
    return visit


def _measure(npx: str, chromium: str, name: str, visit: Visit, path: str) -> Measured:
    """One page. Now and then Lighthouse sees no paint at all on a busy machine and says so: then it looks again."""
    for _ in range(TRIES):
        found = _ask(npx, chromium, visit, path)
        if "numericValue" in found["audits"]["largest-contentful-paint"]:
            return read_report(name, found)
    raise CannotMeasure(f"Lighthouse saw no paint of {path} in {TRIES} tries: {found.get('runtimeError')}")


def _ask(npx: str, chromium: str, visit: Visit, path: str) -> dict[str, Any]:
    """Lighthouse's report, with an empty cache. The first page and the door are seen by who is not signed in."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [npx, "--yes", PROGRAM, visit.home + path, "--quiet", "--output=json", f"--output-path={report}"]
        command += [f"--only-categories={','.join(SCORES)}", f"--chrome-flags={CHROMIUM_OPTIONS}"]
        if path not in {"/", "/sign-in"}:
            command.append(f"--extra-headers={json.dumps({'Cookie': visit.cookie()})}")
        environment = {**os.environ, "CHROME_PATH": chromium}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise CannotMeasure(f"Lighthouse took longer than {LONGEST:.0f} s for {path}") from None
        found = read_json(report)
    if not found:
        lines = [line for line in done.stderr.splitlines() if line.strip() and "npm warn" not in line]
        raise CannotMeasure("\n".join(["Lighthouse did not run; fetching it needs the network:", *lines[:4]]))
    return found


def read_report(name: str, found: Mapping[str, Any]) -> Measured:
    audits, categories = found["audits"], found["categories"]
    requests = audits["network-requests"]["details"]["items"]
    return Measured(
        name=name,
        scores={each: round((categories[each]["score"] or 0) * 100) for each in SCORES},
        received=round(audits["total-byte-weight"]["numericValue"]),
        paint=audits["largest-contentful-paint"]["numericValue"],
        shift=audits["cumulative-layout-shift"]["numericValue"],
        hosts=frozenset(urlsplit(each["url"]).netloc for each in requests if each["url"].startswith("http")),
        lost={
            category: [
                each["id"]
                for each in categories[category]["auditRefs"]
                if each["weight"] and audits[each["id"]]["score"] not in {None, 1}
            ]
            for category in SCORES
        },
    )
