"""The gmina's accounts at gateways as the office sees them: what they are called, and what a payment costs. No keys."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import InputRequired, ValidationError

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import NotFound
from skarbnik.money import Money
from skarbnik.payments.accounts import AccountSettings, set_merchant_account
from skarbnik.payments.commission import commission_on
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.permissions import KEYS, SEE_MONEY, SET_UP
from skarbnik.payments.queries import list_silent
from skarbnik.payments.states import CommissionPayer
from skarbnik.plugin_api import Capability, impersonal, requires
from skarbnik.tenancy.plugins import Plugins
from skarbnik.web import frame
from skarbnik.web.fields import Amount, at_most, to_choices

blueprint = Blueprint("gateways", __name__, url_prefix="/office/gateways", template_folder="templates")

EXAMPLE = Money(10_000)  # what a commission is shown for
HIGHEST_FIXED = Money(1_000)
_NUMBER = re.compile(r"(\d{1,2})(?:[.,](\d{1,2}))?", re.ASCII)


class AccountForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """How residents see a merchant account, and who bears what the gateway takes."""

    title = StringField(
        validators=[InputRequired(_l("Enter the name residents see.")), at_most(80)], render_kw={"maxlength": 80}
    )
    enabled = BooleanField()
    blik = BooleanField()
    payer = RadioField()
    rate = StringField(render_kw={"inputmode": "decimal", "maxlength": 5})
    fixed = Amount(render_kw={"inputmode": "decimal", "maxlength": 8})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.payer.choices = to_choices(
            [
                (CommissionPayer.GMINA.value, _("the gmina")),
                (CommissionPayer.PAYER.value, _("the payer, on the page of the gateway")),
            ]
        )

    def validate_rate(self, field: Any) -> None:
        if _hundredths(field.data) is None:
            raise ValidationError(_("Enter a number from 0 to 10 with at most two decimals, such as 0,99."))

    def validate_fixed(self, field: Any) -> None:
        if not field.errors and field.data > HIGHEST_FIXED:
            raise ValidationError(_("Enter a number from 0 to 10 with at most two decimals, such as 0,05."))

    def settings(self) -> AccountSettings:
        return AccountSettings(
            title=(self.title.data or "").strip(),
            enabled=self.enabled.data,
            blik=self.blik.data,
            commission_payer=CommissionPayer(self.payer.data),
            commission_rate=_hundredths(self.rate.data) or 0,
            commission_fixed=self.fixed.data,
        )


def _hundredths(typed: str | None) -> int | None:
    """Hundredths of what was typed, from 0 to 10; nothing typed is 0."""
    text = (typed or "").strip() or "0"
    found = _NUMBER.fullmatch(text)
    value = int(found[1]) * 100 + int(f"{found[2] or '':0<2}") if found else 10_000
    return value if value <= 1000 else None


def _typed(hundredths: int) -> str:
    return f"{hundredths // 100},{hundredths % 100:02d}"


@blueprint.get("")
@requires(SEE_MONEY)
@impersonal("accounts of the gmina")
def listed() -> str:
    """Every account at a gateway, the switched off ones too: money may still come through them."""
    accounts = (
        frame.session()
        .scalars(
            select(MerchantAccount)
            .options(joinedload(MerchantAccount.creditor_account))
            .order_by(MerchantAccount.created_at, MerchantAccount.id)
        )
        .all()
    )
    return render_template(
        "office/gateways.html",
        accounts=accounts,
        silent=list_silent(frame.session(), clock.now()),
        labels={name: each.label for name, each in _plugins().gateways.items()},
        example=EXAMPLE,
        cost=lambda each: commission_on(EXAMPLE, rate=each.commission_rate, fixed=each.commission_fixed),
        set_up=SET_UP,
    )


@blueprint.route("/<uuid:account_id>", methods=["GET", "POST"])
@requires(SET_UP, fresh=True)
@impersonal("accounts of the gmina")
def account(account_id: UUID) -> str | Response | tuple[str, int]:
    session = frame.session()
    found = session.get(MerchantAccount, account_id, options=[joinedload(MerchantAccount.creditor_account)])
    if found is None:
        raise NotFound(f"no merchant account {account_id}")
    form = AccountForm()
    if not form.is_submitted():
        form.title.data, form.enabled.data, form.blik.data = found.title, found.enabled, found.blik
        form.payer.data = found.commission_payer.value
        form.rate.data, form.fixed.data = _typed(found.commission_rate), found.commission_fixed
    elif form.validate():
        set_merchant_account(session, account_id, form.settings())
        record_own_act("merchant_account.changed", "merchant_account", account_id)
        flash(_("Saved. Residents see it at once."))
        return redirect(url_for("gateways.listed"), 303)
    gateway = _plugins().gateways.get(found.gateway)
    knows_blik = gateway is not None and Capability.BLIK in gateway.capabilities
    label = gateway.label if gateway is not None else found.gateway
    page = render_template(
        "office/gateway.html", account=found, form=form, knows_blik=knows_blik, label=label, keys=KEYS
    )
    return (page, 422) if form.is_submitted() else page


def _plugins() -> Plugins:
    return frame.instance_of_app().plugins
