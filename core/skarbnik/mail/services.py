"""Asking for an e-mail: a row and a doorbell, in the transaction of its cause."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.mail.models import Mail, MailState
from skarbnik.outbox import publish


@dataclass(frozen=True)
class Paper:
    """A PDF that goes with an e-mail. `name` is plain ASCII and ends in .pdf."""

    name: str
    content: bytes


def send_mail(
    session: Session,
    *,
    cause: str,
    subject_id: UUID,
    recipient: str,
    subject: str,
    text: str,
    paper: Paper | None = None,
) -> None:
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
            paper=paper.content if paper else None,
            paper_name=paper.name if paper else None,
            state=MailState.WAITING,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Mail.id)
    )
    if mail_id is not None:
        publish(session, "mail.asked", mail_id)
