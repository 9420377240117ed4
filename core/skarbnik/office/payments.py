"""Payments as the office sees them: the list, and of one all that came, went back, was said and decided.

They stand on the clerk's blueprint, where the menu and other pages look for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from skarbnik.audit.permissions import READ
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import NotFound
from skarbnik.office import queries
from skarbnik.office.difference_words import resolution_names, words_of
from skarbnik.office.queries import OrderFilter
from skarbnik.office.refunds import kind_names
from skarbnik.office.views import blueprint
from skarbnik.payments.bookings import release_booking
from skarbnik.payments.models import BookingLine, Capture, Notification, OrderLine, PaymentOrder
from skarbnik.payments.permissions import DECIDE, SEE_ANY, SEE_MONEY
from skarbnik.payments.queries import get_order, left_of_lines, left_on_no_line, on_no_line, sent_back
from skarbnik.payments.states import PaymentOrderState
from skarbnik.payments.suspense import book_capture, is_bookable
from skarbnik.plugin_api import records, requires
from skarbnik.portal.timeline import make_timeline
from skarbnik.web import frame
from skarbnik.web.access import current_person, kinds_in_scope
from skarbnik.web.addresses import read_day
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.paging import cursor

__all__ = ["blueprint"]


@blueprint.get("/payments")
@requires(SEE_ANY)
@records("payments.listed")
def payments_list() -> str:
    """By state, number, payer, gateway and day; the whole choice stands in the address."""
    session = frame.session()
    gateways = queries.gateway_names(session)
    wanted = OrderFilter(
        state=_one_of(PaymentOrderState, "state"),
        number=_text("number").upper() or None,
        payer=_text("payer") or None,
        gateway=_one_of(gateways, "gateway"),
        from_on=read_day(request.args.get("from")),
        until_on=read_day(request.args.get("until")),
        kinds=kinds_in_scope(),
    )
    rows = list(queries.list_orders(session, wanted, before=cursor("before")))
    record_own_act("payments.listed", "payment_orders", payers=[row.payer_id for row in rows[: queries.PAGE]])
    words = {
        "state": wanted.state,
        "number": wanted.number,
        "payer": wanted.payer,
        "gateway": wanted.gateway,
        "from": wanted.from_on,
        "until": wanted.until_on,
    }
    return render_template(
        "office/payments.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None,
        words={name: str(value) for name, value in words.items() if value is not None},
        states=list(PaymentOrderState),
        gateways=gateways,
    )


def _text(name: str) -> str:
    return request.args.get(name, "").replace("\x00", "").strip()[:200]


def _one_of(known: Iterable[str], name: str) -> str | None:
    """What nobody has filters nothing."""
    value = request.args.get(name)
    return value if value in set(known) else None


@blueprint.get("/payments/<number>")
@requires(SEE_ANY)
@records("payment.viewed")
def payment(number: str) -> str:
    """All of it; who works with some kinds only sees what it pays for of them, where it pays for others, too."""
    session = frame.session()
    order, seen = _get(number)
    record_own_act("payment.viewed", "payment_order", order.id, payers=[order.payer_id])
    if len(seen) < len(order.lines):
        (part,) = queries.find_order(session, number, kinds=kinds_in_scope())
        return render_template(
            "office/payment_part.html",
            order=order,
            part=part,
            payer=queries.get_payer(session, order.payer_id, kinds=None),
            rows=[(line, _bookings(order, line)) for line in seen],
        )
    captures = _captures(order)
    refunds = order.refunds
    return render_template(
        "office/payment.html",
        words_of=words_of,
        resolutions=resolution_names(),
        kinds=kind_names(),
        order=order,
        payer=queries.get_payer(session, order.payer_id, kinds=None),
        steps=make_timeline(order),
        captures=captures,
        bookable={capture.id for capture in captures if is_bookable(capture)},
        on_no_line={capture.id: on_no_line(capture) for capture in captures},
        refundable={capture.id for capture in captures if left_on_no_line(capture) or _left(capture)},
        lines={capture.id: _in_order(capture) for capture in captures},
        refunds=refunds,
        gone=sent_back(order),
        people=queries.user_names(session, {each.requested_by for each in refunds}),
        decisions=queries.list_decisions(session, order.id),
        notifications=session.scalars(
            select(Notification)
            .where(Notification.transaction_id.in_([each.id for each in order.transactions]))
            .order_by(Notification.received_at)
            .limit(100)
        ).all(),
        form=TokenForm(),
        decides=DECIDE,
        see_money=SEE_MONEY,
        read_trail=READ,
    )


def _get(number: str) -> tuple[PaymentOrder, list[OrderLine]]:
    """An order and those of its lines that are of the kinds this official works with: some, or NotFound."""
    order, kinds = get_order(frame.session(), number), kinds_in_scope()
    seen = [line for line in order.lines if kinds is None or line.instalment.receivable.kind_id in kinds]
    if not seen:
        raise NotFound(f"no order {number} of these kinds")
    return order, seen


def _bookings(order: PaymentOrder, line: OrderLine) -> list[BookingLine]:
    """What came for a line, and behind it what went back."""
    return [each for capture in _captures(order) for each in _in_order(capture) if each.order_line_id == line.id]


def _left(capture: Capture) -> bool:
    return any(amounts.total for amounts in left_of_lines(capture).values())


def _in_order(capture: Capture) -> list[BookingLine]:
    """Each line, and behind it what goes back of it."""
    return sorted(
        capture.booking_lines, key=lambda line: (line.order_line.position, line.refund_id is not None, line.id)
    )


@blueprint.get("/payments/<number>/notifications/<uuid:notification_id>")
@requires(SEE_ANY)
@records("notification.viewed")
def notification(number: str, notification_id: UUID) -> str:
    """What a gateway sent, as it came but for the secret of our address. It may name the payer: who looked is known.

    It speaks of the whole order: who may see only a part of that does not see it.
    """
    session = frame.session()
    order, seen = _get(number)
    if len(seen) < len(order.lines):
        raise NotFound(f"no notification of a part of {number}")
    found = session.get(Notification, notification_id)
    if found is None or found.transaction_id not in {each.id for each in order.transactions}:
        raise NotFound(f"no notification {notification_id} of {number}")
    record_own_act("notification.viewed", "notification", notification_id, payers=[order.payer_id])
    return render_template(
        "office/notification.html",
        order=order,
        found=found,
        body=found.body.decode("utf-8", "backslashreplace").replace(_secret_of(order, found), "…"),
    )


def _secret_of(order: PaymentOrder, found: Notification) -> str:
    """The gateway repeats the address it posts to."""
    return next(each.merchant_account.hook_secret for each in order.transactions if each.id == found.transaction_id)


@blueprint.post("/payments/<number>/bookings/<uuid:booking_id>/release")
@requires(DECIDE)
def release(number: str, booking_id: UUID) -> Response:
    """Book a line in suspense, or a refused one, after all."""
    order = _order_of_form(number)
    if booking_id not in {line.id for capture in _captures(order) for line in capture.booking_lines}:
        raise NotFound(f"no booking {booking_id} of {number}")
    release_booking(frame.session(), booking_id, user_id=current_person().id)
    record_own_act("booking.released", "booking_line", booking_id, payers=[order.payer_id])
    flash(_("The amount will be sent to the finance system with the next batch."))
    return redirect(url_for("office.payment", number=number), 303)


@blueprint.post("/payments/<number>/captures/<uuid:capture_id>/book")
@requires(DECIDE)
def book(number: str, capture_id: UUID) -> Response:
    """Put money of another amount than was ordered on the lines of its order, as far as it goes."""
    order = _order_of_form(number)
    if capture_id not in {capture.id for capture in _captures(order)}:
        raise NotFound(f"no capture {capture_id} of {number}")
    session = frame.session()
    capture = book_capture(session, capture_id, user_id=current_person().id)
    record_own_act("capture.booked", "capture", capture_id, payers=[order.payer_id])
    left = on_no_line(capture)
    if left:
        flash(_("It is booked as far as it goes. What came above the order can now be refunded."))
    else:
        flash(_("The amount will be sent to the finance system with the next batch."))
    return redirect(url_for("office.payment", number=number), 303)


def _order_of_form(number: str) -> PaymentOrder:
    check_token()
    return get_order(frame.session(), number)


def _captures(order: PaymentOrder) -> list[Capture]:
    return [capture for transaction in order.transactions for capture in transaction.captures]
