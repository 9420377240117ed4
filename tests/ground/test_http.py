"""The only way out: declared hosts, no redirects, and a time-out is never called a failure."""

import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from skarbnik.errors import ExternalSystemError, Misconfigured, Nonsense, OutcomeUnknown
from skarbnik.http import Breaker, BreakerOpen, ClientCertificate, HttpClient


class Outside(BaseHTTPRequestHandler):
    """An outside system with bad days: the path says which."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/hangs":
            time.sleep(1.0)
        if self.path == "/cuts":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.path == "/moved-for-ever":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"x" * 65536)
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
    answer = ask("/moved")
    assert (answer.status, answer.json()) == (302, {"a": 1})
    assert outside.asked == ["/moved"]


def test_a_redirect_without_end_is_not_read_to_its_end(ask):
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        ask("/moved-for-ever")
    assert time.monotonic() - began < 5


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


class Depot(BaseHTTPRequestHandler):
    """A place to download from. The path says how it behaves, the request which part of `FILE` is wanted."""

    def do_GET(self):
        self.server.asked.append((self.headers.get("Range"), self.headers.get("If-Range")))
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if self.path == "/whole":
            start = 0
        if self.path == "/gone":
            return self.answer(404, b"no", {})
        if self.path == "/elsewhere":
            return self.answer(206, FILE[5:], {"Content-Range": f"bytes 5-{len(FILE) - 1}/{len(FILE)}"})
        if self.path == "/endless":
            return self.answer(200, FILE * 50, {})
        if self.path == "/compressed":
            return self.answer(200, FILE, {"Content-Encoding": "gzip"})
        extra = {"Content-Range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"} if start else {}
        return self.answer(206 if start else 200, FILE[start:], extra)

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.path == "/cut":
            self.wfile.write(body[:3000])
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.path == "/silent":
            self.wfile.write(body[:3000])
            time.sleep(1.0)
        elif self.path == "/drips":
            with suppress(OSError):
                for byte in body[:300]:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.02)
        else:
            self.wfile.write(body)

    def log_message(self, *args):
        pass


FILE = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def depot():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Depot)
    server.asked = []
    server.host = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def download(depot):
    client = HttpClient(frozenset({depot.host}), read_seconds=0.4, breaker=Breaker(limit=1000))
    depot.asked.clear()

    def go(path, into, offset=0, most=len(FILE)):
        return client.download(f"http://{depot.host}{path}", into, offset=offset, etag="abc", most=most)

    return go


def test_a_file_is_written_as_it_comes_and_continued_where_it_ended(depot, download):
    into = BytesIO()
    assert download("/", into).status == 200
    assert into.getvalue() == FILE

    half = BytesIO(FILE[:4000])
    assert download("/", half, 4000).status == 206
    assert half.getvalue() == FILE
    assert depot.asked == [(None, None), ("bytes=4000-", '"abc"')]


def test_a_system_that_does_not_continue_gives_the_file_anew(download):
    into = BytesIO(b"x" * 4000)
    assert download("/whole", into, 4000).status == 200
    assert into.getvalue() == FILE


@pytest.mark.parametrize("path", ["/cut", "/silent"])
def test_what_came_before_a_cut_stays(download, path):
    into = BytesIO()
    with pytest.raises(OutcomeUnknown):
        download(path, into)
    assert into.getvalue() == FILE[:3000]


def test_a_file_that_drips_is_not_waited_for(download):
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        download("/drips", BytesIO())
    assert time.monotonic() - began < 2


def test_an_answer_that_fits_nowhere_is_not_written(download):
    into = BytesIO(FILE[:4000])
    with pytest.raises(Nonsense):
        download("/elsewhere", into, 4000)
    assert into.getvalue() == b""


@pytest.mark.parametrize("path", ["/endless", "/compressed"])
def test_no_more_is_written_than_was_said(download, path):
    into = BytesIO()
    with pytest.raises(ExternalSystemError):
        download(path, into)
    assert len(into.getvalue()) <= len(FILE)


def test_a_file_that_is_not_there_is_an_answer_and_touches_nothing(download):
    into = BytesIO(FILE[:4000])
    answer = download("/gone", into, 4000)
    assert (answer.status, answer.body, into.getvalue()) == (404, b"no", FILE[:4000])


def _certificate(name):
    """A key and its own certificate for a host, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ClientCertificate(certificate.public_bytes(Encoding.PEM).decode(), plain.decode())


@pytest.fixture
def secure(tmp_path, monkeypatch):
    """An outside system that talks to nobody who does not show our certificate. Whom the client trusts is set here."""
    own, ours = _certificate("localhost"), _certificate("gmina")
    (tmp_path / "own.pem").write_text(own.certificate)
    (tmp_path / "both.pem").write_text(own.key + own.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    context.load_verify_locations(cadata=ours.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    server.asked = []
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *given: None
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "own.pem"))
    yield f"localhost:{server.server_port}", ours
    server.shutdown()
    server.server_close()


def test_who_is_asked_for_a_certificate_shows_it(secure):
    host, ours = secure

    answer = HttpClient(frozenset({host}), client_certificate=ours).request("GET", f"https://{host}/fine")
    assert answer.status == 200
    for other in (None, _certificate("stranger")):
        with pytest.raises(ExternalSystemError):
            HttpClient(frozenset({host}), client_certificate=other).request("GET", f"https://{host}/fine")


def test_with_a_certificate_of_ours_theirs_is_looked_at_all_the_same(secure, monkeypatch, tmp_path):
    host, ours = secure
    (tmp_path / "other.pem").write_text(_certificate("other").certificate)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "other.pem"))

    with pytest.raises(ExternalSystemError):
        HttpClient(frozenset({host}), client_certificate=ours).request("GET", f"https://{host}/fine")


def test_a_certificate_and_a_key_of_another_one_are_misconfigured(secure):
    host, ours = secure
    wrong = ClientCertificate(ours.certificate, _certificate("other").key)

    with pytest.raises(Misconfigured):
        HttpClient(frozenset({host}), client_certificate=wrong).request("GET", f"https://{host}/fine")
    assert "PRIVATE" not in repr(wrong)
