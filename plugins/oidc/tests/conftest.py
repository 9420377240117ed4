"""Against the simulator as a real process; beside it stand oidc-provider of npm and a provider made in the tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

import pytest
import requests
from plugins.oidc.tests.forge import SIMULATOR, TENANT, settings_for

from skarbnik.plugin_api import BrowserAnswer, HttpClient, Redirect, SignInStart
from skarbnik.testing.identity import pending, sign_in_request
from skarbnik_oidc.provider import OidcOfficeProvider, OidcProvider

BANK, OFFICE = "bank", f"{TENANT}/v2.0"
BACKS = {BANK: "https://lipowo.example/sign-in/oidc", OFFICE: "https://lipowo.example/sign-in/oidc_office"}
SECRET = "tajne+hasło: 100%"


class Simulator:
    """A process of its own that knows Lipowo at the bank and at the office's directory."""

    def __init__(self, folder: Path) -> None:
        arguments = [sys.executable, str(SIMULATOR / "main.py"), "--port", "0", "--keys", str(folder / "op.pem")]
        for number, client in enumerate((client_of(BANK), client_of(OFFICE, auth="post"))):
            path = folder / f"{number}.json"
            path.write_text(json.dumps(client))
            arguments += ["--client", str(path)]
        environment = {**os.environ, "SKARBNIK_ENV": "test"}
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
        self.url = re.search(r"http://\S+", self.process.stdout.readline())[0]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def fault(self, name: str, **more: Any) -> None:
        requests.post(f"{self.url}/_sim/faults", json={"name": name, **more}, timeout=60).raise_for_status()

    def clear(self) -> None:
        requests.post(f"{self.url}/_sim/faults", json={"clear": True}, timeout=60).raise_for_status()

    def add(self, client: dict[str, Any]) -> None:
        requests.post(f"{self.url}/_sim/clients", json=client, timeout=60).raise_for_status()

    def counts(self) -> dict[str, int]:
        return requests.get(f"{self.url}/_sim/counts", timeout=60).json()

    def settings(self, realm: str = BANK, **changes: Any) -> Any:
        values: dict[str, Any] = {"issuer": f"{self.url}/{realm}", "client_secret": SECRET}
        if realm == BANK:
            values |= {
                "acr_low": "urn:bank:loa:low",
                "acr_substantial": "urn:bank:loa:substantial",
                "acr_high": "urn:bank:loa:high",
            }
        else:
            values |= {"client_auth": "post", "pesel_claim": "", "pesel_when": "", "level_without_acr": "low"}
        return settings_for(**(values | changes))

    def choose(self, start: SignInStart, **choice: str) -> BrowserAnswer:
        """What a browser brings back after somebody chose: `person="jan"`, or `action="cancel"`."""
        assert isinstance(start.go, Redirect)
        with urlopen(start.go.address, timeout=60) as page:
            back = urlsplit(sent_back(page.url, choice))
        self.returned_to = f"{back.scheme}://{back.netloc}{back.path}"
        return BrowserAnswer("GET", tuple(parse_qsl(back.query)))


def sent_back(address: str, choice: dict[str, str]) -> str:
    """Where a form sends the browser. By hand: the tests' own browser shall write nothing into the log, either."""
    place = urlsplit(address)
    connection = HTTPConnection(place.netloc, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", place.path, urlencode(choice), headers)
    answer = connection.getresponse()
    assert answer.status == 303, answer.read()
    location = answer.headers["Location"]
    connection.close()
    return location


def client_of(realm: str, **changes: Any) -> dict[str, Any]:
    values = {
        "realm": realm,
        "client_id": "lipowo",
        "name": "Gmina Lipowo",
        "redirect_uris": [BACKS[realm]],
        "secret": SECRET,
    }
    return values | changes


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[Simulator]:
    process = Simulator(tmp_path_factory.mktemp("oidc"))
    yield process
    process.stop()


@pytest.fixture
def simulator(running) -> Iterator[Simulator]:
    yield running
    running.clear()


@pytest.fixture
def connect(simulator):
    """A provider connected to the simulator: the bank, or the directory."""

    def make(realm: str = BANK, *, patience: float = 10.0, **changes: Any) -> OidcProvider:
        made = OidcOfficeProvider if realm == OFFICE else OidcProvider
        settings = simulator.settings(realm, **changes)
        return made(settings, HttpClient(made.hosts(settings), read_seconds=patience))

    return make


@pytest.fixture
def sign_in(simulator, connect):
    """Somebody signs in, to the end: the identity, or the refusal as it is raised."""

    def go(by: OidcProvider | None = None, request: Any = None, **choice: str):
        by = by or connect()
        request = request or sign_in_request(BACKS[OFFICE if isinstance(by, OidcOfficeProvider) else BANK])
        start = by.begin(request)
        return by.finish(pending(request, start), simulator.choose(start, **(choice or {"person": "jan"})))

    return go
