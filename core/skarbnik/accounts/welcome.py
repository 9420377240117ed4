"""The page behind a link that came by e-mail: choosing a password. The address is a secret."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from skarbnik.accounts.fields import ChosenPassword, pesel_field
from skarbnik.accounts.identity_proofing import read_pesel
from skarbnik.accounts.limits import limited_by_link
from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.password_links import activate, choose_password, find_invited, only_says_yes
from skarbnik.accounts.password_policy import WeakPassword
from skarbnik.accounts.passwords import SHORTEST
from skarbnik.accounts.pesel import is_of
from skarbnik.audit.requests import record_act_of_user
from skarbnik.plugin_api import public
from skarbnik.web import frame
from skarbnik.web.forms import TokenForm
from skarbnik.web.limits import limited

PREFIX = "/welcome/"

blueprint = Blueprint("welcome", __name__, template_folder="templates")


class PasswordForm(ChosenPassword, FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A password and nothing else."""


class OwnerForm(PasswordForm):
    """Besides, the PESEL of whose account it is: its address was only typed at the desk, and may be a stranger's."""

    pesel = pesel_field(_l("Type your PESEL number."))


@blueprint.route(f"{PREFIX}<secret>", methods=["GET", "POST"])
@public("who has the secret of the link chooses their password")
@limited("30 per minute")
@limited_by_link
def choose(secret: str) -> str | Response | tuple[str, int]:
    session = frame.session()
    user = find_invited(session, secret)
    if only_says_yes(user):
        return _say_yes(user, secret)
    asks = user.password_hash is None and user.pesel_hash is not None
    form = (OwnerForm if asks else PasswordForm)(formdata=request.form)
    if not form.validate_on_submit() or (asks and not _is_theirs(user, form)):
        return _page(user, form), 422 if form.is_submitted() else 200
    try:
        user = choose_password(session, secret, form.password.data or "", words=(g.tenant.name,))
    except WeakPassword as weak:
        form.password.errors = [str(weak)]
        return _page(user, form), 422
    record_act_of_user("account.password_chosen", user.id)
    flash(_("The password is set. Sign in with it now."))
    return redirect(url_for("accounts.sign_in_office" if user.kind is UserKind.OFFICIAL else "accounts.sign_in"), 303)


def _is_theirs(user: User, form: OwnerForm) -> bool:
    if is_of(user, g.tenant, read_pesel(form.pesel.data or "")):
        return True
    form.pesel.errors = [_("The office compared another PESEL number. Check it, or ask at the office.")]
    return False


def _say_yes(user: User, secret: str) -> str | Response:
    """A button: what only opens links, as programs that guard mailboxes do, activates nothing."""
    form = TokenForm(formdata=request.form)
    if not form.validate_on_submit():
        return render_template("accounts/activate.html", user=user, form=form)
    record_act_of_user("account.activated", activate(frame.session(), secret).id)
    flash(_("Your account is active. Sign in with the password you chose when you registered."))
    return redirect(url_for("accounts.sign_in"), 303)


def _page(user: User, form: PasswordForm) -> str:
    return render_template("accounts/welcome.html", user=user, form=form, shortest=SHORTEST)
