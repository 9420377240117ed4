"""`page`: the receivables page of a signed-in resident through the whole stack, against the barest program.

Ours: granian, the frame, tenant and session, permissions, translations, macros, CSRF token, headers, log. The reference
(`_bare_page.py`): the same server, the same SQL in the same transaction, the same HTML from one template. Both get the
same requests over kept-alive connections from another process; the figure is the median of one answer.
"""

from __future__ import annotations

import difflib
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from _rows import Target, interleave, leave

from skarbnik import clock
from skarbnik.accounts.models import UserKind
from skarbnik.accounts.services import sign_in
from skarbnik.money import Money
from skarbnik.tenancy.registry import Tenant
from skarbnik.testing import factories
from skarbnik.testing.database import make_lab

HERE = Path(__file__).parent
PATH = "/receivables"
INSTALMENTS = 15
THREADS = 2
REQUESTS = 600
WARM = 100


@dataclass
class Server:
    """A page served by granian, and what a browser sends there."""

    port: int
    host: str
    cookies: str

    def fetch(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", PATH, headers={"Host": self.host, "Cookie": self.cookies})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, (answer.status, text[:300])
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.cookies += "; " + value.partition(";")[0]
        connection.close()
        return text

    def load(self, requests: int = REQUESTS) -> float:
        words = (str(self.port), self.host, PATH, self.cookies, str(THREADS), str(requests))
        command = (sys.executable, str(HERE / "_load.py"), *words)
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextmanager
def served(application: str, host: str, cookies: str, environment: Mapping[str, str]) -> Iterator[Server]:
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
            yield Server(port, host, cookies)
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


def make_resident(tenant: Tenant) -> str:
    """Somebody who owes taxes and fees, some of them late. The token of their session."""
    with tenant.session() as session, factories.bound_to(session):
        factories.SourceFactory(as_of=clock.now())
        payer = factories.PayerFactory(name="Kowalska Anna")
        kinds = [factories.KindFactory(title=f"Opłata {number}", position=number) for number in range(3)]
        for number in range(INSTALMENTS):
            receivable = factories.ReceivableFactory(kind=kinds[number % 3], title=f"Podatek i opłata {number}")
            due = clock.today() + timedelta(days=30 * (number - 5))
            interest = Money(900 if number < 5 else 0)
            factories.InstalmentFactory(
                receivable=receivable, payer=payer, due_on=due, interest=interest, principal=Money(123_456 + number)
            )
        user = factories.UserFactory(acts_for=[payer])
        _, token = sign_in(
            session, kind=UserKind.RESIDENT, email=user.email, password=factories.PASSWORD, ip="127.0.0.1", agent=""
        )
    return token


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
        (r"(?<=<b>)Kowalska Anna", "{{ person.payer_name }}"),
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


def main() -> None:
    lab = make_lab("bench")
    tenant = lab.tenant("lipowo")
    host, cookies = "lipowo.skarbnik.test", f"__Host-skarbnik-session={make_resident(tenant)}"
    bare = {
        "DATABASE_URL": lab.environment["DATABASE_URL"],
        "BARE_ROLE": tenant.role,
        "BARE_SCHEMA": tenant.schema,
        "BARE_NAME": tenant.name,
        "BARE_COLOUR": tenant.colour,
        "BARE_EMAIL": tenant.email or "",
    }
    with ExitStack() as stack:
        ours = stack.enter_context(served("skarbnik.app:wsgi", host, cookies, lab.environment))
        ours.fetch()
        page = ours.fetch()
        template = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8"))
        template.write(make_reference(page, tenant))
        template.flush()
        theirs = stack.enter_context(served("_bare_page:app", host, cookies, {**bare, "BARE_PAGE": template.name}))
        check_same(page, theirs.fetch())
        ours.load(WARM), theirs.load(WARM)
        product, reference = interleave(ours.load, theirs.load, rounds=15)
    leave(Target("page", 1.6).close(product / reference))


if __name__ == "__main__":
    main()
