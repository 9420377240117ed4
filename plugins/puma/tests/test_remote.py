"""PUMA over HTTP: what it says is checked before anything is done with it, and no error repeats it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest

from skarbnik.plugin_api import (
    ExternalSystemError,
    HttpClient,
    Misconfigured,
    Nonsense,
    OutcomeUnknown,
    Refused,
    RemoteFile,
)
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

TOKEN = "t0ken-of-lipowo-1234"
GOOD = {"name": "puma-export-000001.xml", "size": 5, "sha256": "a" * 64}


class Answering(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_PUT(self):
        self.do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.asked, server.status, server.body = [], 200, b"[]"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def remote(server):
    settings = PumaSettings("LIPOWO", f"http://127.0.0.1:{server.server_port}/puma", TOKEN)
    return PumaFinanceSystem(settings).open_remote(HttpClient(PumaFinanceSystem.hosts(settings)))


def test_a_list_is_asked_for_behind_the_last_import_with_the_token(server, remote):
    server.body = json.dumps([GOOD]).encode()

    assert remote.list_files(17) == [RemoteFile("puma-export-000001.xml", 5, "a" * 64)]
    assert server.asked == [("GET", "/puma/files?after=17", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    "said",
    [
        {"files": [GOOD]},
        [GOOD] * 2,
        [{**GOOD, "name": f"puma-export-{number:06d}.xml"} for number in range(1001)],
        ["puma-export-000001.xml"],
        [{**GOOD, "more": 1}],
        [{"name": GOOD["name"]}],
        *([{**GOOD, "name": name}] for name in (
            "../puma-export-000001.xml", "puma-/../../x.xml", "puma-\\x.xml", "puma-a.xml\n", "other.xml", "", 7, None,
            "puma-" + "a" * 120 + ".xml", "puma-ą.xml", "puma-x.xml.part",
        )),
        *([{**GOOD, "size": size}] for size in (0, -1, 4 * 1024**3 + 1, 1.5, True, "5", None)),
        *([{**GOOD, "sha256": digest}] for digest in ("", "a" * 63, "A" * 64, "a" * 64 + "\n", "../" + "a" * 61, None)),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_is_nonsense_as_a_whole(server, remote, said):
    server.body = json.dumps(said).encode()
    with pytest.raises(Nonsense) as caught:
        remote.list_files(0)
    assert "etc" not in str(caught.value)
    assert ".xml" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_nonsense(server, remote, body):
    server.body = body
    with pytest.raises(Nonsense):
        remote.list_files(0)


@pytest.mark.parametrize(
    ("status", "asking", "delivering"),
    [
        (401, Misconfigured, Misconfigured),
        (403, Misconfigured, Misconfigured),
        (404, Refused, Refused),
        (409, Refused, Refused),
        (429, ExternalSystemError, OutcomeUnknown),
        (500, ExternalSystemError, OutcomeUnknown),
        (302, Nonsense, Nonsense),
    ],
)
def test_a_status_means_one_error(server, remote, status, asking, delivering):
    server.status, server.body = status, b"Kowalska Anna"
    into = BytesIO()
    for kind, call in (
        (asking, lambda: remote.list_files(0)),
        (asking, lambda: remote.download(RemoteFile("puma-export-000001.xml", 5, "a" * 64), into, 0)),
        (delivering, lambda: remote.deliver("puma-bookings-000001.xml", b"<x/>")),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert type(caught.value) is kind
        assert str(caught.value) == f"PUMA answered {status}"
    assert into.getvalue() == b""


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("https://puma.gmina.pl", True),
        ("https://puma.gmina.pl:8443/wymiana/v1", True),
        ("http://127.0.0.1:8102/PL-LIPOWO/exchange", True),
        ("http://localhost:8102", True),
        ("http://puma.gmina.pl", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://user@puma.gmina.pl", False),
        ("https://puma.gmina.pl/?a=b", False),
        ("https://puma.gmina.pl/#", False),
        ("ftp://puma.gmina.pl", False),
    ],
)
def test_a_token_travels_only_where_nobody_reads_it(address, fits):
    values = {"tenant_code": "LIPOWO", "address": address, "token": TOKEN}
    if fits:
        assert PumaFinanceSystem.hosts(parse_settings(PumaSettings, values))
    else:
        with pytest.raises(Exception, match="address"):
            parse_settings(PumaSettings, values)
