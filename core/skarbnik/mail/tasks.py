"""Handing e-mails to the gmina's server. At least once: the fixed Message-ID lets the other side tell a repeat."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from skarbnik import clock
from skarbnik.errors import NotFound, Refused
from skarbnik.mail.models import Mail, MailState
from skarbnik.plugin_api import Attachment, MailMessage
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.tenancy.registry import Tenant


def deliver(tenant: Tenant, mail_id: UUID) -> None:
    """Send one e-mail. What is raised is tried again later by the errand."""
    with tenant.session() as session:
        mail = session.get_one(Mail, mail_id)
        if mail.state is not MailState.WAITING:
            return
        sender_type = next(
            (each for name, each in tenant.instance.plugins.mail_senders.items() if name in tenant.plugins), None
        )
        if sender_type is None:
            raise NotFound(f"no plugin sends e-mail for {tenant.id}")
        settings = get_settings(session, tenant, sender_type.id, sender_type.settings_type)
    message = MailMessage(
        message_id=f"{mail.id}@{tenant.slug}.{tenant.instance.settings.host}",
        recipient=mail.recipient,
        sender=tenant.email or f"no-reply@{tenant.slug}.{tenant.instance.settings.host}",
        sender_name=tenant.name,
        subject=mail.subject,
        text=mail.text,
        attachments=_attachments(mail),
    )
    state = MailState.SENT
    try:
        sender_type(settings).send(message)
    except Refused:
        state = MailState.REFUSED
    with tenant.session() as session:
        kept = session.scalars(select(Mail).where(Mail.id == mail_id).with_for_update()).one()
        if kept.state is MailState.WAITING:
            kept.state, kept.sent_at, kept.paper = state, clock.now(), None


def _attachments(mail: Mail) -> tuple[Attachment, ...]:
    if mail.paper is None or mail.paper_name is None:
        return ()
    return (Attachment(mail.paper_name, "application/pdf", mail.paper),)
