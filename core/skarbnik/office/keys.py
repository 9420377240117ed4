"""New keys of an account at a gateway: one person enters them, another takes them up. They are never shown."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Conflict, ExternalSystemError, Forbidden, Invalid, Misconfigured, NotFound
from skarbnik.http import HttpClient
from skarbnik.office.queries import user_names
from skarbnik.office.settings_form import SettingsForm, make_form
from skarbnik.payments.credentials import (
    AnotherAccount,
    drop_credentials,
    list_versions,
    propose_credentials,
    proposed_changes,
    take_up_credentials,
)
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.permissions import KEYS
from skarbnik.plugin_api import Capability, PaymentGateway, impersonal, requires
from skarbnik.tenancy.plugin_settings import get_settings
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.forms import TokenForm, check_token

blueprint = Blueprint("keys", __name__, url_prefix="/office/gateways", template_folder="templates")


@blueprint.route("/<uuid:account_id>/keys", methods=["GET", "POST"])
@requires(KEYS, fresh=True, secret=True)
@impersonal("accounts of the gmina")
def keys(account_id: UUID) -> str | Response | tuple[str, int]:
    """The form and the history. What was typed is tried at the gateway before it is kept as a proposal."""
    account = _get_account(account_id)
    gateway_type = _type_of(account)
    session = frame.session()
    current = get_settings(session, g.tenant, account.holder, gateway_type.settings_type, account.settings_version)
    form, problem = make_form(gateway_type.settings_type, dataclasses.asdict(current)), None
    if form.is_submitted() and form.validate() and _may_be_tried(gateway_type, current, form):
        problem = _propose(account, gateway_type, form)
        if problem is None:
            return redirect(url_for("keys.keys", account_id=account_id), 303)
        account = _get_account(account_id)
    versions = list_versions(frame.session(), account)
    page = render_template(
        "office/keys.html",
        account=account,
        label=gateway_type.label,
        form=form,
        changes=proposed_changes(g.tenant, account, gateway_type, current),
        problem=problem,
        decide=TokenForm(),
        versions=versions,
        by=user_names(frame.session(), {each for each in (account.proposed_by, *(one.by for one in versions)) if each}),
        own=account.proposed_by == current_person().id,
    )
    return (page, 422) if form.is_submitted() else page


def _may_be_tried(gateway_type: type[PaymentGateway], current: Any, form: SettingsForm) -> bool:
    """Secrets that are kept go to no other address than the one they are of: else one person alone could read them."""
    if gateway_type.hosts(form.made) == gateway_type.hosts(current):
        return True
    return form.demand_secrets()


def _propose(account: MerchantAccount, gateway_type: type[PaymentGateway], form: SettingsForm) -> str | None:
    """Why nothing was kept, or None."""
    session = frame.session()
    session.commit()  # nobody waits for a gateway with a transaction open
    are_taken = _try(gateway_type, form)
    if are_taken is False:
        return str(_("The gateway does not take these keys. Nothing was kept."))
    try:
        propose_credentials(session, g.tenant, account.id, gateway_type, form.made, by=current_person().id)
    except AnotherAccount:
        session.rollback()
        return str(_("These are keys of another account. Money would go elsewhere, so nothing was kept."))
    except Invalid:
        session.rollback()
        return str(_("These are the keys the account has already."))
    record_own_act("merchant_account.keys_proposed", "merchant_account", account.id)
    if are_taken is None:
        flash(_("Kept. The gateway could not be asked whether it takes them."), "warn")
    else:
        flash(_("Kept. Another person has to take them up before anything uses them."))
    return None


def _try(gateway_type: type[PaymentGateway], form: SettingsForm) -> bool | None:
    """Whether the gateway takes these keys; None when it cannot be asked."""
    if Capability.ACCESS_CHECK not in gateway_type.capabilities:
        return None
    try:
        gateway_type(form.made, HttpClient(gateway_type.hosts(form.made))).check_access()
    except Misconfigured:
        return False
    except ExternalSystemError:
        return None
    return True


@blueprint.post("/<uuid:account_id>/keys/take-up")
@requires(KEYS, fresh=True)
def take_up(account_id: UUID) -> Response:
    check_token()
    session, gateway_type = frame.session(), _type_of(_get_account(account_id))
    try:
        proposal_id = UUID(request.form.get("proposal", ""))
        take_up_credentials(
            session, g.tenant, account_id, gateway_type, proposal_id=proposal_id, by=current_person().id
        )
    except Forbidden:
        session.rollback()
        flash(_("Who entered the keys cannot take them up. Ask another administrator or accountant."), "warn")
    except (Conflict, ValueError):
        session.rollback()
        flash(_("These keys do not wait any more. Look at what is here now."), "warn")
    else:
        record_own_act("merchant_account.keys_taken_up", "merchant_account", account_id)
        flash(_("New payments begin with the new keys. Those that were begun go on with the old ones."))
    return redirect(url_for("keys.keys", account_id=account_id), 303)


@blueprint.post("/<uuid:account_id>/keys/drop")
@requires(KEYS, fresh=True)
def drop(account_id: UUID) -> Response:
    check_token()
    session = frame.session()
    try:
        drop_credentials(session, account_id)
    except Conflict:
        session.rollback()
        flash(_("These keys do not wait any more. Look at what is here now."), "warn")
    else:
        record_own_act("merchant_account.keys_dropped", "merchant_account", account_id)
        flash(_("The proposed keys are forgotten. Nothing else changed."))
    return redirect(url_for("keys.keys", account_id=account_id), 303)


def _get_account(account_id: UUID) -> MerchantAccount:
    account = frame.session().get(MerchantAccount, account_id, populate_existing=True)
    if account is None:
        raise NotFound(f"no merchant account {account_id}")
    return account


def _type_of(account: MerchantAccount) -> type[PaymentGateway]:
    gateway_type = frame.instance_of_app().plugins.gateways.get(account.gateway)
    if gateway_type is None:
        raise NotFound(f"no plugin for gateway {account.gateway}")
    return gateway_type
