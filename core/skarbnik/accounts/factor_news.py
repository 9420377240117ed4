"""What changed about somebody's factors: into the trail, and by e-mail to who owns the account."""

from __future__ import annotations

from flask import g, request, url_for

from skarbnik import clock
from skarbnik.accounts.factors import count_recovery_codes
from skarbnik.accounts.letters import Letter, tell
from skarbnik.accounts.models import User
from skarbnik.audit.requests import record_act_of_user
from skarbnik.plugin_api import N_
from skarbnik.web import frame
from skarbnik.web.formats import moment
from skarbnik.web.languages import load_catalogue

ADDED = N_("A second step was added to your account: %(what)s.")
REMOVED = N_("A second step was removed from your account: %(what)s.")
NEW_CODES = N_("A new set of recovery codes was made for your account. The codes of before are worth nothing any more.")
CODE_USED = N_("A recovery code was used for your account. Codes left: %(left)s.")
TAKEN = N_(
    "An administrator of the office took away the second steps of your account, because you had lost them. Every"
    " browser is signed out. When you sign in next time you set up a new one."
)
APP = N_("an authenticator app")
PASSKEY = N_("a passkey")
NEWS = Letter(
    "account.factors",
    N_("The second step of your account: %(office)s"),
    N_(
        "%(told)s\n\nWhen: %(moment)s, from %(ip)s\n\nIf it was not you, sign in and look at your profile: "
        "%(address)s\nIf you cannot sign in any more, call the office at once.\n\n%(office)s\n"
        "Please do not answer this message."
    ),
)


def factor_added(user: User, kind: str) -> None:
    record_act_of_user("account.factor_added", user.id)
    tell_owner(user, ADDED, what=kind)


def factor_removed(user: User, kind: str) -> None:
    record_act_of_user("account.factor_removed", user.id)
    tell_owner(user, REMOVED, what=kind)


def codes_made(user: User, *, tell: bool) -> None:
    """The first set comes with a factor, about which there is an e-mail already."""
    record_act_of_user("account.recovery_codes_made", user.id)
    if tell:
        tell_owner(user, NEW_CODES)


def code_used(user: User) -> int:
    """How many are left."""
    left = count_recovery_codes(frame.session(), user.id)
    record_act_of_user("account.recovery_code_used", user.id)
    tell_owner(user, CODE_USED, left=str(left))
    return left


def tell_owner(user: User, what_happened: str, **words: str) -> None:
    """In the language of the account. Somebody without a proven address is told on the page only."""
    say = load_catalogue(user.language).gettext
    tell(
        frame.session(),
        g.tenant,
        user,
        NEWS,
        told=say(what_happened) % {name: say(word) for name, word in words.items()},
        moment=moment(clock.now()),
        ip=request.remote_addr or "?",
        address=g.tenant.url(url_for("profile.show")),
    )
