"""Refunds: one person proposes, another decides, and both see what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, TextAreaField
from wtforms.validators import ValidationError

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Conflict, NotFound
from skarbnik.money import ZERO, Money
from skarbnik.office import queries
from skarbnik.office.difference_words import words_of
from skarbnik.payments import refunds as services
from skarbnik.payments.models import BookingLine, Capture, Difference, MerchantAccount, Refund, Transaction
from skarbnik.payments.permissions import APPROVE, DECIDE, SEE_MONEY
from skarbnik.payments.queries import left_of_lines, left_on_no_line
from skarbnik.payments.services import close_difference
from skarbnik.payments.states import DEAD_REFUNDS, BookingState, RefundKind
from skarbnik.plugin_api import Capability, impersonal, records, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import Amount, DayOrNone, at_most, lines, to_choices
from skarbnik.web.formats import day, money
from skarbnik.web.forms import TokenForm, check_token

blueprint = Blueprint("refunds", __name__, url_prefix="/office/payments/<number>", template_folder="templates")

ON_NO_LINE = "on_no_line"


class RefundForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """How much goes back, how, and why. A field of an amount for each line stands beside these."""

    kind = RadioField(default=RefundKind.GATEWAY.value)
    happened_on = DayOrNone()
    reference = StringField(validators=[at_most(80)], render_kw={"maxlength": 80})
    reason = TextAreaField(validators=[at_most(200)], filters=[lines], render_kw={"rows": 3, "maxlength": 200})

    capture: Capture
    left: dict[str, Money]  # what can go back, by the name of the field

    def __init__(self, kinds: dict[RefundKind, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = to_choices((each.value, name) for each, name in kinds.items())
        if not self.is_submitted():
            self.kind.data = next(iter(kinds)).value
            for name, left in self.left.items():
                self[name].data = left

    @property
    def amounts(self) -> dict[str, Money]:
        return {name: self[name].data or ZERO for name in self.left}

    def validate(self, extra_validators: Any = None) -> bool:
        fine: bool = super().validate(extra_validators)
        for name, left in self.left.items():
            if not self[name].errors and self.amounts[name] > left:
                self[name].errors = [_("At most %(amount)s can go back here.", amount=money(left))]
                fine = False
        if fine and not Money.total(self.amounts.values()):
            self[next(iter(self.left))].errors = [_("Enter how much goes back.")]
            fine = False
        return fine

    def validate_happened_on(self, field: Any) -> None:
        if self.kind.data == RefundKind.GATEWAY or field.errors:
            return
        came_on = clock.local_day(self.capture.captured_at)
        if field.data is None:
            raise ValidationError(_("Enter the day the money went."))
        if not came_on <= field.data <= clock.today():
            raise ValidationError(_("Enter a day from %(day)s, when the money came, to today.", day=day(came_on)))

    def validate_reference(self, field: Any) -> None:
        if self.kind.data != RefundKind.GATEWAY and not (field.data or "").strip():
            raise ValidationError(_("Enter the number of the transfer, or of the complaint."))

    def validate_reason(self, field: Any) -> None:
        if not field.data.strip():
            raise ValidationError(_("Say why the money goes back."))


class DeclineForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    reason = StringField(validators=[at_most(200)], render_kw={"maxlength": 200})

    def validate_reason(self, field: Any) -> None:
        if not (field.data or "").strip():
            raise ValidationError(_("Say why not."))


def kind_names() -> dict[RefundKind, str]:
    return {
        RefundKind.GATEWAY: _("through the gateway"),
        RefundKind.OUTSIDE: _("by transfer or in the gateway's panel"),
        RefundKind.CHARGEBACK: _("taken back by the payer's bank"),
    }


def _kinds_of(capture: Capture) -> dict[RefundKind, str]:
    """What can be chosen: the gateway's way only where it has one."""
    account = capture.transaction.merchant_account
    gateway = g.tenant.instance.plugins.gateways.get(account.gateway)
    kinds = {
        RefundKind.GATEWAY: _(
            "Send it back through %(gateway)s, to the account or card it came from", gateway=account.title
        ),
        RefundKind.OUTSIDE: _("It was sent back already, by transfer or in the gateway's panel: only record it"),
        RefundKind.CHARGEBACK: _("The payer's bank took it back (chargeback): only record it"),
    }
    if gateway is None or Capability.REFUND not in gateway.capabilities:
        del kinds[RefundKind.GATEWAY]
    return kinds


def _field_of(line: BookingLine) -> str:
    return f"line_{line.id.hex}"


def _form_of(capture: Capture, **kwargs: Any) -> RefundForm:
    """With a field for each line something is left of, and one for money that is on none."""

    class OfCapture(RefundForm):
        pass

    by_id = {line.id: line for line in capture.booking_lines}
    left = {_field_of(by_id[each]): amounts.total for each, amounts in left_of_lines(capture).items() if amounts.total}
    if left_on_no_line(capture):
        left[ON_NO_LINE] = left_on_no_line(capture)
    for name in left:
        setattr(OfCapture, name, Amount(render_kw={"inputmode": "decimal", "maxlength": 20}))
    OfCapture.capture, OfCapture.left = capture, left
    return OfCapture(_kinds_of(capture), **kwargs)


@blueprint.get("/captures/<uuid:capture_id>/refund")
@requires(DECIDE, fresh=True)
@impersonal("an amount and its lines, no name")
def propose_form(number: str, capture_id: UUID) -> str:
    capture = _capture(number, capture_id)
    form = _form_of(capture, formdata=None)
    if not form.left:
        raise Conflict(f"nothing is left of capture {capture_id}")
    return _form_page(number, capture, form)


@blueprint.post("/captures/<uuid:capture_id>/refund")
@requires(DECIDE, fresh=True)
def propose(number: str, capture_id: UUID) -> Response | tuple[str, int]:
    """Ask for it; another person decides."""
    session = frame.session()
    capture = _capture(number, capture_id)
    form = _form_of(capture)
    if not form.left:
        raise Conflict(f"nothing is left of capture {capture_id}")
    if not form.validate():
        return _form_page(number, capture, form), 422
    amounts = form.amounts
    try:
        made = services.propose_refund(
            session,
            capture_id,
            kind=RefundKind(form.kind.data),
            lines={line.id: amounts[_field_of(line)] for line in capture.booking_lines if _field_of(line) in amounts},
            on_no_line=amounts.get(ON_NO_LINE, ZERO),
            reason=form.reason.data or "",
            by=current_person().id,
            happened_on=form.happened_on.data,
            reference=(form.reference.data or "").strip(),
        )
    except services.TooMuch:
        flash(_("Somebody proposed another refund meanwhile. Look at what is left."), "warn")
        return redirect(url_for("refunds.propose_form", number=number, capture_id=capture_id), 303)
    record_own_act("refund.proposed", "refund", made.id, payers=[capture.transaction.order.payer_id])
    flash(_("The refund is proposed. Nothing moves before another person approves it."))
    return redirect(url_for("refunds.show", number=number, refund_id=made.id), 303)


def _form_page(number: str, capture: Capture, form: RefundForm) -> str:
    rows = [(line, form[_field_of(line)]) for line in _originals(capture) if _field_of(line) in form.left]
    return render_template(
        "office/refund_form.html",
        number=number,
        capture=capture,
        form=form,
        rows=rows,
        rest=form[ON_NO_LINE] if ON_NO_LINE in form.left else None,
    )


def _originals(capture: Capture) -> list[BookingLine]:
    found = [line for line in capture.booking_lines if line.refund_id is None]
    return sorted(found, key=lambda line: line.order_line.position)


def _capture(number: str, capture_id: UUID) -> Capture:
    """With its lines and refunds. NotFound when it is another order's."""
    found = (
        frame.session()
        .scalars(
            select(Capture)
            .where(Capture.id == capture_id)
            .options(
                joinedload(Capture.transaction).joinedload(Transaction.order),
                joinedload(Capture.transaction).joinedload(Transaction.merchant_account),
                selectinload(Capture.booking_lines).joinedload(BookingLine.order_line),
                selectinload(Capture.refunds),
            )
        )
        .one_or_none()
    )
    if found is None or found.transaction.order.number != number:
        raise NotFound(f"no capture {capture_id} of {number}")
    return found


@blueprint.get("/refunds/<uuid:refund_id>")
@requires(SEE_MONEY)
@records("refund.viewed")
def show(number: str, refund_id: UUID) -> str:
    found = _refund(number, refund_id)
    return _page(number, found, DeclineForm(formdata=None))


def _record(action: str, number: str, refund_id: UUID) -> None:
    order = _refund(number, refund_id).capture.transaction.order
    record_own_act(action, "refund", refund_id, payers=[order.payer_id])


def _page(number: str, found: Refund, form: DeclineForm) -> str:
    """Also above a form that was refused: whoever sends an empty one sees as much."""
    _record("refund.viewed", number, found.id)
    session = frame.session()
    open_still = session.scalars(
        select(Difference.kind).where(
            Difference.subject_id == found.id, Difference.closed_at.is_(None), Difference.kind != services.PROPOSED
        )
    )
    lines = [line for line in found.lines if found.state in DEAD_REFUNDS or line.state is not BookingState.DROPPED]
    people = {each for each in (found.requested_by, found.decided_by) if each is not None}
    return render_template(
        "office/refund.html",
        number=number,
        refund=found,
        lines=lines,
        rest=found.amount + Money.total(line.amounts.total for line in lines),
        people=queries.user_names(session, people),
        kinds=kind_names(),
        open_still=open_still.all(),
        words_of=words_of,
        mine=found.requested_by == current_person().id,
        form=form,
        token=TokenForm(),
        decides=DECIDE,
        approves=APPROVE,
    )


def _refund(number: str, refund_id: UUID) -> Refund:
    found = (
        frame.session()
        .scalars(
            select(Refund)
            .where(Refund.id == refund_id)
            .options(
                joinedload(Refund.capture).joinedload(Capture.transaction).joinedload(Transaction.order),
                joinedload(Refund.capture)
                .joinedload(Capture.transaction)
                .joinedload(Transaction.merchant_account)
                .joinedload(MerchantAccount.creditor_account),
                selectinload(Refund.lines).joinedload(BookingLine.order_line),
            )
        )
        .one_or_none()
    )
    if found is None or found.capture.transaction.order.number != number:
        raise NotFound(f"no refund {refund_id} of {number}")
    return found


@blueprint.post("/refunds/<uuid:refund_id>/approve")
@requires(APPROVE, fresh=True)
def approve(number: str, refund_id: UUID) -> Response:
    """The second person agrees. Forbidden for the first one, whatever was sent."""
    found = _sent_form(number, refund_id)
    try:
        services.approve_refund(frame.session(), found.id, by=current_person().id)
    except Conflict:
        return _somebody_was_quicker(number, refund_id)
    _record("refund.approved", number, refund_id)
    if found.kind is RefundKind.GATEWAY:
        flash(_("The refund is approved. The gateway is being asked to send the money back."))
    else:
        flash(_("The refund is confirmed."))
    return _back(number, refund_id)


@blueprint.post("/refunds/<uuid:refund_id>/decline")
@requires(APPROVE, fresh=True)
def decline(number: str, refund_id: UUID) -> Response | tuple[str, int]:
    found, form = _refund(number, refund_id), DeclineForm()
    if not form.validate():
        return _page(number, found, form), 422
    try:
        services.decline_refund(frame.session(), refund_id, by=current_person().id, reason=form.reason.data or "")
    except Conflict:
        return _somebody_was_quicker(number, refund_id)
    _record("refund.declined", number, refund_id)
    flash(_("The refund is declined. The money stays where it is."))
    return _back(number, refund_id)


@blueprint.post("/refunds/<uuid:refund_id>/withdraw")
@requires(DECIDE)
def withdraw(number: str, refund_id: UUID) -> Response:
    found = _sent_form(number, refund_id)
    try:
        services.withdraw_refund(frame.session(), found.id, by=current_person().id)
    except Conflict:
        return _somebody_was_quicker(number, refund_id)
    _record("refund.withdrawn", number, refund_id)
    flash(_("The refund is withdrawn."))
    return _back(number, refund_id)


@blueprint.post("/refunds/<uuid:refund_id>/ask")
@requires(DECIDE)
def ask(number: str, refund_id: UUID) -> Response:
    """Do not wait for the next question to the gateway."""
    services.ask_about_refund(frame.session(), _sent_form(number, refund_id).id)
    _record("refund.asked", number, refund_id)
    flash(_("The gateway is being asked. Look at this page again in a moment."))
    return _back(number, refund_id)


@blueprint.post("/refunds/<uuid:refund_id>/seen")
@requires(DECIDE)
def seen(number: str, refund_id: UUID) -> Response:
    """Somebody looked at what the gateway answered, and does nothing more here."""
    found = _sent_form(number, refund_id)
    close_difference(frame.session(), found.id, *services.FOR_A_PERSON, resolution="seen", user_id=current_person().id)
    _record("refund.seen", number, refund_id)
    flash(_("It is off the list of what is to be decided."))
    return _back(number, refund_id)


def _sent_form(number: str, refund_id: UUID) -> Refund:
    check_token()
    return _refund(number, refund_id)


def _back(number: str, refund_id: UUID) -> Response:
    return redirect(url_for("refunds.show", number=number, refund_id=refund_id), 303)


def _somebody_was_quicker(number: str, refund_id: UUID) -> Response:
    flash(_("Somebody decided about this refund meanwhile. Look at it again."), "warn")
    return _back(number, refund_id)
