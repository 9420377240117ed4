"""Against a provider of others: oidc-provider of npm, where node and npm are there and can fetch it."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from plugins.oidc.tests.forge import BACK, PESEL, settings_for, signer

from skarbnik.plugin_api import BrowserAnswer, HttpClient, Misconfigured, SignInRefused, SignInStart
from skarbnik.testing.identity import pending, sign_in_request
from skarbnik_oidc.provider import OidcProvider

OP = Path(__file__).parent / "op"
FORM = re.compile(r'<form[^>]* action="([^"]+)"')
PROMPT = re.compile(r'name="prompt" value="([a-z]+)"')
SECRET = "tajne"
KEY = signer("counterpart", curve=True)
CLIENTS = [
    {"client_id": "basic", "client_secret": SECRET},
    {"client_id": "post", "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_post"},
    {"client_id": "key", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.jwk()]}},
]


def fetch() -> str | None:
    """Puts the package beside the program, once for all workers. Why it cannot, or None."""
    with (OP / ".gitignore").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (OP / "node_modules" / "oidc-provider" / "package.json").is_file():
            return None
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            done = subprocess.run(
                [*command, "--fetch-retries=0", "--fetch-timeout=15000"], cwd=OP, capture_output=True, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired):
            return "npm does not fetch oidc-provider in time"
        return None if done.returncode == 0 else "npm cannot fetch oidc-provider: it reaches no registry"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    missing = fetch()
    if missing:
        pytest.skip(missing)
    process = subprocess.Popen(
        ["node", str(OP / "op.mjs"), BACK, json.dumps(CLIENTS), PESEL],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    ready = next((line for line in process.stdout if line.startswith("ready on ")), None)
    if ready is None:
        pytest.skip("oidc-provider does not start with this version of node")
    yield ready.split()[-1]
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def connect(issuer):
    def make(client: str = "basic", **changes: Any) -> OidcProvider:
        values = {"client_secret": SECRET, "client_auth": client, "userinfo": True, **changes}
        settings = settings_for(issuer=issuer, client_id=client, **values)
        return OidcProvider(settings, HttpClient(OidcProvider.hosts(settings)))

    return make


def go(start: SignInStart) -> BrowserAnswer:
    """A browser that fills in every form, until it is sent back to us."""
    session = requests.Session()
    answer = session.get(start.go.address, allow_redirects=False, timeout=30)
    for _ in range(12):
        if answer.is_redirect:
            address = urljoin(answer.url, answer.headers["Location"])
            if address.startswith(BACK):
                return BrowserAnswer("GET", tuple(parse_qsl(address.partition("?")[2])))
            answer = session.get(address, allow_redirects=False, timeout=30)
            continue
        told = {"prompt": PROMPT.search(answer.text)[1], "login": "jan", "password": "x"}
        answer = session.post(FORM.search(answer.text)[1], data=told, allow_redirects=False, timeout=30)
    raise AssertionError("the provider did not send the browser back")


@pytest.mark.parametrize("client", ["basic", "post", "key"])
def test_somebody_signs_in_at_a_provider_of_others(connect, client):
    pem = KEY.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    provider = connect(client, client_key=pem, client_key_id=KEY.kid)
    request = sign_in_request(BACK)
    start = provider.begin(request)
    answer = go(start)
    person = provider.finish(pending(request, start), answer)

    assert (person.subject, person.pesel, person.family_name) == ("jan", PESEL, "Testowy")
    assert answer.only("iss") == person.issuer


def test_a_provider_of_others_gives_nothing_for_a_code_twice_or_without_its_verifier(connect):
    provider = connect()
    request = sign_in_request(BACK)
    start, other = provider.begin(request), provider.begin(request)
    answer = go(start)
    with pytest.raises(SignInRefused) as wrong:
        provider.finish(pending(request, other), answer)
    assert wrong.value.check == "code"

    start = provider.begin(request)
    answer = go(start)
    provider.finish(pending(request, start), answer)
    with pytest.raises(SignInRefused) as again:
        provider.finish(pending(request, start), answer)
    assert again.value.check == "code"


def test_a_password_given_anew_is_proven_by_a_provider_of_others(connect):
    provider = connect(max_age="0")
    request = sign_in_request(BACK)
    start = provider.begin(request)

    assert provider.finish(pending(request, start), go(start)).pesel == PESEL


def test_an_answer_of_a_provider_of_others_without_its_name_is_refused(connect):
    """It announces RFC 9207."""
    provider = connect()
    request = sign_in_request(BACK)
    start = provider.begin(request)
    answer = go(start)
    without = BrowserAnswer("GET", tuple(each for each in answer.fields if each[0] != "iss"))
    with pytest.raises(SignInRefused) as refused:
        provider.finish(pending(request, start), without)
    assert refused.value.check == "answer_issuer"


def test_a_wrong_secret_is_refused_by_a_provider_of_others(connect):
    provider = connect(client_secret="inne")
    request = sign_in_request(BACK)
    start = provider.begin(request)
    with pytest.raises(Misconfigured):
        provider.finish(pending(request, start), go(start))
