"""Closing an account: its owner is erased from it, and its row stays, so that payments and the trail stay whole.

Art. 17 ust. 1 RODO; what the books need is kept (ust. 3 lit. b). Consents are kept, taken back, since the gmina has to
be able to show that they were given (art. 7 ust. 1); with the account erased they name nobody.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.chapters import list_plugin_chapters, list_silent_plugins
from skarbnik.accounts.letters import CLOSED, NEW_EMAIL, erase_letters, send_letter
from skarbnik.accounts.models import Consent, EmailChange, Registration, User, UserKind, UserState
from skarbnik.db import Base
from skarbnik.errors import Forbidden
from skarbnik.mail.models import Mail, MailState
from skarbnik.outbox import Again, publish
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

KEPT = {User.__tablename__, Consent.__tablename__}
FORMS_DONE = timedelta(minutes=5)  # those somebody sent a moment before: no request takes as long
LETTER_KEPT = timedelta(days=1)  # the last e-mail, which still has an address
PLUGIN_MENDED = timedelta(hours=1)  # as soon as that somebody may have mended a plugin that does not load


class ClosedByTheOffice(Forbidden):
    """An administrator blocks the accounts of the office; nobody closes one of them."""


def close_account(session: Session, tenant: Tenant, user: User) -> None:
    """Nobody signs in with it or acts with it any more, at once; who was told of it by the last e-mail is forgotten.

    Mandates end through the topic `account.closed`, and plugins erase what they keep of the person through
    `account.erase`, once what is being sent to them by now is written. Registering again makes another account.
    """
    if user.kind is not UserKind.RESIDENT:
        raise ClosedByTheOffice(f"user {user.id} is an official")
    session.refresh(user, with_for_update=True)
    if user.state is UserState.CLOSED:
        return
    address, language = user.email, user.language
    pending = session.scalar(select(EmailChange.email).where(EmailChange.user_id == user.id))
    for table in own_tables():
        session.execute(delete(table).where(table.c.user_id == user.id))
    session.execute(
        update(Consent)
        .where(Consent.user_id == user.id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=clock.now())
    )
    user.state, user.name = UserState.CLOSED, ""
    user.email = user.password_hash = user.pesel_hash = user.pesel_key = user.phone = user.terms_version = None
    user.feed_version += 1
    session.flush()
    if pending is not None:  # not proven: what else was sent there may be somebody else's
        erase_letters(session, pending, Mail.cause == NEW_EMAIL.cause)
    if address is not None:
        session.execute(delete(Registration).where(Registration.email == address))
        erase_letters(session, address)
        send_letter(session, tenant, CLOSED, {}, to=address, language=language, about=user.id)
    publish(session, "account.closed", user.id)
    publish(session, "account.erase", user.id, due_at=clock.now() + FORMS_DONE)
    publish(session, "account.forget", user.id, due_at=clock.now() + LETTER_KEPT)


def own_tables() -> list[Table]:
    """Every table of accounts that says something of a user, those first that others do not point at.

    Found and not listed: a table somebody adds is erased with the rest without anybody remembering it.
    """
    ours = {
        each.local_table for each in Base.registry.mappers if each.class_.__module__.startswith("skarbnik.accounts.")
    }
    return [
        table
        for table in reversed(Base.metadata.sorted_tables)
        if table in ours and table.name not in KEPT and "user_id" in table.c
    ]


def erase_from_plugins(tenant: Tenant, user_id: UUID) -> Again | None:
    """What plugins keep of somebody whose account is closed. Safe to repeat.

    A transaction a chapter: one that cannot erase keeps no other from it, and the errand comes back for it. So it does
    while a plugin the gmina uses does not load: what that one keeps is told by nobody.
    """
    with tenant.session() as session:
        chapters = list_plugin_chapters(session, tenant.instance.plugins)
    errors = []
    for chapter in chapters:
        try:
            if chapter.erase is not None:
                with tenant.session() as session:
                    chapter.erase(session, user_id)
        except Exception as error:  # a plugin's own; raised again once the others are done
            log.error("account.not_erased", chapter=chapter.name, error=type(error).__name__)
            errors.append(error)
    if errors:
        raise errors[0]
    return Again(clock.now() + PLUGIN_MENDED) if list_silent_plugins(tenant) else None


def forget(tenant: Tenant, user_id: UUID) -> Again | None:
    """The last e-mail is emptied once it is sent, and with it those that had not left yet when the account was closed.

    Comes back while the gmina's server does not take them. What went there since is about another account.
    """
    with tenant.session() as session:
        mine = (Mail.cause == CLOSED.cause) & (Mail.subject_id == user_id)
        last = session.scalars(select(Mail).where(mine).with_for_update()).one_or_none()
        if last is None or not last.recipient:
            return None
        until_then = Mail.created_at <= last.created_at
        waiting = select(Mail.id).where(Mail.recipient == last.recipient, until_then, Mail.state == MailState.WAITING)
        if session.scalar(waiting.limit(1)) is not None:
            return Again(clock.now() + LETTER_KEPT)
        erase_letters(session, last.recipient, until_then)
    return None
