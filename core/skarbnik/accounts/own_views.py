"""What somebody changes of their own account: how they are reached, the password, consents, and closing it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask import session as form_cookie
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired

from skarbnik.accounts import closing, consents, contact
from skarbnik.accounts.chapters import list_plugin_chapters
from skarbnik.accounts.fields import ChosenPassword, current_password, email_field
from skarbnik.accounts.limits import limited_by_email, limited_by_person, was_done
from skarbnik.accounts.models import Purpose, User
from skarbnik.accounts.password_policy import WeakPassword
from skarbnik.accounts.passwords import SHORTEST
from skarbnik.accounts.permissions import OWN_ACCOUNT, OWN_RESIDENT
from skarbnik.accounts.services import AddressTaken, hash_token
from skarbnik.audit.requests import record_act_of_user, record_own_act
from skarbnik.errors import Invalid, NotFound
from skarbnik.plugin_api import public, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.cookies import delete_cookie, read_cookie
from skarbnik.web.fields import at_most, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import LANGUAGE_NAMES, current_language
from skarbnik.web.limits import limited

NEW_EMAIL = "/new-email/"

blueprint = Blueprint("own", __name__, template_folder="templates")

Page = Response | str | tuple[str, int]


class LanguageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    language = SelectField(choices=to_choices(LANGUAGE_NAMES.items()))


class PhoneForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    phone = StringField(validators=[at_most(30)])


class EmailForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    email = email_field()
    current = current_password()


class NewPasswordForm(ChosenPassword, FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    current = current_password()


class CloseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    current = current_password()
    sure = BooleanField(validators=[InputRequired()])


def _here() -> str:
    return hash_token(read_cookie("session"))


def _proven(form: Any, user: User) -> bool:
    try:
        contact.prove_again(frame.session(), user, password=form.current.data or "", token_hash=_here())
    except contact.NotProven:
        if user.password_hash is None:
            form.current.errors = [_("Sign out, sign in again, and do this within ten minutes.")]
        else:
            form.current.errors = [_("This is not your current password.")]
        return False
    return True


def _me() -> User:
    """Who is signed in; locked when a form is sent, so that nothing is changed of an account that was just closed."""
    return contact.get_own(frame.session(), current_person().id, lock=request.method == "POST")


@blueprint.route("/profile/contact", methods=["GET", "POST"])
@requires(OWN_ACCOUNT)
def reach() -> Page:
    """Telephone, and the language of what is written to them."""
    user = _me()
    phone = PhoneForm(formdata=request.form if "phone" in request.form else None, data={"phone": user.phone})
    language = LanguageForm(
        formdata=request.form if "language" in request.form else None, data={"language": user.language}
    )
    if request.method == "POST":
        if "phone" in request.form and phone.validate() and _save_phone(phone):
            return _back()
        if "language" in request.form and language.validate():
            contact.set_language(frame.session(), user.id, language.language.data or "")
            record_own_act("account.language_changed", "user", user.id)
            flash(_("What we write to you comes in this language from now on."))
            return _back()
    page = render_template("accounts/own_contact.html", phone=phone, language=language)
    return (page, 422) if request.method == "POST" else page


def _save_phone(form: PhoneForm) -> bool:
    try:
        changed = contact.set_phone(frame.session(), current_person().id, contact.read_phone(form.phone.data or ""))
    except Invalid:
        form.phone.errors = [_("Enter a telephone number, such as 601 234 567 or +48 601 234 567.")]
        return False
    if changed:
        record_own_act("account.phone_changed", "user", current_person().id)
    flash(_("The telephone number is saved."))
    return True


@blueprint.route("/profile/email", methods=["GET", "POST"])
@requires(OWN_ACCOUNT, second=True)
@limited("20 per hour", methods=["POST"])
@limited_by_email("new-email", few="5 per hour", most="10 per hour", counted=was_done)
@limited_by_person
def email() -> Page:
    form, user = EmailForm(formdata=request.form), _me()  # and never JSON, which the limits do not see
    if form.validate_on_submit() and _proven(form, user):
        contact.ask_new_email(frame.session(), g.tenant, user, form.email.data or "")
        record_own_act("account.email_asked", "user", user.id)
        flash(_("Follow the link in the e-mail that is on its way to the new address. Nothing changes before."))
        return _back()
    page = render_template("accounts/own_email.html", form=form, user=user)
    return (page, 422) if form.is_submitted() else page


@blueprint.route(f"{NEW_EMAIL}<secret>", methods=["GET", "POST"])
@public("who has the secret of the link proves the new address, in whichever browser")
@limited("30 per minute")
def take_email(secret: str) -> Page:
    """A button: a program that guards a mailbox opens links, and changes nothing by it."""
    session, form = frame.session(), TokenForm(formdata=request.form)
    change = contact.find_email_change(session, secret)
    if not form.validate_on_submit():
        return render_template("accounts/new_email.html", change=change, form=form)
    try:
        user = contact.take_new_email(session, g.tenant, secret)
    except AddressTaken:
        flash(_("Another account has this address. Yours stays as it was."), "warn")
        return redirect(url_for("portal.front"), 303)
    record_act_of_user("account.email_changed", user.id)
    flash(_("The new address holds. Sign in with it."))
    return redirect(url_for("accounts.sign_in_office" if user.kind == "official" else "accounts.sign_in"), 303)


@blueprint.route("/profile/password", methods=["GET", "POST"])
@requires(OWN_ACCOUNT, second=True)
@limited("30 per hour", methods=["POST"])
@limited_by_person
def password() -> Page:
    form, user = NewPasswordForm(), _me()
    if form.validate_on_submit() and _proven(form, user):
        try:
            contact.change_password(frame.session(), g.tenant, user, form.password.data or "", here=_here())
        except WeakPassword as weak:
            form.password.errors = [str(weak)]
        else:
            record_own_act("account.password_changed", "user", user.id)
            flash(_("The password is changed, and every other browser is signed out."))
            return _back()
    page = render_template("accounts/own_password.html", form=form, user=user, shortest=SHORTEST)
    return (page, 422) if form.is_submitted() else page


@blueprint.get("/profile/consents")
@requires(OWN_RESIDENT)
def agreed() -> str:
    """What they agree to now, and all they gave and took back before (art. 7 ust. 1 i 3 RODO)."""
    session, me = frame.session(), current_person().id
    history = consents.list_consents(session, me)
    return render_template(
        "accounts/own_consents.html",
        texts=consents.CONSENTS,
        given={each.purpose: each for each in history if each.withdrawn_at is None},
        history=history,
        user=_me(),
        form=TokenForm(),
    )


@blueprint.post("/profile/consents/<purpose>")
@requires(OWN_RESIDENT)
@limited("60 per hour")
def agree(purpose: str) -> Response:
    """Given and taken back by one click each: taking back is as easy as giving (art. 7 ust. 3 RODO)."""
    check_token()
    if purpose not in set(Purpose):
        raise NotFound("no such consent")
    session, me = frame.session(), current_person().id
    if request.form.get("version") is None:
        if consents.withdraw_consent(session, me, Purpose(purpose)):
            record_own_act("consent.withdrawn", f"consent:{purpose}", me)
        flash(_("The consent is taken back."))
        return redirect(url_for("own.agreed"), 303)
    try:
        version = int(request.form["version"][:9]) if request.form["version"][:9].isdecimal() else 0
        if consents.give_consent(session, me, Purpose(purpose), version=version, language=current_language()):
            record_own_act("consent.given", f"consent:{purpose}", me)
        flash(_("Thank you. You can take the consent back here at any time."))
    except consents.TextChanged:
        flash(_("The text changed while you were reading. Please read the new one."), "warn")
    return redirect(url_for("own.agreed"), 303)


@blueprint.route("/profile/close", methods=["GET", "POST"])
@requires(OWN_RESIDENT, second=True)
@limited("20 per hour", methods=["POST"])
@limited_by_person
def close() -> Page:
    """Says what happens, and asks for the password, since nothing brings the account back."""
    form, user = CloseForm(), _me()
    if form.validate_on_submit() and _proven(form, user):
        record_own_act("account.closed", "user", user.id)
        closing.close_account(frame.session(), g.tenant, user)
        form_cookie.clear()
        flash(_("Your account is closed."))
        response = redirect(url_for("portal.front"), 303)
        delete_cookie(response, "session")
        return response
    if form.is_submitted() and form.sure.errors:
        form.sure.errors = [_("Tick that you want to close the account.")]
    kept = [each for each in list_plugin_chapters(frame.session(), g.tenant.instance.plugins) if each.kept]
    page = render_template("accounts/own_close.html", form=form, user=user, kept=kept)
    return (page, 422) if form.is_submitted() else page


def _back() -> Response:
    return redirect(url_for("profile.show"), 303)
