"""Residents' accounts: who they are, for whom they act, where they are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.validators import ValidationError

from skarbnik import clock
from skarbnik.accounts import residents
from skarbnik.accounts.identities import list_identities
from skarbnik.accounts.identity_proofing import read_pesel
from skarbnik.accounts.models import UserKind, UserState
from skarbnik.accounts.permissions import SEE_RESIDENTS, TEND_RESIDENTS
from skarbnik.accounts.pesel import find_by_pesel
from skarbnik.accounts.providers import name_providers
from skarbnik.accounts.sessions import end_all_sessions, list_attempts, list_sessions
from skarbnik.audit.models import AuditEntry
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Invalid
from skarbnik.office.queries import user_names
from skarbnik.office.reason_form import ReasonForm
from skarbnik.payers import mandates, queries
from skarbnik.payers.fields import basis_names
from skarbnik.payers.permissions import DECIDE, SEE_REQUESTS
from skarbnik.plugin_api import records, requires
from skarbnik.receivables.permissions import SEE_ANY
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.limits import limited
from skarbnik.web.paging import cursor, page_number

blueprint = Blueprint("residents", __name__, url_prefix="/office/residents", template_folder="templates")

PAGE = 50
ATTEMPTS = 25


@dataclass(frozen=True)
class Cause:
    """Why an account is blocked or opened again: written into the trail as an act of its own, with no free text.

    What an official would type about a person could not be taken out of the trail again.
    """

    action: str


BLOCKED = {
    "asked": Cause("resident.blocked_as_asked"),
    "stolen": Cause("resident.blocked_as_stolen"),
    "died": Cause("resident.blocked_as_died"),
    "other": Cause("resident.blocked_as_misused"),
}
UNBLOCKED = {
    "asked": Cause("resident.unblocked_as_asked"),
    "cleared": Cause("resident.unblocked_as_cleared"),
}


def cause_names() -> dict[str, str]:
    return {
        "asked": _("Its owner asks for it"),
        "stolen": _("Somebody else may know the password or have the telephone"),
        "died": _("The person has died"),
        "other": _("It is misused"),
        "cleared": _("It is cleared up: the account is in the right hands"),
    }


class CauseForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Why."""

    cause = SelectField()

    def __init__(self, causes: dict[str, Cause], **given: Any) -> None:
        super().__init__(**given)
        names = cause_names()
        self.cause.choices = to_choices([("", _("choose")), *((each, names[each]) for each in causes)])

    def validate_cause(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose the reason."))


class PeselForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A PESEL, sent in the body of a form and kept nowhere."""

    pesel = StringField(render_kw={"inputmode": "numeric", "maxlength": 11})

    def validate_pesel(self, field: Any) -> None:
        try:
            field.data = read_pesel(field.data or "")
        except Invalid:
            field.data = ""
            raise ValidationError(_("This is no PESEL. It has eleven digits; check each of them.")) from None


@blueprint.get("")
@requires(SEE_RESIDENTS)
@records("residents.listed")
def listed() -> str:
    """All accounts of residents by name."""
    return _list_page(PeselForm(formdata=None))


def _list_page(form: PeselForm) -> str:
    session, page, text = frame.session(), page_number(), request.args.get("q", "").strip()[:120]
    wanted = request.args.get("state", "")
    state = UserState(wanted) if wanted in set(UserState) else None
    rows = residents.list_residents(session, text=text, state=state, page=page, size=PAGE + 1)
    payers = queries.payers_of(session, [row.id for row in rows[:PAGE]])
    record_own_act("residents.listed", "users", payers=payers)
    return render_template(
        "office/residents.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        page=page,
        wanted=text,
        state=state or "",
        states=list(UserState),
        form=form,
    )


@blueprint.post("/by-pesel")
@requires(SEE_RESIDENTS)
@limited("60 per hour")
def find() -> Response | tuple[str, int]:
    """The number comes in a form, is hashed, and stands in no address."""
    form = PeselForm()
    if not form.validate_on_submit():
        return _list_page(form), 422
    user = find_by_pesel(frame.session(), g.tenant, form.pesel.data or "", kind=UserKind.RESIDENT)
    record_own_act("residents.sought", "users" if user is None else "user", user.id if user else None)
    if user is None:
        flash(_("No account has this PESEL."), "warn")
        return redirect(url_for("residents.listed"), 303)
    return redirect(url_for("residents.show", resident_id=user.id), 303)


@blueprint.get("/<uuid:resident_id>")
@requires(SEE_RESIDENTS)
@records("resident.viewed")
def show(resident_id: UUID) -> str:
    return _page(resident_id)


@blueprint.post("/<uuid:resident_id>/block")
@requires(TEND_RESIDENTS)
def block(resident_id: UUID) -> str | Response | tuple[str, int]:
    """From now on the account opens nothing, and every browser is signed out."""
    form = CauseForm(BLOCKED)
    if not form.validate_on_submit():
        return _page(resident_id, cause=form), 422
    if residents.block_resident(frame.session(), resident_id):
        _record(BLOCKED[form.cause.data].action, resident_id)
        flash(_("The account is blocked, and every browser is signed out."))
    return _back(resident_id)


@blueprint.post("/<uuid:resident_id>/unblock")
@requires(TEND_RESIDENTS)
def unblock(resident_id: UUID) -> str | Response | tuple[str, int]:
    form = CauseForm(UNBLOCKED)
    if not form.validate_on_submit():
        return _page(resident_id, cause=form), 422
    if residents.unblock_resident(frame.session(), resident_id):
        _record(UNBLOCKED[form.cause.data].action, resident_id)
        flash(_("The account may be used again."))
    return _back(resident_id)


@blueprint.post("/<uuid:resident_id>/sign-out")
@requires(TEND_RESIDENTS)
def sign_out(resident_id: UUID) -> Response:
    """Every browser of this person, at once: a lost telephone, a computer left open."""
    check_token()
    user = residents.get_resident(frame.session(), resident_id)
    ended = end_all_sessions(frame.session(), user.id)
    _record("resident.signed_out", resident_id)
    flash(_("Browsers signed out: %(num)d.", num=ended))
    return _back(resident_id)


@blueprint.route("/<uuid:resident_id>/mandates/<uuid:mandate_id>/end", methods=["GET", "POST"])
@requires(DECIDE)
@records("resident.viewed")
def end_mandate(resident_id: UUID, mandate_id: UUID) -> str | Response | tuple[str, int]:
    """Why a right ends today. Whoever had it is told with their next click, and by e-mail."""
    session, form = frame.session(), ReasonForm()
    user = residents.get_resident(session, resident_id)
    held = queries.list_mandates_of(session, resident_id, today=clock.today())
    mandate = next((each for each in held if each.id == mandate_id), None)
    if mandate is None or mandate.over or mandate.basis == "self":
        flash(_("This right had ended already, or ends by itself."), "warn")
        return _back(resident_id)
    if not form.validate_on_submit():
        _record("resident.viewed", resident_id)
        page = render_template("office/mandate_end.html", user=user, mandate=mandate, form=form, bases=basis_names())
        return page, 422 if form.is_submitted() else 200
    try:
        ended = mandates.end_mandate(session, mandate_id, reason=form.text, by=current_person().id)
        record_own_act("mandate.ended", "user", resident_id, payers=[ended.payer_id])
        flash(_("Ended. They do not act for this payer any more, from their next click on."))
    except mandates.EndedAlready:
        flash(_("This right had ended already, or ends by itself."), "warn")
    return _back(resident_id)


def _record(action: str, resident_id: UUID) -> None:
    """With the payers whose data stand behind the account."""
    record_own_act(action, "user", resident_id, payers=queries.payers_of(frame.session(), [resident_id]))


def _page(resident_id: UUID, *, cause: CauseForm | None = None) -> str:
    """Also above a form that was refused: whoever sends an empty one sees as much."""
    session = frame.session()
    user = residents.get_resident(session, resident_id)
    _record("resident.viewed", resident_id)
    attempts = list_attempts(session, resident_id, before=cursor("before"), size=ATTEMPTS + 1)
    requests = queries.list_requests_of(session, resident_id, before=cursor("asked_before"))
    is_blocked = user.state is UserState.BLOCKED
    return render_template(
        "office/resident.html",
        user=user,
        form=cause or CauseForm(UNBLOCKED if is_blocked else BLOCKED, formdata=None),
        failed=cause,
        plain=TokenForm(),
        blocked=_last_block(resident_id) if is_blocked else None,
        causes=cause_names(),
        identities=list_identities(session, resident_id),
        providers=name_providers(session, g.tenant),
        mandates=queries.list_mandates_of(session, resident_id, today=clock.today()),
        bases=basis_names(),
        requests=requests[: queries.PAGE],
        requests_more=requests[queries.PAGE - 1].MandateRequest.id if len(requests) > queries.PAGE else None,
        sessions=list_sessions(session, resident_id, now=clock.now()),
        attempts=attempts[:ATTEMPTS],
        older_than=attempts[ATTEMPTS - 1].id if len(attempts) > ATTEMPTS else None,
        tends=TEND_RESIDENTS,
        decides=DECIDE,
        sees_requests=SEE_REQUESTS,
        sees_payers=SEE_ANY,
        today=clock.today(),
    )


def _last_block(resident_id: UUID) -> tuple[AuditEntry, str, str] | None:
    """The trail knows when, by whom and why: its entry, a name, and the word of the cause."""
    words = {each.action: name for name, each in BLOCKED.items()}
    session = frame.session()
    entry = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_id == resident_id, AuditEntry.action.in_(words))
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).one_or_none()
    if entry is None:
        return None
    by = user_names(session, {entry.actor_id}) if entry.actor_id else {}
    return entry, next(iter(by.values()), ""), words[entry.action]


def _back(resident_id: UUID) -> Response:
    return redirect(url_for("residents.show", resident_id=resident_id), 303)
