from __future__ import annotations

import datetime
import socket
import ssl
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import skarbnik_smtp.sender
from skarbnik.plugin_api import ExternalSystemError, Misconfigured, OutcomeUnknown, Refused
from skarbnik_smtp.sender import SmtpSender
from skarbnik_smtp.settings import SmtpSettings

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd rightly minds; this is loopback


def sender(port, **changes) -> SmtpSender:
    return SmtpSender(replace(SmtpSettings(host="127.0.0.1", port=port, security="none"), **changes))


@pytest.fixture
def certificate(tmp_path, monkeypatch) -> ssl.SSLContext:
    """A certificate for localhost that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_message_arrives_whole(start, message):
    server = start()

    sender(server.port).send(message)

    [taken] = server.taken
    assert (taken.mail_from, taken.rcpt_tos) == ("urzad@lipowo.example", ["jan@example.pl"])
    assert b"Message-ID: <018f3c1e-aaaa@lipowo.example>" in taken.content


def test_a_line_that_is_a_dot_does_not_end_the_message(start, message):
    server = start()

    sender(server.port).send(replace(message, text="before\n.\n.after\n", html=None))

    assert server.taken[0].content.endswith(b"\r\n\r\nbefore\r\n.\r\n.after\r\n")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_both_kinds_of_encryption_deliver(start, message, certificate, security):
    server = start(tls=certificate) if security == "tls" else start(tls_context=certificate, require_starttls=True)

    sender(server.port, host="localhost", security=security).send(message)

    assert len(server.taken) == 1


def test_a_certificate_nobody_vouches_for_is_a_matter_of_settings(start, message, certificate, monkeypatch):
    server = start(tls_context=certificate, require_starttls=True)
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(Misconfigured):
        sender(server.port, host="localhost", security="starttls").send(message)


def test_encryption_that_the_server_lacks_is_not_skipped(start, message):
    server = start()

    with pytest.raises(Misconfigured):
        sender(server.port, security="starttls").send(message)
    assert server.taken == []


def test_mail_leaves_the_machine_encrypted_only(message):
    with pytest.raises(Misconfigured):
        sender(25, host="mail.lipowo.example").send(message)


def test_the_right_password_is_let_in(start, message):
    server = start(signed_in=True)

    sender(server.port, username="gmina", password="secret").send(message)

    assert len(server.taken) == 1


@pytest.mark.parametrize("username", ["gmina", ""])
def test_a_wrong_or_missing_password_is_for_an_official_to_see(start, message, username):
    server = start(signed_in=True)

    with pytest.raises(Misconfigured):
        sender(server.port, username=username, password="wrong").send(message)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"to_recipient": "550 no such user"}, Refused),
        ({"to_recipient": "450 mailbox busy"}, ExternalSystemError),
        ({"to_recipient": "530 sign in first"}, Misconfigured),
        ({"to_sender": "553 not yours"}, Misconfigured),
        ({"to_sender": "451 later"}, ExternalSystemError),
        ({"to_message": "554 spam"}, Refused),
        ({"to_message": "452 disk full"}, ExternalSystemError),
        ({"silent_after_data": True}, OutcomeUnknown),
        ({"hangs_up_after_data": True}, OutcomeUnknown),
    ],
)
def test_each_answer_of_the_server_is_one_kind_of_outcome(start, message, monkeypatch, told, kind):
    monkeypatch.setattr(skarbnik_smtp.sender, "SECONDS_AFTER_DATA", 0.3)
    server = start()
    for name, value in told.items():
        setattr(server, name, value)

    with pytest.raises(ExternalSystemError) as raised:
        sender(server.port).send(message)

    assert raised.type is kind
    assert "jan@example.pl" not in str(raised.value)


def test_a_server_that_is_not_there_can_be_asked_again(message):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(ExternalSystemError) as raised:
        sender(port).send(message)
    assert raised.type is ExternalSystemError


def test_a_server_that_says_nothing_is_not_waited_for_long(message, monkeypatch):
    monkeypatch.setattr(skarbnik_smtp.sender, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(ExternalSystemError) as raised:
            sender(mute.getsockname()[1]).send(message)
    assert raised.type is ExternalSystemError
