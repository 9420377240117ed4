"""The confirmation of a payment as PDF: what came, when, for what, and by which reference it stands in the books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skarbnik import clock
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder, Refund
from skarbnik.payments.states import ON_ITS_WAY, BookingState, RefundStage
from skarbnik.web.formats import account, day, moment, money
from skarbnik.web.languages import load_catalogue
from skarbnik.web.tables import Column, Table

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Confirmed:
    """A line that money came for, and what of it is still here."""

    line: BookingLine
    amounts: Amounts


def make_confirmation(order: PaymentOrder, *, office: str, payer: str, language: str) -> Table | None:
    """None when nothing of the order is paid, or all of it was given back or is being clarified."""
    _ = load_catalogue(language).gettext
    confirmed = confirmed_lines(order)
    if not confirmed:
        return None
    captures = list({each.line.capture_id: each.line.capture for each in confirmed}.values())
    rows = [_row(each) for each in sorted(confirmed, key=lambda each: each.line.order_line.position)]
    total = Money.total(each.amounts.total for each in confirmed)
    return Table(
        title=_("Confirmation of payment %(number)s") % {"number": order.number},
        lines=[
            _("Recipient: %(name)s") % {"name": office},
            _("Payer: %(name)s") % {"name": payer},
            *(_said(capture, _) for capture in captures),
            *(_went_back(refund, _) for capture in captures for refund in capture.refunds if _is_gone(refund)),
            _("Printed %(moment)s") % {"moment": moment(clock.now())},
        ],
        columns=[
            Column(_("What for"), 22),
            Column(_("Principal"), 10, right=True),
            Column(_("Interest"), 9, right=True),
            Column(_("Costs"), 9, right=True),
            Column(_("Together"), 10, right=True),
            Column(_("Booked"), 14),
        ],
        rows=[*rows, (_("Together"), None, None, None, total, None)],
        language=language,
    )


def confirmed_lines(order: PaymentOrder) -> list[Confirmed]:
    """What money came for, is still here, and is in the books or on its way there."""
    found = []
    for transaction in order.transactions:
        for capture in transaction.captures:
            lines = [line for line in capture.booking_lines if line.state in ON_ITS_WAY]
            for line in lines:
                here = Amounts.sum(each.amounts for each in lines if each.order_line_id == line.order_line_id)
                if line.refund_id is None and here.total > ZERO:
                    found.append(Confirmed(line, here))
    return found


def _is_gone(refund: Refund) -> bool:
    return refund.state is RefundStage.COMPLETED


def _went_back(refund: Refund, _: Translate) -> str:
    assert refund.went_back_at is not None  # it is completed
    back = {"day": day(clock.local_day(refund.went_back_at)), "amount": money(refund.amount)}
    return _("Refunded on %(day)s: %(amount)s") % back


def _said(capture: Capture, _: Translate) -> str:
    """The gateway's confirmation is the day of payment (art. 60 § 1 pkt 2 Ordynacji podatkowej)."""
    merchant = capture.transaction.merchant_account
    said = _(
        "Paid on %(day)s: %(amount)s to the account %(account)s (%(owner)s), through %(gateway)s, number %(number)s"
    )
    return said % {
        "day": day(clock.local_day(capture.captured_at)),
        "amount": money(capture.amount),
        "account": account(merchant.creditor_account.nrb),
        "owner": merchant.creditor_account.owner,
        "gateway": merchant.title,
        "number": capture.external_id,
    }


def _row(confirmed: Confirmed) -> tuple[str | Money | None, ...]:
    line, amounts = confirmed.line, confirmed.amounts
    booked = None
    if line.state is BookingState.BOOKED and line.reference is not None and line.booked_on is not None:
        booked = f"{line.reference}, {day(line.booked_on)}"
    return (line.order_line.title, amounts.principal, amounts.interest, amounts.costs, amounts.total, booked)
