"""Asking for an e-mail: a row and a doorbell, in the transaction of its cause."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.mail.models import Mail, MailState
from skarbnik.outbox import publish


def send_mail(session: Session, *, cause: str, subject_id: UUID, recipient: str, subject: str, text: str) -> None:
    """One e-mail for one cause and subject, however often it is asked for."""
    mail_id = session.scalar(
        insert(Mail)
        .values(
            id=new_id(),
            cause=cause,
            subject_id=subject_id,
            recipient=recipient,
            subject=subject,
            text=text,
            state=MailState.WAITING,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Mail.id)
    )
    if mail_id is not None:
        publish(session, "mail.asked", mail_id)
