"""The plugin is tested against the simulator as a real process, and against answers of a node made in the tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from plugins.epuap.tests.forge import DEBINA, LIPOWO, SIMULATOR, Town, pem, settings_for, signer

from skarbnik.plugin_api import BrowserAnswer, FormPost, HttpClient, SignInStart
from skarbnik.testing.identity import pending, sign_in_request
from skarbnik_epuap.provider import EpuapProvider

INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
ACTION = re.compile(r'<form method="post" action="([^"]*)">')


class Simulator:
    """A process of its own that knows both gminas."""

    def __init__(self, folder: Path) -> None:
        arguments = [sys.executable, str(SIMULATOR / "main.py"), "--port", "0", "--keys", str(folder / "node.pem")]
        for town in (LIPOWO, DEBINA):
            path = folder / f"{town.slug}.json"
            path.write_text(party_of(town))
            arguments += ["--party", str(path)]
        environment = {**os.environ, "SKARBNIK_ENV": "test"}
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
        found = re.search(r"http://\S+", self.process.stdout.readline())
        self.url = found[0]
        self.certificate = requests.get(f"{self.url}/_sim/certificate", timeout=60).text

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def fault(self, name: str, **more: Any) -> None:
        requests.post(f"{self.url}/_sim/faults", json={"name": name, **more}, timeout=60).raise_for_status()

    def clear(self) -> None:
        requests.post(f"{self.url}/_sim/faults", json={"clear": True}, timeout=60).raise_for_status()

    def counts(self) -> dict[str, int]:
        return requests.get(f"{self.url}/_sim/counts", timeout=60).json()

    def settings(self, town: Town = LIPOWO, **changes: Any) -> Any:
        addresses = {
            "idp_certificates": self.certificate,
            "sso_url": f"{self.url}/login/SingleSignOnService",
            "ars_url": f"{self.url}/login-services/idpArtifactResolutionService",
            "slo_url": f"{self.url}/login-services/singleLogoutService",
        }
        return settings_for(town, **(addresses | changes))

    def choose(self, start: SignInStart, **choice: str) -> BrowserAnswer:
        """What a browser brings back after somebody chose: `person="jan"`, or `action="cancel"`."""
        assert isinstance(start.go, FormPost)
        page = requests.post(start.go.address, data=list(start.go.fields), timeout=60)
        assert page.status_code == 200, page.text
        left = requests.post(page.url, data=choice, timeout=60)
        assert left.status_code == 200, left.text
        fields = tuple((name, unescape(value)) for name, value in INPUT.findall(left.text))
        self.returned_to = urljoin(left.url, unescape(ACTION.search(left.text)[1]))
        return BrowserAnswer("POST", fields)


def party_of(town: Town) -> str:
    return json.dumps(
        {
            "issuer": town.issuer,
            "name": f"Gmina {town.slug}",
            "acs": town.acs,
            "signing_certificate": pem(signer(f"{town.slug} signing").certificate),
            "encryption_certificate": pem(town.sealing.certificate),
        }
    )


@pytest.fixture(scope="session")
def running(tmp_path_factory) -> Iterator[Simulator]:
    process = Simulator(tmp_path_factory.mktemp("epuap"))
    yield process
    process.stop()


@pytest.fixture
def simulator(running) -> Iterator[Simulator]:
    yield running
    running.clear()


@pytest.fixture
def connect(simulator):
    """A provider for a gmina, connected to the simulator."""

    def make(town: Town = LIPOWO, *, patience: float = 10.0, **changes: Any) -> EpuapProvider:
        settings = simulator.settings(town, **changes)
        return EpuapProvider(settings, HttpClient(EpuapProvider.hosts(settings), read_seconds=patience))

    return make


@pytest.fixture
def provider(connect) -> EpuapProvider:
    return connect()


@pytest.fixture
def sign_in(simulator, provider):
    """Somebody signs in, to the end: the identity, or the refusal as it is raised."""

    def go(by: EpuapProvider = provider, town: Town = LIPOWO, request: Any = None, **choice: str):
        request = request or sign_in_request(town.acs)
        start = by.begin(request)
        return by.finish(pending(request, start), simulator.choose(start, **(choice or {"person": "jan"})))

    return go
