"""E-mails about an account, in its language. Some hold the secret of a link, which stands there and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from skarbnik.accounts.models import User
from skarbnik.db import new_id
from skarbnik.mail.models import Mail, MailState
from skarbnik.mail.services import send_mail
from skarbnik.plugin_api import N_
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.languages import load_catalogue


@dataclass(frozen=True)
class Letter:
    """What an e-mail says. `%(office)s` is the gmina, the other words are given when it is sent."""

    cause: str
    subject: str
    text: str


PROVE = Letter(
    "account.prove",
    N_("Confirm your e-mail address: %(office)s"),
    N_(
        "Somebody, probably you, wants an account in the portal of the office and gave this address.\n\n"
        "Confirm it here, until %(day)s: %(address)s\nYou will be asked for the password you chose.\n\n%(office)s\n"
        "If it was not you, do nothing: what was typed vanishes by itself. Please do not answer this message."
    ),
)
KNOWN = Letter(
    "account.known",
    N_("You have an account already: %(office)s"),
    N_(
        "Somebody, probably you, wanted to make an account with this address in the portal of the office. There is one"
        " already, and nothing was changed.\n\nSign in: %(address)s\nForgotten the password? %(forgot)s\n\n%(office)s\n"
        "If it was not you, do nothing. Please do not answer this message."
    ),
)
ACTIVATE = Letter(
    "account.activate",
    N_("Activate your account: %(office)s"),
    N_(
        "The office has compared your identity document, and your account is ready.\n\n"
        "Activate it here, until %(day)s: %(address)s\n\n%(office)s\n"
        "If you were not at the office, tell it. Please do not answer this message."
    ),
)
INVITE = Letter(
    "account.invite",
    N_("Your account in the portal: %(office)s"),
    N_(
        "The office made an account in its portal for you, as you asked at the desk.\n\n"
        "Choose a password here, until %(day)s: %(address)s\n\n%(office)s\n"
        "If you asked for nothing, tell the office. Please do not answer this message."
    ),
)
MOVED = Letter(
    "account.moved",
    N_("The sign-in of your account was changed at the office: %(office)s"),
    N_(
        "At the desk of the office the sign-in of your account was changed to another e-mail address, after your"
        " identity document was compared. Every browser was signed out.\n\n%(office)s\n"
        "If you were not at the office, tell it at once. Please do not answer this message."
    ),
)
FORGOT = Letter(
    "account.forgot",
    N_("New password: %(office)s"),
    N_(
        "Somebody, probably you, asked for a new password of your account.\n\n"
        "Choose it here, until %(moment)s: %(address)s\n\n%(office)s\n"
        "If it was not you, do nothing: the password stays as it is. Please do not answer this message."
    ),
)
PASSWORD_CHANGED = Letter(
    "account.password_changed",
    N_("Your password was changed: %(office)s"),
    N_(
        "The password of your account was changed, and every other browser was signed out.\n\n%(office)s\n"
        "If it was not you, choose a new one at once: %(forgot)s\nPlease do not answer this message."
    ),
)
NEW_EMAIL = Letter(
    "account.new_email",
    N_("Confirm your new e-mail address: %(office)s"),
    N_(
        "This address was given as the new one of an account in the portal of the office.\n\n"
        "Confirm it here, until %(moment)s: %(address)s\n\n%(office)s\n"
        "If it was not you, do nothing. Please do not answer this message."
    ),
)
EMAIL_CHANGED = Letter(
    "account.email_changed",
    N_("Your e-mail address was changed: %(office)s"),
    N_(
        "Your account in the portal of the office has another e-mail address from now on, and every browser was signed"
        " out. Nothing more will come here.\n\n%(office)s\n"
        "If it was not you, call the office at once. Please do not answer this message."
    ),
)
CLOSED = Letter(
    "account.closed",
    N_("Your account is closed: %(office)s"),
    N_(
        "Your account in the portal of the office is closed, as you asked. Your name, e-mail address and telephone"
        " number were erased from it. What you paid stays in the books of the office, as the law wants.\n\n%(office)s\n"
        "If it was not you, call the office at once. Please do not answer this message."
    ),
)


def send_letter(
    session: Session,
    tenant: Tenant,
    letter: Letter,
    words: Mapping[str, object],
    *,
    to: str,
    language: str,
    about: UUID | None = None,
) -> None:
    """One e-mail; each call is a cause of its own unless it says what it is about."""
    translate, said = load_catalogue(language).gettext, {"office": tenant.name, **words}
    send_mail(
        session,
        cause=letter.cause,
        subject_id=about or new_id(),
        recipient=to,
        subject=(translate(letter.subject) % said)[:200],
        text=translate(letter.text) % said,
    )


def tell(session: Session, tenant: Tenant, user: User, letter: Letter, **words: object) -> None:
    """The owner of an account, when there is an address to write to."""
    if user.email is not None:
        send_letter(session, tenant, letter, words, to=user.email, language=user.language)


def erase_letters(session: Session, address: str, *only: ColumnElement[bool]) -> None:
    """What was sent to an address is emptied; that it was sent stays, so that nothing is sent twice.

    `only` are conditions of letters that are meant; all are, where none is given. One that waits stays as it is.
    """
    session.execute(
        update(Mail)
        .where(Mail.recipient == address, Mail.state != MailState.WAITING, *only)
        .values(recipient="", subject="", text="", paper=None)
    )
