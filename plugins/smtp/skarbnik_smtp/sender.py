"""One conversation with a mail server, and what each of its answers means."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import smtplib
import ssl
from collections.abc import Iterator

from skarbnik.plugin_api import ExternalSystemError, MailMessage, MailSender, Misconfigured, OutcomeUnknown, Refused
from skarbnik_smtp.mime import address, write
from skarbnik_smtp.settings import SmtpSettings

SECONDS = 20.0  # for each answer
SECONDS_AFTER_DATA = 60.0  # servers look for viruses before they say yes
WITHOUT_SIGNING_IN = 530  # RFC 4954: authentication required
LEADING_DOT = re.compile(rb"(?m)^\.")


class SmtpSender(MailSender):
    """Hands e-mail to an SMTP server, encrypted unless that server is this machine."""

    id = "smtp"
    label = "SMTP"
    settings_type = SmtpSettings

    def __init__(self, settings: SmtpSettings) -> None:
        self.settings = settings

    def send(self, message: MailMessage) -> None:
        sender, recipient, body = address(message.sender), address(message.recipient), write(message)
        with self._connected() as server:
            try:
                _envelope(server, sender, recipient)
            except (smtplib.SMTPException, OSError) as error:
                raise ExternalSystemError("the conversation with the mail server broke off") from error
            _content(server, body)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A server that knows us. Its goodbye does not matter: by then the message is handed over or is not."""
        server = self._connect()
        try:
            try:
                self._sign_in(server)
            except (smtplib.SMTPException, OSError) as error:
                raise _sign_in_trouble(error) from error
            yield server
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self.settings
        if settings.security == "none" and not _is_loopback(settings.host):
            raise Misconfigured("mail without encryption is for a server on this machine only")
        try:
            if settings.security == "tls":
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=context)
            return smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
        except ssl.SSLError as error:
            raise Misconfigured("the mail server's certificate or TLS is not acceptable") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ExternalSystemError("no connection to the mail server") from error

    def _sign_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self.settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self.settings.username:
            server.login(self.settings.username, self.settings.password)


def _sign_in_trouble(error: Exception) -> ExternalSystemError:
    """4xx means later; everything a server refuses for good here is a setting."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Misconfigured("the mail server offers neither the encryption nor the signing in that is set")
    if isinstance(error, ssl.SSLError):
        return Misconfigured("the mail server's certificate or TLS is not acceptable")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        return Misconfigured(f"the mail server does not let us in ({error.smtp_code})")
    return ExternalSystemError("the mail server is not ready")


def _envelope(server: smtplib.SMTP, sender: str, recipient: str) -> None:
    code, _ = server.mail(sender)
    if code >= 500:
        raise Misconfigured(f"the mail server refuses our sender ({code})")
    _must(code, "the mail server does not take mail now")
    code, _ = server.rcpt(recipient)
    if code == WITHOUT_SIGNING_IN:
        raise Misconfigured("the mail server wants a user name and a password")
    _must(code, "the mail server does not take the recipient")
    code, _ = server.docmd("DATA")
    _must(code, "the mail server does not want the message")


def _content(server: smtplib.SMTP, body: bytes) -> None:
    """From here on silence means that the server may have the message."""
    try:
        if server.sock:
            server.sock.settimeout(SECONDS_AFTER_DATA)
        server.send(LEADING_DOT.sub(b"..", body) + b".\r\n")
        code, _ = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise OutcomeUnknown("the mail server did not say whether it took the message") from error
    _must(code, "the mail server did not take the message")


def _must(code: int, otherwise: str) -> None:
    if code >= 500:
        raise Refused(f"{otherwise} ({code})")
    if code >= 400 or code < 200:
        raise ExternalSystemError(f"{otherwise} ({code})")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
