"""What the office decides about receivables: how each kind is paid and charged, and the law's values by date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import NumberRange, ValidationError

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Invalid, NotFound
from skarbnik.plugin_api import Regime, impersonal, requires
from skarbnik.receivables.models import CreditorAccount, DatedKind, DatedValue, InterestMode, Kind
from skarbnik.receivables.permissions import DECIDE, SEE_ANY
from skarbnik.receivables.queries import list_kinds
from skarbnik.receivables.rules import SHIPPED
from skarbnik.receivables.services import KindSettings, set_kind, set_value
from skarbnik.receivables.workdays import holidays_of
from skarbnik.web import frame
from skarbnik.web.amounts import WrongAmount, read_amount_or_zero
from skarbnik.web.fields import Day, Number, at_most, to_choices
from skarbnik.web.formats import account
from skarbnik.web.forms import TokenForm, check_token

blueprint = Blueprint("dictionaries", __name__, url_prefix="/office/kinds", template_folder="templates")

_RATE = re.compile(r"(\d{1,5})(?:[.,](\d{1,2}))?", re.ASCII)


@dataclass(frozen=True)
class Line:
    """A value from a day on, as the page shows it."""

    from_on: date
    value: int | None
    own: bool  # of this office, and not of the country
    note: str
    verified: bool = True


def kind_titles() -> dict[DatedKind, str]:
    return {
        DatedKind.TAX_RATE: _("Interest on tax arrears, a year"),
        DatedKind.CIVIL_RATE: _("Statutory interest for delay, a year"),
        DatedKind.TAX_THRESHOLD: _("Tax interest that is not charged, up to"),
        DatedKind.REMINDER_COST: _("Cost of a reminder"),
        DatedKind.OTHERS_LIMIT: _("Tax that anybody may pay for somebody else, up to"),
        DatedKind.FREE_DAY: _("Holidays of a new law"),
    }


class ValueForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A value of the law and the day from which it holds."""

    kind = SelectField()
    from_on = Day()
    value = StringField(render_kw={"inputmode": "decimal", "maxlength": 20})
    note = StringField(validators=[at_most(200)], render_kw={"maxlength": 200})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = to_choices((kind.value, title) for kind, title in kind_titles().items())

    def validate_from_on(self, field: Any) -> None:
        if field.data is None and not field.errors:
            raise ValidationError(_("Enter a date, such as 24.11.2026."))

    def validate_value(self, field: Any) -> None:
        if self.kind.data != DatedKind.FREE_DAY and self.hundredths() is None:
            raise ValidationError(_("Enter a number with at most two decimals, such as 10,5."))

    def hundredths(self) -> int | None:
        """The value in hundredths of a per cent, or in grosze; None for what is neither."""
        if self.kind.data == DatedKind.FREE_DAY:
            return 1
        typed = self.value.data or ""
        if self.kind.data in SHIPPED and SHIPPED[DatedKind(self.kind.data)].unit == "money":
            try:
                return read_amount_or_zero(typed).grosze
            except WrongAmount:
                return None
        found = _RATE.fullmatch(typed.strip())
        return int(found[1]) * 100 + int(f"{found[2] or '':0<2}") if found else None


class KindForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """How a kind of receivable is shown, paid and charged."""

    position = Number(validators=[NumberRange(0, 9999, _l("Enter a number from %(min)d to %(max)d."))])
    online = BooleanField()
    in_parts = BooleanField()
    interest = SelectField()
    account = SelectField()
    resolution = StringField(validators=[at_most(80)], render_kw={"maxlength": 80})

    def __init__(self, accounts: list[CreditorAccount], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interest.choices = to_choices(
            [
                (InterestMode.GIVEN.value, _("as the finance system gives it with its data")),
                (InterestMode.COMPUTED.value, _("computed by the law's rates to the day somebody looks")),
            ]
        )
        self.account.choices = to_choices(
            [
                ("", _("none")),
                *((str(each.id), f"{each.owner}, {account(each.nrb)}") for each in accounts),
            ]
        )

    def takes_parts_as(self, regime: Regime) -> bool:
        """Whether parts and the way interest is had go together, see `Kind.takes_parts`."""
        if self.in_parts.data and regime is Regime.CIVIL and self.interest.data == InterestMode.COMPUTED:
            self.interest.errors = [
                _("A debt of civil law is paid in parts only with the interest the finance system gives.")
            ]
            return False
        return True


@blueprint.get("")
@requires(SEE_ANY)
@impersonal("kinds and rates")
def kinds() -> str:
    """Every kind of receivable the finance systems named."""
    return render_template("office/kinds.html", kinds=list_kinds(frame.session()), decide=DECIDE)


@blueprint.route("/<uuid:kind_id>", methods=["GET", "POST"])
@requires(DECIDE, fresh=True)  # it says which bank account the money goes to
@impersonal("kinds and rates")
def kind(kind_id: UUID) -> str | Response | tuple[str, int]:
    session = frame.session()
    found = session.get(Kind, kind_id)
    if found is None:
        raise NotFound(f"no kind {kind_id}")
    accounts = list(session.scalars(select(CreditorAccount).order_by(CreditorAccount.owner, CreditorAccount.nrb)))
    form = KindForm(accounts)
    if not form.is_submitted():
        form.position.data, form.online.data, form.in_parts.data = found.position, found.online, found.in_parts
        form.interest.data, form.resolution.data = found.interest.value, found.resolution
        form.account.data = str(found.creditor_account_id or "")
    elif form.validate() and form.takes_parts_as(found.regime):
        wanted = KindSettings(
            position=form.position.data or 0,
            online=form.online.data,
            in_parts=form.in_parts.data,
            interest=InterestMode(form.interest.data),
            resolution=(form.resolution.data or "").strip() or None,
            creditor_account_id=UUID(form.account.data) if form.account.data else None,
        )
        set_kind(session, kind_id, wanted)
        record_own_act("kind.changed", "kind", kind_id)
        flash(_("The kind is saved. Residents see it at once."))
        return redirect(url_for("dictionaries.kinds"), 303)
    page = render_template("office/kind.html", kind=found, form=form)
    return (page, 422) if form.is_submitted() else page


@blueprint.get("/rates")
@requires(SEE_ANY)
@impersonal("kinds and rates")
def rates() -> str:
    """The law's values by date: the country's, and what this office added."""
    return _rates_page(ValueForm(formdata=None))


@blueprint.post("/rates")
@requires(DECIDE)
def add_rate() -> Response | tuple[str, int]:
    form = ValueForm()
    if not form.validate():
        return _rates_page(form), 422
    named, from_on = DatedKind(form.kind.data), form.from_on.data
    assert from_on is not None  # the form asked for it
    try:
        set_value(frame.session(), named, from_on, form.hundredths(), note=form.note.data or "")
    except Invalid:
        form.value.errors = [_("This value on this day cannot be meant. Check both.")]
        return _rates_page(form), 422
    record_own_act("dated_value.changed", f"{named}/{from_on}")
    flash(_("The value is saved. What is computed from it changes at once."))
    return redirect(url_for("dictionaries.rates"), 303)


@blueprint.post("/rates/<kind>/<day>/withdraw")
@requires(DECIDE)
def withdraw_rate(kind: str, day: str) -> Response:
    """Take back what this office had added; the country's value holds again."""
    check_token()
    if kind not in set(DatedKind):
        abort(400)
    try:
        from_on = date.fromisoformat(day)
    except ValueError:
        abort(404)
    session = frame.session()
    found = session.get(DatedValue, (DatedKind(kind), from_on))
    if found is None or found.value is None:
        raise NotFound(f"no own value of {kind} from {day}")
    set_value(session, DatedKind(kind), from_on, None, note=found.note)
    record_own_act("dated_value.changed", f"{kind}/{from_on}")
    flash(_("The value is taken back."))
    return redirect(url_for("dictionaries.rates"), 303)


def _rates_page(form: ValueForm) -> str:
    own: dict[DatedKind, list[DatedValue]] = {kind: [] for kind in DatedKind}
    for row in frame.session().scalars(select(DatedValue).where(DatedValue.value.is_not(None))):
        own[row.kind].append(row)
    return render_template(
        "office/rates.html",
        decide=DECIDE,
        form=form,
        token=TokenForm(),
        titles=kind_titles(),
        sources={name: shipped.source for name, shipped in SHIPPED.items()},
        units={name: shipped.unit for name, shipped in SHIPPED.items()},
        lines={kind: _lines(kind, own[kind]) for kind in DatedKind},
        year=(year := _year()),
        holidays=sorted(holidays_of(year).items()),
    )


def _year() -> int:
    this = clock.today().year
    return min(max(request.args.get("year", this, type=int), 2000), this + 5)


def _lines(kind: DatedKind, own: list[DatedValue]) -> list[Line]:
    """The newest first. An own value stands in the place of the country's of the same day."""
    shipped = SHIPPED[kind].steps if kind in SHIPPED else ()
    found = {step.from_on: Line(step.from_on, step.value, False, "", step.verified) for step in shipped}
    found |= {row.from_on: Line(row.from_on, row.value, True, row.note) for row in own}
    return [found[day] for day in sorted(found, reverse=True)]
