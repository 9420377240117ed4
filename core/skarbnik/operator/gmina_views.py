"""The page of one gmina on the bare host: asking for access, going in, closing the gmina to people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired

from skarbnik.audit.services import record_act
from skarbnik.db import new_id
from skarbnik.operator import acts, services, sign_in, support
from skarbnik.operator.frame import OWN_SESSION, blueprint, engine, ip
from skarbnik.operator.models import LONGEST_REASON
from skarbnik.operator.words import hour_names, scope_names, why_refused
from skarbnik.plugin_api import Support, public
from skarbnik.tenancy.registry import Tenant, TenantState
from skarbnik.web.fields import at_most, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.frame import instance_of_app, on_bare_host
from skarbnik.web.limits import limited
from skarbnik.web.paging import cursor

__all__ = ["blueprint"]


class AskForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What an operator asks a gmina for."""

    reason = StringField(validators=[DataRequired(_l("Write down why, for the office.")), at_most(LONGEST_REASON)])
    hours = SelectField(coerce=int)
    scope = SelectField()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.hours.choices = to_choices(hour_names().items())
        self.scope.choices = to_choices(scope_names().items())


class StateForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Closing a gmina to people, or opening it: why, and the second factor once more."""

    why = StringField(validators=[DataRequired(_l("Write down why.")), at_most(LONGEST_REASON)])
    code = StringField(validators=[DataRequired(_l("Enter the code of your application.")), at_most(40)])


@blueprint.get("/gminas/<tenant_id>")
@on_bare_host
@public(OWN_SESSION)
def gmina(tenant_id: str) -> str:
    return _page(instance_of_app().registry.get(tenant_id))


def _page(tenant: Tenant, *, ask_form: AskForm | None = None, state_form: StateForm | None = None) -> str:
    with tenant.session() as session:
        rows = support.list_accesses(session, before=cursor("before"))
        has_open = support.has_open(session, g.operator.id)
    return render_template(
        "operator/gmina.html",
        gmina=tenant,
        rows=rows[: support.PAGE],
        more=rows[support.PAGE - 1].id if len(rows) > support.PAGE else None,
        ask_form=ask_form or AskForm(formdata=None),
        state_form=state_form or StateForm(formdata=None),
        form=ask_form or state_form,
        plain=TokenForm(formdata=None),
        scopes=scope_names(),
        lengths=hour_names(),
        asks=tenant.state is TenantState.ACTIVE and not has_open,
    )


@blueprint.post("/gminas/<tenant_id>/support")
@on_bare_host
@public(OWN_SESSION)
@limited("20 per hour")
def ask(tenant_id: str) -> Response | tuple[str, int]:
    """Ask the gmina for access; its administrators are told at once."""
    tenant, form = instance_of_app().registry.get(tenant_id), AskForm()
    if not form.validate():
        return _page(tenant, ask_form=form), 422
    if tenant.state is not TenantState.ACTIVE:
        flash(_("The gmina is closed to people: nobody there could answer."), "warn")
        return _back(tenant)
    access_id, reason = new_id(), " ".join((form.reason.data or "").split())
    try:
        with tenant.session() as session:
            words = {"reason": reason, "scope": Support(form.scope.data), "hours": form.hours.data, "ip": ip()}
            support.ask(session, tenant, access_id=access_id, by=g.operator, **words)
            _note("support.asked", tenant, access_id, reason)  # ours is there before the gmina's is committed
    except support.AskedAlready:
        flash(_("You have access already, or wait for an answer."), "warn")
        return _back(tenant)
    flash(_("The administrators of the gmina have been told."))
    return _back(tenant)


@blueprint.post("/gminas/<tenant_id>/support/<uuid:access_id>/enter")
@on_bare_host
@public(OWN_SESSION)
@limited("30 per hour")
def make_link(tenant_id: str, access_id: UUID) -> str | Response:
    """A link to the gmina's host, where this browser's cookies are nothing. It works once, for a minute."""
    check_token()
    tenant = instance_of_app().registry.get(tenant_id)
    try:
        with tenant.session() as session:
            secret = support.make_link(session, access_id, operator_id=g.operator.id)
    except support.Over:
        flash(_("The gmina did not agree, or the access is over."), "warn")
        return _back(tenant)
    _note("support.link_made", tenant, access_id)
    address = tenant.url(f"/office/support/enter/{access_id}/{secret}")
    return render_template("operator/enter.html", gmina=tenant, address=address)


@blueprint.post("/gminas/<tenant_id>/support/<uuid:access_id>/withdraw")
@on_bare_host
@public(OWN_SESSION)
def withdraw(tenant_id: str, access_id: UUID) -> Response:
    """Needed no more, agreed to or not."""
    check_token()
    tenant = instance_of_app().registry.get(tenant_id)
    try:
        with tenant.session() as session:
            support.withdraw(session, access_id, operator_id=g.operator.id, ip=ip())
    except support.Over:
        flash(_("The access is over already."), "warn")
        return _back(tenant)
    _note("support.withdrawn", tenant, access_id)
    flash(_("The access has ended."))
    return _back(tenant)


@blueprint.post("/gminas/<tenant_id>/state")
@on_bare_host
@public(OWN_SESSION)
@limited("20 per minute")
def change_state(tenant_id: str) -> Response | tuple[str, int]:
    """Close an open gmina to people, open a closed one. Its money goes on either way."""
    tenant, form, wanted = instance_of_app().registry.get(tenant_id), StateForm(), request.form.get("wanted", "")
    if wanted not in {TenantState.ACTIVE, TenantState.SUSPENDED}:
        abort(400)
    if not form.validate() or not _confirmed(form):
        return _page(tenant, state_form=form), 422
    _set_state(tenant, TenantState(wanted), " ".join((form.why.data or "").split()))
    return _back(tenant)


def _confirmed(form: StateForm) -> bool:
    """Whether the second factor was given; otherwise the form says what is wrong."""
    try:
        sign_in.check_again(engine(), instance_of_app().keys, g.operator.id, code=form.code.data or "", ip=ip())
    except (sign_in.WrongCode, sign_in.TooManyCodes) as refused:
        form.code.errors = [why_refused(refused)]
        return False
    return True


def _set_state(tenant: Tenant, wanted: TenantState, reason: str) -> None:
    """Written down on the platform together with the change, and in the gmina's trail, where its people read it."""
    changed = services.set_gmina_state(engine(), tenant.id, wanted, operator_id=g.operator.id, reason=reason, ip=ip())
    if not changed:
        flash(_("Somebody did that a moment ago."), "warn")
        return
    instance_of_app().registry.forget()
    with tenant.session() as session:
        record_act(
            session,
            "tenant.resumed" if wanted is TenantState.ACTIVE else "tenant.suspended",
            subject="tenant",
            subject_id=None,
            actor="operator",
            actor_id=g.operator.id,
            request_id=g.request_id,
            ip=request.remote_addr,
        )
    if wanted is TenantState.ACTIVE:
        flash(_("The gmina is open again."))
    else:
        flash(_("The gmina is closed to people. Money on its way goes on."))


def _note(action: str, tenant: Tenant, access_id: UUID, words: str = "") -> None:
    given = {"operator_id": g.operator.id, "tenant_id": tenant.id, "access_id": access_id, "words": words, "ip": ip()}
    with engine().begin() as connection:
        acts.record(connection, action, **given)


def _back(tenant: Tenant) -> Response:
    return redirect(url_for("operator.gmina", tenant_id=tenant.id), 303)
