"""The second factor: after the password, instead of it (a passkey), and again before what weighs much."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField

from skarbnik.accounts import factor_news, factors
from skarbnik.accounts.codes import are_few
from skarbnik.accounts.factor_pages import (
    CodeForm,
    SetUpForm,
    codes_page,
    keep_new,
    second_page,
    set_up_page,
    wrong_code,
    wrong_passkey,
)
from skarbnik.accounts.half_sign_in import HalfSignIn, began_at_office, find_half
from skarbnik.accounts.limits import BY_ADDRESS, limited_by_owner
from skarbnik.accounts.models import FactorKind, SignInOutcome, User, UserKind
from skarbnik.accounts.passkeys import PasskeyRefused, Purpose, ask_for_new_passkey, ask_for_passkey
from skarbnik.accounts.passkeys import take_passkey as prove
from skarbnik.accounts.passwords import check_password
from skarbnik.accounts.permissions import OWN_ACCOUNT
from skarbnik.accounts.services import LOCAL, mark_confirmed, record_attempt
from skarbnik.accounts.sign_in import HOMES, admit, enter, let_in
from skarbnik.plugin_api import public, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person, slots
from skarbnik.web.addresses import own_path
from skarbnik.web.cookies import read_cookie
from skarbnik.web.forms import check_token
from skarbnik.web.kept import open_kept
from skarbnik.web.limits import limited

blueprint = Blueprint("second", __name__, template_folder="templates")


class PasskeyForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A passkey alone, from the door of residents or of the office."""

    answer = HiddenField()
    next = HiddenField()


@blueprint.route("/sign-in/second", methods=["GET", "POST"])
@public("somebody whose password was right a moment ago, and nobody else")
@limited(BY_ADDRESS, methods=["POST"])
@limited_by_owner
def ask() -> AnyResponse | str | tuple[str, int]:
    """A code or a passkey of who is half signed in."""
    half = find_half(hold=request.method == "POST")
    form, kept = CodeForm(formdata=request.form), request.form.get("kept")
    if half is None:
        return _begin_again()
    if not factors.has_factor(frame.session(), half.user.id):
        return redirect(url_for("second.set_up"), 303)
    if not form.is_submitted():
        return second_page(half.user, form, kept)
    if not form.validate():
        return second_page(half.user, form, kept), 422
    used = _use(Purpose.SECOND, half.user, form)
    if used is None:
        _record(half.user, half.way, SignInOutcome.WRONG_CODE)
        return second_page(half.user, form, kept), 422
    _record(half.user, half.way, SignInOutcome.SIGNED_IN)
    response = enter(half.user, way=half.way, second=True, wanted=half.wanted, kept=kept, there=half.there)
    _tell_of_code(half.user, used)
    return response


@blueprint.route("/sign-in/set-up", methods=["GET", "POST"])
@public("an official whose password was right a moment ago and who has no factor yet")
@limited(BY_ADDRESS, methods=["POST"])
@limited_by_owner
def set_up() -> AnyResponse | str | tuple[str, int]:
    """An official's first factor: until there is one, there is no session."""
    half = find_half(hold=request.method == "POST")
    form, kept = SetUpForm(formdata=request.form), request.form.get("kept")
    if half is None:
        return _begin_again()
    if factors.has_factor(frame.session(), half.user.id):
        return redirect(url_for("second.ask"), 303)
    if not form.is_submitted():
        return set_up_page(half.user, form, at_sign_in=True, kept=kept)
    if not form.validate() or not keep_new(Purpose.SET_UP, half.user, form):
        return set_up_page(half.user, form, at_sign_in=True, kept=kept), 422
    return _with_codes(half, kept)


def _with_codes(half: HalfSignIn, kept: str | None) -> AnyResponse:
    """Signed in, with a page of recovery codes before anything else."""
    codes = factors.make_recovery_codes(frame.session(), half.user.id)
    factor_news.codes_made(half.user, tell=False)
    _record(half.user, half.way, SignInOutcome.SIGNED_IN)
    admitted = admit(half.user, way=half.way, second=True, wanted=half.wanted, kept=kept, there=half.there)
    page = codes_page(codes, admitted.onward, kept_form=admitted.kept, home=admitted.home)
    return let_in(make_response(page), admitted)


@blueprint.post("/sign-in/passkey")
@public("nobody is signed in yet")
@limited(BY_ADDRESS)
def sign_in() -> AnyResponse:
    """A passkey alone is both factors: something one has, and a finger, a face or a PIN."""
    form = PasskeyForm(formdata=request.form)
    office = request.form.get("door") == UserKind.OFFICIAL
    try:
        if not form.validate():
            raise PasskeyRefused("the form is not ours")
        user = prove(Purpose.SIGN_IN, None, form.answer.data or "")
    except PasskeyRefused as refused:
        if refused.user is not None:
            _record(refused.user, LOCAL, SignInOutcome.WRONG_CODE)
        flash(_("The passkey did not work. Try again, or sign in with your password."), "wrong")
        door = "accounts.sign_in_office" if office else "accounts.sign_in"
        return redirect(url_for(door, next=own_path(form.next.data)), 303)
    _record(user, LOCAL, SignInOutcome.SIGNED_IN)
    wanted = form.next.data or ""
    at_own_door = office is (user.kind is UserKind.OFFICIAL)
    return enter(user, way=LOCAL, second=True, wanted=wanted if at_own_door else "", kept=request.form.get("kept"))


@blueprint.post("/passkeys/<purpose>")
@public("a number to be signed; whose passkeys may sign it depends on who asks")
@limited(BY_ADDRESS)
def question(purpose: str) -> Response:
    """What the browser's own dialogue for passkeys needs, as JSON."""
    check_token()
    try:
        asked = Purpose(purpose)
    except ValueError:
        abort(404)
    user = _asks(asked)
    new = asked in {Purpose.SET_UP, Purpose.ADD}
    options = ask_for_new_passkey(asked, user) if new and user else ask_for_passkey(asked, user)
    return Response(options, content_type="application/json")


def _asks(purpose: Purpose) -> User | None:
    """Whose passkeys it is about; nobody's at the door. 404 for who has no business here."""
    if purpose is Purpose.SIGN_IN:
        return None
    if purpose in {Purpose.SECOND, Purpose.SET_UP}:
        half = find_half()
        user = half.user if half else None
        if user is not None and (purpose is Purpose.SET_UP) is factors.has_factor(frame.session(), user.id):
            user = None
    else:
        user = frame.session().get(User, g.person.id) if g.person else None
        if user is not None and purpose is Purpose.ADD and not g.person.is_fresh:
            user = None
    if user is None:
        abort(404)
    return user


@blueprint.route("/confirm", methods=["GET", "POST"])
@requires(OWN_ACCOUNT)
@limited(BY_ADDRESS, methods=["POST"])
@limited_by_owner
def confirm() -> AnyResponse | str | tuple[str, int]:
    """Who sits here proves once more that they are who signed in, and goes on with what they were doing."""
    form, user = CodeForm(formdata=request.form), _me()
    kept, wanted = request.form.get("kept"), request.values.get("next", "")
    if not form.is_submitted():
        return _confirm_page(user, form, wanted=wanted)
    used = _confirmed_by(user, form)
    if used is None:
        _record(user, LOCAL, SignInOutcome.WRONG_CODE)
        return _confirm_page(user, form, wanted=wanted, kept=kept), 422
    mark_confirmed(frame.session(), read_cookie("session"))
    _tell_of_code(user, used)
    home = url_for(HOMES[user.kind])
    again = open_kept(g.tenant, kept, owner=user.id)
    if again is None:
        return redirect(own_path(wanted) or home, 303)
    elsewhere = slots().look_again(again)
    if elsewhere is not None:
        return redirect(elsewhere, 303)
    return render_template("accounts/kept.html", kept=again, home=home, confirmed=True)


def _confirmed_by(user: User, form: CodeForm) -> FactorKind | str | None:
    """What proved it. A password is enough for who has nothing else; never for an official."""
    if factors.needs_second(frame.session(), user):
        return _use(Purpose.CONFIRM, user, form) if form.validate() else None
    if form.validate() and user.password_hash and check_password(user.password_hash, form.password.data or ""):
        return LOCAL
    form.password.errors = [_("This is not your password. Try again.")]
    return None


def ask_to_confirm(kept: str) -> tuple[str, int]:
    """For somebody whose form asks for a proof that is not older than a few minutes."""
    return _confirm_page(_me(), CodeForm(formdata=None), kept=kept), 401


def _confirm_page(user: User, form: CodeForm, *, wanted: str = "", kept: str | None = None) -> str:
    kinds = {each.kind for each in factors.list_factors(frame.session(), user.id)}
    with_password = user.kind is UserKind.RESIDENT and not kinds and user.password_hash is not None
    return render_template(
        "accounts/confirm.html",
        form=form,
        kept=kept,
        wanted=own_path(wanted),
        has_app=FactorKind.TOTP in kinds,
        has_passkey=FactorKind.PASSKEY in kinds,
        with_password=with_password,
        home=url_for(HOMES[user.kind]),
    )


def _use(purpose: Purpose, user: User, form: CodeForm) -> FactorKind | None:
    """Take what was typed, or what a passkey answered. None when it was not right; the form says so, and no more."""
    try:
        if form.answer.data:
            prove(purpose, user, form.answer.data)
            return FactorKind.PASSKEY
        return factors.use_code(frame.session(), g.tenant, user.id, form.given)
    except PasskeyRefused:
        form.answer.errors = [wrong_passkey()]
    except factors.WrongCode:
        typed = form.recovery if form.recovery.data and not form.code.data else form.code
        typed.errors = [wrong_code()]
    return None


def _tell_of_code(user: User, used: object) -> None:
    if used is not FactorKind.RECOVERY:
        return
    left = factor_news.code_used(user)
    if are_few(left):
        flash(
            ngettext(
                "You have %(num)d recovery code left. Make new ones in your profile.",
                "You have %(num)d recovery codes left. Make new ones in your profile.",
                left,
            ),
            "warn",
        )


def _begin_again() -> AnyResponse:
    flash(_("The sign-in took too long. Begin again."), "warn")
    return redirect(url_for("accounts.sign_in_office" if began_at_office() else "accounts.sign_in"), 303)


def _me() -> User:
    return frame.session().get_one(User, current_person().id)


def _record(user: User, way: str, outcome: SignInOutcome) -> None:
    record_attempt(
        frame.session(), kind=user.kind, user_id=user.id, outcome=outcome, way=way, ip=request.remote_addr or ""
    )
