"""The confirmation of a payment as PDF: what came, when, for what, and by which reference it stands in the books."""

from __future__ import annotations

from collections.abc import Callable

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder
from skarbnik.payments.states import ON_ITS_WAY, BookingState
from skarbnik.web.formats import account, day, moment, money
from skarbnik.web.languages import load_catalogue
from skarbnik.web.tables import Column, Table

Translate = Callable[[str], str]


def make_confirmation(order: PaymentOrder, *, office: str, payer: str, language: str) -> Table | None:
    """None when nothing of the order is paid, or all of it was given back or is being clarified."""
    _ = load_catalogue(language).gettext
    lines = confirmed_lines(order)
    if not lines:
        return None
    captures = {line.capture_id: line.capture for line in lines}.values()
    rows = [_row(line) for line in sorted(lines, key=lambda line: line.order_line.position)]
    total = Money.total(line.amounts.total for line in lines)
    return Table(
        title=_("Confirmation of payment %(number)s") % {"number": order.number},
        lines=[
            _("Recipient: %(name)s") % {"name": office},
            _("Payer: %(name)s") % {"name": payer},
            *(_said(capture, _) for capture in captures),
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


def confirmed_lines(order: PaymentOrder) -> list[BookingLine]:
    """What money came for that is in the books or on its way there."""
    return [
        line
        for transaction in order.transactions
        for capture in transaction.captures
        for line in capture.booking_lines
        if line.state in ON_ITS_WAY
    ]


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


def _row(line: BookingLine) -> tuple[str | Money | None, ...]:
    amounts = line.amounts
    booked = None
    if line.state is BookingState.BOOKED and line.reference is not None and line.booked_on is not None:
        booked = f"{line.reference}, {day(line.booked_on)}"
    return (line.order_line.title, amounts.principal, amounts.interest, amounts.costs, amounts.total, booked)
