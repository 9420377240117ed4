"""Whom a resident acts for: switched, asked for, given up; and who else acts for them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import Optional, ValidationError

from skarbnik import clock
from skarbnik.accounts import services as accounts
from skarbnik.accounts.pesel import is_proven
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import ForbiddenTransition
from skarbnik.numbers import is_nip
from skarbnik.payers import mandates, queries
from skarbnik.payers.fields import LONGEST_RIGHT, PAY, SEE, check_no_pesel, role_names
from skarbnik.payers.models import LONGEST, CompanyRole, MandateBasis
from skarbnik.payers.permissions import ASK
from skarbnik.plugin_api import requires
from skarbnik.portal.acting import ActsForAnother, payer_of_request
from skarbnik.portal.basket import uuid_of
from skarbnik.portal.queries import PAYERS_ON_A_PAGE, find_payer_of, list_payers_of
from skarbnik.portal.views import blueprint as portal
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.cookies import read_cookie
from skarbnik.web.fields import DayOrNone, at_most, lines, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import current_language
from skarbnik.web.limits import limited
from skarbnik.web.paging import cursor, page_number

blueprint = Blueprint("mandates", __name__, url_prefix="/acting", template_folder="templates")


def clean_nip(text: str | None) -> str:
    """`PL 526-000-12-46` is 5260001246."""
    return re.sub(r"[\s-]", "", text or "").upper().removeprefix("PL")


class AskForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """For a company: its NIP and what one is in it. As a proxy: whose, and which power of attorney."""

    name = StringField(filters=[lines], validators=[at_most(200)])
    nip = StringField(render_kw={"inputmode": "numeric", "maxlength": 16})
    role = SelectField()
    document_on = DayOrNone()
    document = StringField(filters=[lines], validators=[at_most(LONGEST)])
    until_on = DayOrNone(validators=[Optional()])
    what_for = RadioField(default=PAY)

    def __init__(self, basis: MandateBasis, **given: Any) -> None:
        super().__init__(**given)
        self.basis = basis
        self.role.choices = to_choices([("", _("choose")), *role_names().items()])
        self.what_for.choices = to_choices(
            [(PAY, _("To see what is owed, and pay it")), (SEE, _("Only to see what is owed"))]
        )
        if basis is MandateBasis.COMPANY:
            del self.name, self.document_on
        else:
            del self.role

    def validate_name(self, field: Any) -> None:
        if not field.data.strip():
            raise ValidationError(_("Enter whose proxy you are: a first and last name, or the name of a company."))
        check_no_pesel(field.data)

    def validate_nip(self, field: Any) -> None:
        nip = clean_nip(field.data)
        if not nip and self.basis is MandateBasis.PROXY:
            return
        if not nip:
            raise ValidationError(_("Enter the NIP of the company."))
        if not (len(nip) == 10 and nip.isascii() and nip.isdecimal() and is_nip(nip)):
            raise ValidationError(_("This is no NIP. It has ten digits; check each of them."))

    def validate_role(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose what you are in the company."))

    def validate_document(self, field: Any) -> None:
        if not field.data.strip():
            raise ValidationError(_("Enter which document you will show."))
        check_no_pesel(field.data)

    def validate_document_on(self, field: Any) -> None:
        if field.data is None:
            raise ValidationError(_("Enter the date of the power of attorney."))
        if field.data > clock.today():
            raise ValidationError(_("This date is still to come. Enter the one on the document."))

    def validate_until_on(self, field: Any) -> None:
        if field.data is None:
            return
        if field.data < clock.today():
            raise ValidationError(_("This day is over. Enter a later one, or leave it empty."))
        if field.data > clock.today() + LONGEST_RIGHT:
            raise ValidationError(_("Enter a day within the next twenty years, or leave it empty."))

    @property
    def wish(self) -> mandates.Wish:
        return mandates.Wish(
            basis=self.basis,
            document=(self.document.data or "").strip(),
            may_pay=self.what_for.data == PAY,
            name=" ".join((self.name.data or "").split()) if "name" in self else None,
            nip=clean_nip(self.nip.data) or None,
            role=CompanyRole(self.role.data) if "role" in self else None,
            document_on=self.document_on.data if "document_on" in self else None,
            until_on=self.until_on.data,
        )


@portal.route("/acting", methods=["GET", "POST"])
@requires(SEE_OWN)
def acting() -> str | Response:
    """Whom the user acts for: seen on every page, changed with one click."""
    session, person, today = frame.session(), current_person(), clock.today()
    form = TokenForm()
    if form.validate_on_submit():
        wanted = find_payer_of(session, uuid_of(request.form.get("payer")), user_id=person.id, today=today)
        if wanted is None:
            abort(404)
        accounts.act_for(session, read_cookie("session"), wanted.id)
        flash(_("You act for: %(name)s", name=wanted.name))  # no full stop: names of companies end with one
        return redirect(url_for("portal.dashboard"), 303)
    text, page = request.args.get("q", "").strip()[:120], page_number()
    rows = list_payers_of(session, user_id=person.id, today=today, wanted=text, page=page)
    asked = queries.list_requests_of(session, person.id, before=cursor("before"))
    more = asked[queries.PAGE - 1].MandateRequest.id if len(asked) > queries.PAGE else None
    return render_template(
        "portal/acting.html",
        payers=rows[:PAYERS_ON_A_PAGE],
        more=len(rows) > PAYERS_ON_A_PAGE,
        page=page,
        wanted=text,
        asked=asked[: queries.PAGE],
        older_than=more,
        given=_acting_for_me(),
        proven=is_proven(session, person.id),
        today=today,
        form=form,
    )


def _acting_for_me() -> list[Any]:
    """Who else acts for the payer, when the user is that payer in person and nobody's proxy."""
    session, person, today = frame.session(), current_person(), clock.today()
    payer_id = person.payer_id
    if payer_id is None or not queries.acts_as_self(session, user_id=person.id, payer_id=payer_id, today=today):
        return []
    return list(queries.list_acting_for(session, payer_id, today=today, but=person.id))


@blueprint.route("/ask", methods=["GET", "POST"])
@requires(ASK)
@limited("20 per hour", methods=["POST"])
def ask() -> str | Response | tuple[str, int]:
    """`kind` in the address says what is asked: for a company, or as somebody's proxy."""
    kind = request.args.get("kind", "")
    if kind not in {MandateBasis.COMPANY, MandateBasis.PROXY}:
        return render_template("portal/ask.html", form=None)
    session, form = frame.session(), AskForm(MandateBasis(kind))
    if not form.validate_on_submit():
        return _ask_page(form), 422 if form.is_submitted() else 200
    try:
        made = mandates.ask_mandate(session, user_id=current_person().id, wish=form.wish, language=current_language())
    except mandates.AskedAlready:
        return _ask_page(form, problem="again"), 409
    except mandates.TooManyOpen:
        return _ask_page(form, problem="many"), 409
    record_own_act("mandate.asked", "mandate_request", made.id)
    flash(_("The office has your request. Show the document at the office; the decision will be on this page."))
    return redirect(url_for("portal.acting"), 303)


def _ask_page(form: AskForm, *, problem: str = "") -> str:
    return render_template("portal/ask.html", form=form, problem=problem, most=mandates.MOST_OPEN)


@blueprint.post("/requests/<uuid:request_id>/withdraw")
@requires(ASK)
def withdraw(request_id: UUID) -> Response:
    """As long as nobody decided."""
    check_token()
    try:
        mandates.withdraw_request(frame.session(), request_id, user_id=current_person().id)
        record_own_act("mandate.request_withdrawn", "mandate_request", request_id)
        flash(_("The request is withdrawn."))
    except ForbiddenTransition:
        flash(_("The office decided meanwhile, or the request was withdrawn already."), "warn")
    return redirect(url_for("portal.acting"), 303)


@blueprint.post("/mandates/<uuid:mandate_id>/give-up")
@requires(ASK)
def give_up(mandate_id: UUID) -> Response:
    """From now on this person does not act for that payer any more."""
    check_token()
    try:
        ended = mandates.give_up_mandate(frame.session(), mandate_id, user_id=current_person().id)
        record_own_act("mandate.given_up", "user", current_person().id, payers=[ended.payer_id])
        flash(_("You do not act for them any more."))
    except mandates.EndedAlready:
        flash(_("This right had ended already."), "warn")
    return redirect(url_for("portal.acting"), 303)


@blueprint.post("/given/<uuid:mandate_id>/end")
@requires(ASK)
def take_back(mandate_id: UUID) -> Response:
    """A person ends the power of attorney they gave. The other one loses it with their next click."""
    check_token()
    try:
        ended = mandates.take_back_mandate(
            frame.session(), mandate_id, payer_id=payer_of_request(), by=current_person().id
        )
        record_own_act("mandate.taken_back", "user", ended.user_id, payers=[ended.payer_id])
        flash(_("They do not act for you any more."))
    except mandates.EndedAlready:
        flash(_("This right had ended already."), "warn")
    return redirect(url_for("portal.acting"), 303)


@blueprint.app_errorhandler(ActsForAnother)
def look_again(refused: ActsForAnother) -> tuple[str, int]:
    """Nothing of the form is done; the page says for whom one acts now, and leads back to the other one."""
    frame.roll_back()
    shown = request.form.get("acting", "")
    other = next((each for each in current_person().acts_for if str(each.payer_id) == shown), None)
    return render_template("portal/acts_for_another.html", other=other), 409
