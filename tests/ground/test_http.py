"""The only way out: declared hosts, no redirects, and a time-out is never called a failure."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skarbnik.errors import ExternalSystemError, OutcomeUnknown
from skarbnik.http import Breaker, BreakerOpen, HttpClient


class Outside(BaseHTTPRequestHandler):
    """An outside system with bad days: the path says which."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/hangs":
            time.sleep(1.0)
        if self.path == "/cuts":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status = {"/moved": 302, "/broken": 500, "/refuses": 422}.get(self.path, 200)
        body = b"<html>" if self.path == "/html" else b'{"a": 1}'
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body) + (10 if self.path == "/ends-early" else 0)))
        self.end_headers()
        if self.path == "/drips":
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.2)
            return
        self.wfile.write(body)
        if self.path == "/ends-early":
            self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def outside():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    server.asked = []
    server.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(outside):
    client = HttpClient(frozenset({outside.host}), read_seconds=0.4, breaker=Breaker(limit=1000))
    outside.asked.clear()
    return lambda path: client.request("GET", f"http://{outside.host}{path}")


@pytest.mark.parametrize(
    "place",
    [
        "http://example.org/",
        "http://127.0.0.1:1/",
        "https://user@{host}/",
        "ftp://{host}/",
        "http://{host}.example.org/",
    ],
)
def test_a_host_the_plugin_did_not_declare_is_not_asked(outside, place):
    outside.asked.clear()
    with pytest.raises(ExternalSystemError, match="declared"):
        HttpClient(frozenset({outside.host})).request("GET", place.format(host=outside.host))
    assert outside.asked == []


def test_a_redirect_is_an_answer_and_not_a_way_to_go(outside, ask):
    assert ask("/moved").status == 302
    assert outside.asked == ["/moved"]


@pytest.mark.parametrize("path", ["/hangs", "/cuts", "/drips", "/ends-early"])
def test_no_whole_answer_in_time_means_nobody_knows(ask, path):
    with pytest.raises(OutcomeUnknown):
        ask(path)


def test_a_refused_connection_surely_did_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ExternalSystemError) as caught:
        HttpClient(frozenset({host})).request("GET", f"http://{host}/")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_name_nobody_has_surely_did_nothing():
    with pytest.raises(ExternalSystemError) as caught:
        HttpClient(frozenset({"gateway.invalid"})).request("GET", "http://gateway.invalid/")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_an_error_page_instead_of_json_is_an_error_of_the_outside_system(ask):
    assert ask("/").json() == {"a": 1}
    with pytest.raises(ExternalSystemError, match="not JSON"):
        ask("/html").json()


def test_a_system_that_keeps_failing_is_given_a_rest_and_one_call_tries_again(outside):
    client = HttpClient(frozenset({outside.host}), breaker=Breaker(limit=3, rest=0.2))
    outside.asked.clear()
    for _ in range(3):
        assert client.request("GET", f"http://{outside.host}/broken").status == 500
    with pytest.raises(BreakerOpen):
        client.request("GET", f"http://{outside.host}/")
    assert len(outside.asked) == 3

    time.sleep(0.25)
    assert client.request("GET", f"http://{outside.host}/broken").status == 500  # the one that tries
    with pytest.raises(BreakerOpen):
        client.request("GET", f"http://{outside.host}/")
    time.sleep(0.25)
    assert client.request("GET", f"http://{outside.host}/").status == 200
    assert client.request("GET", f"http://{outside.host}/").status == 200


def test_while_one_call_tries_again_the_others_wait():
    breaker = Breaker(limit=1, rest=0.05)
    breaker.failed()
    time.sleep(0.06)
    breaker.before()
    with pytest.raises(BreakerOpen):
        breaker.before()


def test_a_refusal_is_no_failure_of_the_system(outside):
    client = HttpClient(frozenset({outside.host}), breaker=Breaker(limit=2))
    for _ in range(4):
        assert client.request("GET", f"http://{outside.host}/refuses").status == 422
