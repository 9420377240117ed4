"""Requests to act for somebody: what waits for the office, and the decision about each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField
from wtforms.validators import InputRequired, Optional, ValidationError

from skarbnik import clock
from skarbnik.accounts.identities import list_identities
from skarbnik.accounts.permissions import SEE_RESIDENTS
from skarbnik.accounts.providers import name_providers
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import ForbiddenTransition, NotFound
from skarbnik.office.reason_form import ReasonForm
from skarbnik.payers import mandates, queries
from skarbnik.payers.fields import LONGEST_RIGHT, PAY, SEE, basis_names, role_names
from skarbnik.payers.models import MandateBasis, MandateRequest
from skarbnik.payers.permissions import DECIDE, SEE_REQUESTS
from skarbnik.payers.states import RequestState
from skarbnik.plugin_api import records, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import Day, DayOrNone, to_choices
from skarbnik.web.paging import cursor

blueprint = Blueprint("requests", __name__, url_prefix="/office/people/requests", template_folder="templates")

EARLIEST = timedelta(days=10 * 366)  # before today a mandate may begin


class DecisionForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Which payer is meant, and what its sender may do for how long."""

    payer = RadioField(validate_choice=False)
    basis = SelectField()
    what_for = RadioField()
    from_on = Day(validators=[InputRequired(_l("Enter the first day."))])
    until_on = DayOrNone(validators=[Optional()])

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.basis.choices = to_choices(
            [(key, name) for key, name in basis_names().items() if key is not MandateBasis.SELF]
        )
        self.what_for.choices = to_choices([(PAY, _("see and pay")), (SEE, _("only see"))])

    def validate_payer(self, field: Any) -> None:
        try:
            UUID(field.data or "")
        except ValueError:
            raise ValidationError(_("Choose the payer that is meant.")) from None

    def validate_from_on(self, field: Any) -> None:
        today = clock.today()
        if field.data and not today - EARLIEST <= field.data <= today + LONGEST_RIGHT:
            raise ValidationError(_("Enter a first day within the last ten or the next twenty years."))

    def validate_until_on(self, field: Any) -> None:
        if field.data is None:
            return
        if field.data < max(clock.today(), self.from_on.data or clock.today()):
            raise ValidationError(_("The last day is over, or before the first one."))
        if field.data > clock.today() + LONGEST_RIGHT:
            raise ValidationError(_("Enter a day within the next twenty years, or leave it empty."))

    @property
    def decision(self) -> mandates.Decision:
        return mandates.Decision(
            payer_id=UUID(self.payer.data),
            basis=MandateBasis(self.basis.data),
            may_pay=self.what_for.data == PAY,
            from_on=self.from_on.data or clock.today(),
            until_on=self.until_on.data,
        )


@blueprint.get("")
@requires(SEE_REQUESTS)
@records("mandate_requests.listed")
def queue() -> str:
    """The oldest first; what waits for the office, unless another state was asked for."""
    wanted = request.args.get("state", "")
    state = RequestState(wanted) if wanted in set(RequestState) else RequestState.ASKED
    session = frame.session()
    rows = queries.list_requests(session, state, after=cursor("after"))
    shown = [row.MandateRequest for row in rows[: queries.PAGE]]
    seen = queries.payers_of(session, {each.user_id for each in shown}) | {each.payer_id for each in shown}
    record_own_act("mandate_requests.listed", "mandate_requests", payers=seen)
    return render_template(
        "office/requests.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].MandateRequest.id if len(rows) > queries.PAGE else None,
        state=state,
        states=list(RequestState),
        bases=basis_names(),
        days_since=clock.days_since,
        today=clock.today(),
    )


@blueprint.get("/<uuid:request_id>")
@requires(SEE_REQUESTS)
@records("mandate_request.viewed")
def show(request_id: UUID) -> str:
    """`q` looks for payers by name or number besides those with the NIP that was asked for."""
    return _page(request_id)


@blueprint.post("/<uuid:request_id>/confirm")
@requires(DECIDE)
def confirm(request_id: UUID) -> str | Response | tuple[str, int]:
    """Once, and by somebody else than who asked."""
    form = DecisionForm()
    if not form.validate():
        return _page(request_id, decision=form), 422
    try:
        made = mandates.confirm_request(frame.session(), request_id, form.decision, by=current_person().id)
        record_own_act("mandate.confirmed", "user", made.user_id, payers=[made.payer_id])
        flash(_("Confirmed. The resident acts for them from the first day on; an e-mail goes to who gave an address."))
    except ForbiddenTransition:
        _somebody_was_quicker()
    except mandates.PayerChanged:
        frame.session().rollback()
        flash(_("The finance system merged or closed this payer meanwhile. Look at the list again."), "warn")
    return _back(request_id)


@blueprint.post("/<uuid:request_id>/refuse")
@requires(DECIDE)
def refuse(request_id: UUID) -> str | Response | tuple[str, int]:
    form = ReasonForm()
    if not form.validate():
        return _page(request_id, refusal=form), 422
    try:
        made = mandates.refuse_request(frame.session(), request_id, reason=form.text, by=current_person().id)
        record_own_act("mandate.refused", "user", made.user_id)
        flash(_("Refused. The resident reads the reason after signing in."))
    except ForbiddenTransition:
        _somebody_was_quicker()
    return _back(request_id)


def _page(
    request_id: UUID,
    *,
    decision: DecisionForm | None = None,
    refusal: ReasonForm | None = None,
) -> str:
    """Also above a form that was refused: whoever sends an empty one sees as much, and may look for payers by it."""
    session = frame.session()
    found = queries.get_request(session, request_id)
    asked: MandateRequest = found.MandateRequest
    text = request.args.get("q", "").strip()[:120]
    is_open = asked.state is RequestState.ASKED
    candidates = queries.find_candidates(session, nip=asked.nip, wanted=text) if is_open else []
    held = queries.list_mandates_of(session, asked.user_id, today=clock.today())
    seen = {asked.payer_id, *(each.id for each in candidates), *(each.payer_id for each in held)}
    record_own_act("mandate_request.viewed", "mandate_request", request_id, payers=seen)
    return render_template(
        "office/request.html",
        found=found,
        asked=asked,
        candidates=candidates,
        wanted=text,
        shortest=queries.SHORTEST,
        form=decision or _prefilled(asked, candidates),
        refusal=refusal or ReasonForm(formdata=None),
        errors_of=decision or refusal,
        bases=basis_names(),
        roles=role_names(),
        identities=list_identities(session, asked.user_id),
        providers=name_providers(session, g.tenant),
        waits=clock.days_since(asked.asked_at) if is_open else None,
        acts_for={each.whole_id for each in held if not each.over},
        is_open=is_open,
        decide=DECIDE,
        residents=SEE_RESIDENTS,
        today=clock.today(),
    )


def _prefilled(asked: MandateRequest, candidates: Any) -> DecisionForm:
    """What was asked for, and the payer when it can be only one."""
    good = [each for each in candidates if each.became_id is None and each.closed_at is None]
    words = {
        "payer": str(good[0].id) if len(good) == 1 and asked.nip and good[0].nip == asked.nip else None,
        "basis": asked.basis,
        "what_for": PAY if asked.wants_pay else SEE,
        "from_on": clock.today(),
        "until_on": asked.wanted_until,
    }
    return DecisionForm(formdata=None, data=words)


def _somebody_was_quicker() -> None:
    flash(_("Somebody decided about this request meanwhile, or it was withdrawn. Look at it again."), "warn")


def _back(request_id: UUID) -> Response:
    return redirect(url_for("requests.show", request_id=request_id), 303)


@blueprint.errorhandler(mandates.OwnRequest)
def refuse_own(refused: mandates.OwnRequest) -> Response:
    """Nothing of it is kept."""
    frame.session().rollback()
    flash(_("You asked for this yourself under another account. Somebody else has to decide about it."), "warn")
    values = request.view_args
    if not values:
        raise NotFound("no request")
    return _back(values["request_id"])
