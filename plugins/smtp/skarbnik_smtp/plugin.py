"""What the plugin gives the core."""

from __future__ import annotations

from skarbnik.plugin_api import MailSender, hookimpl
from skarbnik_smtp.sender import SmtpSender


@hookimpl
def mail_senders() -> list[type[MailSender]]:
    return [SmtpSender]
