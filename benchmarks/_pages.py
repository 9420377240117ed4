"""What rows about pages share: a server for a page, residents who owe, and the reference made of the page itself."""

from __future__ import annotations

import difflib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from skarbnik import clock
from skarbnik.accounts.services import LOCAL, open_session
from skarbnik.money import Money
from skarbnik.tenancy.registry import Tenant
from skarbnik.testing import factories
from skarbnik.testing.database import Lab

HERE = Path(__file__).parent
PATH = "/receivables"
THREADS = 2
REQUESTS = 600
WARM = 100
KINDS = 3


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in: where, and what their browser sends."""

    host: str
    cookies: str


@dataclass(frozen=True)
class Server:
    """A page served by granian."""

    port: int

    def fetch(self, visitor: Visitor) -> tuple[str, Visitor]:
        """The page, and the visitor with the cookies they were given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", PATH, headers={"Host": visitor.host, "Cookie": visitor.cookies})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, (answer.status, text[:300])
        given = [value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        connection.close()
        return text, replace(visitor, cookies="; ".join([visitor.cookies, *given]))

    def load(self, visitors: Sequence[Visitor], requests: int = REQUESTS) -> float:
        """Seconds of the median answer to requests of these visitors, in an order that has none."""
        words = {"port": self.port, "path": PATH, "threads": THREADS, "requests": requests}
        told = json.dumps(words | {"visitors": [asdict(each) for each in visitors]})
        command = (sys.executable, str(HERE / "_load.py"))
        return float(subprocess.run(command, check=True, input=told, stdout=subprocess.PIPE, text=True).stdout)


@contextmanager
def served(application: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """One worker with four threads, as in the demo but for the number of workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--interface", "wsgi", "--port", str(port), "--workers", "1", "--blocking-threads", "4")
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            (sys.executable, "-m", "granian", *options, application),
            cwd=HERE,
            env={**os.environ, **environment},
            stdout=None if "-v" in sys.argv else log,
            stderr=None if "-v" in sys.argv else log,
        ) as process,
    ):
        try:
            _wait_for(port)
            yield Server(port)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


@contextmanager
def bare_served(lab: Lab, tenant: Tenant, page: str) -> Iterator[Server]:
    """The shortest program that makes `page`, which is the product's for a resident of this gmina."""
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as template:
        template.write(make_reference(page, tenant))
        template.flush()
        words = {
            "DATABASE_URL": lab.environment["DATABASE_URL"],
            "BARE_PAGE": template.name,
            "BARE_ROLE": tenant.role,
            "BARE_SCHEMA": tenant.schema,
            "BARE_NAME": tenant.name,
            "BARE_COLOUR": tenant.colour,
            "BARE_EMAIL": tenant.email or "",
        }
        with served("_bare_page:app", words) as server:
            yield server


def make_resident(tenant: Tenant, instalments: int) -> Visitor:
    """Somebody who owes taxes and fees, a third of them late."""
    with tenant.session() as session, factories.bound_to(session):
        factories.SourceFactory(as_of=clock.now())
        payer = factories.PayerFactory(name="Kowalska Anna")
        kinds = [factories.KindFactory(title=f"Opłata {number}", position=number) for number in range(KINDS)]
        for number in range(instalments):
            receivable = factories.ReceivableFactory(kind=kinds[number % KINDS], title=f"Podatek i opłata {number}")
            due = clock.today() + timedelta(days=30 * (number - instalments // 3))
            interest = Money(900 if due < clock.today() else 0)
            factories.InstalmentFactory(
                receivable=receivable, payer=payer, due_on=due, interest=interest, principal=Money(123_456 + number)
            )
        user = factories.UserFactory(acts_for=[payer])
        token = open_session(session, user, way=LOCAL, second=False, ip="127.0.0.1", agent="")
    return Visitor(f"{tenant.slug}.skarbnik.test", f"__Host-skarbnik-session={token}")


def make_reference(page: str, tenant: Tenant) -> str:
    """The product's page as one template: what changes with the data becomes an expression, all else is plain text.

    The tables are written by hand in `_bare_page.html`; `check_same` shows that nothing else differs.
    """
    before, _, rest = page.partition("<table")
    after = rest.rpartition("</table>")[2]
    shell = before + "@@" + after
    for pattern, expression in (
        (r'(?<=name="csrf_token" value=")[^"]*', "{{ token }}"),
        (re.escape(tenant.name), "{{ gmina.name }}"),
        (re.escape(tenant.email or "-"), "{{ gmina.email }}"),
        (r"(?<=<b>)Kowalska Anna", "{{ payer.name }}"),
        (r'(?<=<div class="tile">Razem <b>)[^<]*', "{{ total|money }}"),
        (r"(?<=w tym odsetki )[^<]*", "{{ interest|money }}"),
        (r"(?<=14 dni <b>)[^<]*", "{{ soon|money }}"),
        (r'(?<=<div class="tile late">)([^<]*)<b>[^<]*', r"\1<b>{{ overdue|money }}"),
        (r"\d\d\.\d\d\.\d{4}, \d\d:\d\d", "{{ as_of|moment }}"),
        (
            r'(<option value="[0-9a-f-]{36}">[^<]*</option>)+',
            '{% for id, title in kinds.items() %}<option value="{{ id }}">{{ title }}</option>{% endfor %}',
        ),
    ):
        shell, found = re.subn(pattern, expression, shell)
        assert found, f"the page has no {pattern}: mend make_reference"
    return shell.replace("@@", (HERE / "_bare_page.html").read_text(encoding="utf-8"))


def check_same(ours: str, bare: str) -> None:
    """The same page but for tokens, fingerprints and white space."""
    pages = [_comparable(each) for each in (ours, bare)]
    if pages[0] != pages[1]:
        print("\n".join(difflib.unified_diff(*pages, "product", "reference", lineterm="", n=0)))
        sys.exit("the two pages differ: mend _bare_page.html")
    print(f"  both pages are the same: {len(ours)} and {len(bare)} characters", flush=True)


def _comparable(page: str) -> list[str]:
    page = re.sub(r'name="csrf_token" value="[^"]*"|/static/[0-9a-f]{12}/', "", page)
    return re.sub(r"\s*(<[^>]*>)\s*", r"\n\1\n", re.sub(r"\s+", " ", page)).split("\n")
