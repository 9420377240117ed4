"""What changed about somebody's factors: into the trail, and by e-mail to who owns the account."""

from __future__ import annotations

from flask import g, request, url_for

from skarbnik import clock
from skarbnik.accounts.factors import FEW_CODES, count_recovery_codes
from skarbnik.accounts.models import User
from skarbnik.audit.services import record_act
from skarbnik.db import new_id
from skarbnik.mail.services import send_mail
from skarbnik.web import frame
from skarbnik.web.formats import moment
from skarbnik.web.languages import load_catalogue


def _(msgid: str) -> str:
    """Mark a text for the catalogue; it is translated for who gets the e-mail."""
    return msgid


ADDED = _("A second step was added to your account: %(what)s.")
REMOVED = _("A second step was removed from your account: %(what)s.")
NEW_CODES = _("A new set of recovery codes was made for your account. The codes of before are worth nothing any more.")
CODE_USED = _("A recovery code was used for your account. Codes left: %(left)s.")
TAKEN = _(
    "An administrator of the office took away the second steps of your account, because you had lost them. Every"
    " browser is signed out. When you sign in next time you set up a new one."
)
APP = _("an authenticator app")
PASSKEY = _("a passkey")


def factor_added(user: User, kind: str) -> None:
    _on_trail("account.factor_added", user)
    tell_owner(user, ADDED, what=kind)


def factor_removed(user: User, kind: str) -> None:
    _on_trail("account.factor_removed", user)
    tell_owner(user, REMOVED, what=kind)


def codes_made(user: User, *, tell: bool) -> None:
    """The first set comes with a factor, about which there is an e-mail already."""
    _on_trail("account.recovery_codes_made", user)
    if tell:
        tell_owner(user, NEW_CODES)


def code_used(user: User) -> int:
    """How many are left."""
    left = count_recovery_codes(frame.session(), user.id)
    _on_trail("account.recovery_code_used", user)
    tell_owner(user, CODE_USED, left=str(left))
    return left


def are_few(left: int) -> bool:
    return left <= FEW_CODES


def _on_trail(action: str, user: User) -> None:
    record_act(
        frame.session(),
        action,
        subject="user",
        subject_id=user.id,
        actor="user",
        actor_id=user.id,
        request_id=g.request_id,
        ip=request.remote_addr,
    )


def tell_owner(user: User, what_happened: str, **words: str) -> None:
    """In the language of the account. Somebody without a proven address is told on the page only."""
    if user.email is None:
        return
    say = load_catalogue(user.language).gettext
    told = say(what_happened) % {name: say(word) for name, word in words.items()}
    text = say(
        "%(told)s\n\nWhen: %(moment)s, from %(ip)s\n\nIf it was not you, sign in and look at your profile: "
        "%(address)s\nIf you cannot sign in any more, call the office at once.\n\n%(office)s\n"
        "Please do not answer this message."
    )
    send_mail(
        frame.session(),
        cause="account.factors",
        subject_id=new_id(),  # each of them is a cause of its own
        recipient=user.email,
        subject=say("The second step of your account: %(office)s") % {"office": g.tenant.name},
        text=text
        % {
            "told": told,
            "moment": moment(clock.now()),
            "ip": request.remote_addr or "?",
            "address": g.tenant.url(url_for("profile.show")),
            "office": g.tenant.name,
        },
    )
