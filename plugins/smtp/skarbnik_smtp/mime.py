"""A message as it goes over the wire: ASCII outside, UTF-8 inside, and no header that somebody else wrote."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from skarbnik.plugin_api import MailMessage, Refused, now

ASCII_ONLY = SMTP.clone(cte_type="7bit")  # any server takes it
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
SUBTYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}")
MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}@[A-Za-z0-9.-]{1,150}")


def write(message: MailMessage) -> bytes:
    """The whole message with CRLF line ends. Refused when it has no acceptable address, Message-ID or attachment."""
    if not MESSAGE_ID.fullmatch(message.message_id):
        raise Refused("the Message-ID is not of the form uuid@host")
    mail = EmailMessage(policy=ASCII_ONLY)
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Date"] = format_datetime(now())
    mail["From"] = Address(display_name=one_line(message.sender_name), addr_spec=address(message.sender))
    mail["To"] = Address(addr_spec=address(message.recipient))
    mail["Subject"] = one_line(message.subject)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    for each in message.attachments:
        kind, _, subtype = each.media_type.partition("/")
        if not NAME.fullmatch(each.name) or not kind.isalpha() or not SUBTYPE.fullmatch(subtype):
            raise Refused("an attachment has a name or a media type that cannot be right")
        mail.add_attachment(each.content, maintype=kind, subtype=subtype, filename=each.name)
    return mail.as_bytes()


def address(text: str) -> str:
    """An address fit for the envelope, its domain in ASCII. Refused when it is none."""
    local, _, domain = text.strip().rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise Refused("an e-mail address has an impossible domain") from error
    if not ADDRESS.fullmatch(plain) or ".." in plain or local.startswith(".") or local.endswith("."):
        raise Refused("an e-mail address cannot be right")
    return plain


def one_line(text: str) -> str:
    return CONTROL.sub(" ", text).strip()
