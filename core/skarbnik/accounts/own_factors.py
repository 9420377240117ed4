"""A person's own second factors, on their profile: an app, passkeys, recovery codes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik.accounts import factor_news, factors
from skarbnik.accounts.factor_pages import SetUpForm, codes_page, keep_new, set_up_page
from skarbnik.accounts.limits import BY_ADDRESS, limited_by_owner
from skarbnik.accounts.models import FactorKind, User
from skarbnik.accounts.passkeys import Purpose
from skarbnik.accounts.permissions import OWN_ACCOUNT
from skarbnik.plugin_api import requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.forms import check_token
from skarbnik.web.limits import limited

blueprint = Blueprint("own_factors", __name__, url_prefix="/profile/second-step", template_folder="templates")


@blueprint.route("/new", methods=["GET", "POST"])
@requires(OWN_ACCOUNT, fresh=True)
@limited(BY_ADDRESS, methods=["POST"])
@limited_by_owner
def set_up() -> str | Response | tuple[str, int]:
    """An app, in the place of the one before; or one more passkey."""
    user, form = _me(), SetUpForm(formdata=request.form)
    if not form.is_submitted():
        return set_up_page(user, form, at_sign_in=False)
    if not form.validate() or not keep_new(Purpose.ADD, user, form):
        return set_up_page(user, form, at_sign_in=False), 422
    if not factors.count_recovery_codes(frame.session(), user.id):
        return _new_codes(user, tell=False)
    flash(_("Your second step is set up."))
    return redirect(url_for("profile.show"), 303)


@blueprint.post("/codes")
@requires(OWN_ACCOUNT, fresh=True)
def make_codes() -> str | Response:
    """Ten new recovery codes, shown this once. Nobody has codes who has no factor."""
    check_token()
    user = _me()
    if not factors.has_factor(frame.session(), user.id):
        return redirect(url_for("profile.show"), 303)
    return _new_codes(user, tell=True)


@blueprint.post("/<mark>/remove")
@requires(OWN_ACCOUNT, fresh=True)
def remove(mark: str) -> Response:
    check_token()
    user = _me()
    try:
        removed = factors.remove_factor(frame.session(), user, mark)
    except factors.LastFactor:
        flash(_("This is your only second step, and the office asks for one. Add another one first."), "warn")
    else:
        is_app = removed.kind is FactorKind.TOTP
        factor_news.factor_removed(user, factor_news.APP if is_app else factor_news.PASSKEY)
        flash(_("It is removed and opens nothing any more."))
    return redirect(url_for("profile.show"), 303)


def _new_codes(user: User, *, tell: bool) -> str:
    codes = factors.make_recovery_codes(frame.session(), user.id)
    factor_news.codes_made(user, tell=tell)
    return codes_page(codes, url_for("profile.show"))


def _me() -> User:
    return frame.session().get_one(User, current_person().id)
