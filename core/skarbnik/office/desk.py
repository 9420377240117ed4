"""At the desk: an official compares a resident's identity document and makes the account theirs.

The PESEL is typed here and nowhere else; only its keyed hash is kept (`accounts.identity_proofing`). It is never in an
address, in the trail or in a log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField
from wtforms.validators import InputRequired

from skarbnik import clock
from skarbnik.accounts import identity_proofing, registration
from skarbnik.accounts.fields import email_field, name_field, pesel_field
from skarbnik.accounts.models import User, UserState
from skarbnik.accounts.permissions import SERVE_RESIDENTS
from skarbnik.accounts.services import AddressTaken
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import NotFound
from skarbnik.names import is_like
from skarbnik.payers.matching import list_with_pesel
from skarbnik.payers.models import Payer
from skarbnik.plugin_api import impersonal, records, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import LANGUAGE_NAMES
from skarbnik.web.limits import limited

blueprint = Blueprint("desk", __name__, url_prefix="/office/people/desk", template_folder="templates")

Page = Response | str | tuple[str, int]


class IdentityForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What stands in the document, and that it was compared."""

    pesel = pesel_field()
    compared = BooleanField(validators=[InputRequired(_l("Tick that you compared the identity document."))])
    other_name = BooleanField()  # asked for where the finance system knows the number by another name


class AccountForm(IdentityForm):
    """An account for who did not register."""

    name = name_field()
    email = email_field()
    language = SelectField(choices=to_choices(LANGUAGE_NAMES.items()))


@blueprint.get("")
@requires(SERVE_RESIDENTS)
@impersonal("asks for a number and shows nobody")
@limited("120 per minute")
def find() -> Response | str | tuple[str, int]:
    """By the number the resident reads aloud."""
    typed = request.args.get("number", "")[:40]
    number = registration.read_number(typed)
    if not typed.strip():
        return render_template("office/desk.html", number="", missing=False)
    try:
        registration.get_waiting(frame.session(), number)
    except NotFound:
        return render_template("office/desk.html", number=typed, missing=True)
    return redirect(url_for("desk.show", number=number), 303)


@blueprint.get("/<number>")
@requires(SERVE_RESIDENTS, fresh=True)
@records("registration.viewed")
@limited("60 per minute")
def show(number: str) -> str:
    return _page(number, IdentityForm(formdata=None))


@blueprint.post("/<number>")
@requires(SERVE_RESIDENTS, fresh=True)
@limited("60 per minute")
def confirm(number: str) -> Page:
    """The account is theirs; a link to activate it is on its way."""
    form, session = IdentityForm(), frame.session()
    found = registration.get_waiting(session, number)
    if not form.validate_on_submit():
        return _page(number, form), 422

    def make(pesel: str, by: UUID, move_to: UUID | None) -> User:
        return identity_proofing.confirm_registration(session, g.tenant, number, pesel=pesel, by=by, move_to=move_to)

    answer = _identify(form, make, found.name)
    if isinstance(answer, User):
        record_own_act("registration.confirmed", f"registration:{number}", found.id)
        return _done(answer)
    return _page(number, form, **answer), 409


@blueprint.post("/<number>/remove")
@requires(SERVE_RESIDENTS)
def remove(number: str) -> Response:
    """The document does not fit, or the resident does not want an account any more."""
    check_token()
    session = frame.session()
    found = registration.get_waiting(session, number, lock=True)
    record_own_act("registration.removed", f"registration:{number}", found.id)
    session.delete(found)
    flash(_("The registration is removed."))
    return redirect(url_for("desk.find"), 303)


@blueprint.route("/new", methods=["GET", "POST"])
@requires(SERVE_RESIDENTS, fresh=True)
@impersonal("an empty form")
@limited("60 per minute", methods=["POST"])
def new() -> Page:
    """An account for a resident who stands here and did not register."""
    form, session = AccountForm(), frame.session()
    if not form.validate_on_submit():
        page = render_template("office/desk_new.html", form=form, known=None, others=[])
        return (page, 422) if form.is_submitted() else page

    def make(pesel: str, by: UUID, move_to: UUID | None) -> User:
        words = {"name": form.name.data or "", "email": form.email.data or "", "language": form.language.data or "pl"}
        return identity_proofing.open_account(session, g.tenant, pesel=pesel, by=by, move_to=move_to, **words)

    answer = _identify(form, make, form.name.data or "")
    if isinstance(answer, User):
        return _done(answer)
    return render_template("office/desk_new.html", form=form, **answer), 409


@blueprint.errorhandler(NotFound)
def gone(_error: NotFound) -> tuple[str, int]:
    """Two officials at two desks, or a page that was left open: somebody else was quicker."""
    frame.session().rollback()
    return render_template("office/desk.html", number="", missing=True), 404


def _identify(form: Any, make: Callable[[str, UUID, UUID | None], User], name: str) -> User | dict[str, Any]:
    """The account, written into the trail; or what the page has to say of why there is none.

    A digit read wrongly opens another person's debts: where the finance system knows the number by another name, the
    official is shown it, and looks again.
    """
    me, moved, pesel = current_person().id, _move_to(), identity_proofing.read_pesel(form.pesel.data or "")
    found = list_with_pesel(frame.session(), g.tenant, pesel)
    others = [] if any(is_like(name, each.name) for each in found) else found
    if others and not form.other_name.data:
        record_own_act("payers.searched", "payers", payers=[each.id for each in others])
        return {"known": None, "others": others}
    try:
        user = make(pesel, me, moved)
    except identity_proofing.AlreadyProven as refused:
        record_own_act("resident.matched", "user", refused.user.id)
        return {"known": refused.user, "others": others}
    except identity_proofing.AccountBlocked:
        form.pesel.errors = [_("The account of this person is blocked. An administrator has to look at it first.")]
    except AddressTaken:
        form.pesel.errors = [
            _("Another account has this e-mail address. Ask the resident for another one of their own.")
        ]
    else:
        if moved == user.id:
            record_own_act("resident.moved", "user", user.id)
        else:
            record_own_act("resident.identified", "user", user.id)
        return user
    return {"known": None, "others": others}


def _move_to() -> UUID | None:
    try:
        return UUID(request.form.get("move_to", ""))
    except ValueError:
        return None


def _done(user: User) -> Response:
    if user.state is UserState.ACTIVE:
        flash(_("The account is signed in to with %(email)s from now on.", email=user.email))
    else:
        flash(_("Done. The link for the resident is on its way to %(email)s.", email=user.email))
    return redirect(url_for("desk.find"), 303)


def _page(number: str, form: IdentityForm, *, known: User | None = None, others: Sequence[Payer] = ()) -> str:
    found = registration.get_waiting(frame.session(), number)
    record_own_act("registration.viewed", f"registration:{number}", found.id)
    return render_template(
        "office/desk_registration.html",
        found=found,
        number=registration.spoken(found.number),
        until=clock.local_day(found.expires_at),
        form=form,
        plain=TokenForm(),
        known=known,
        others=others,
    )
