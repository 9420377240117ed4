"""What follows when money came or went back, or the office answered."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import User, UserState
from skarbnik.mail.services import Paper, send_mail
from skarbnik.payers.models import Payer
from skarbnik.payments.models import Capture, PaymentOrder, Refund
from skarbnik.payments.queries import get_order, rest_of
from skarbnik.payments.states import PaymentOrderState, RefundKind
from skarbnik.portal.confirmation import make_confirmation
from skarbnik.remarks.models import Remark
from skarbnik.remarks.queries import may_act
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import day, money
from skarbnik.web.languages import load_catalogue
from skarbnik.web.tables import as_pdf


def confirm_payment(tenant: Tenant, order_id: UUID) -> None:
    """Write to who paid, once, with the confirmation as PDF. No PESEL and no link that pays."""
    with tenant.session() as session:
        order = get_order(session, session.get_one(PaymentOrder, order_id).number)
        _ = load_catalogue(order.language).gettext
        if order.link_id is None:
            text = _(
                "We received your payment of %(amount)s.%(attached)s\n\nOrder: %(number)s\n"
                "Where is my money: %(address)s\n\n"
                "%(office)s\nPlease do not answer this message."
            )
        else:  # who paid for somebody has no account; the address of the link is a secret we do not keep
            text = _(
                "We received your payment of %(amount)s. You do not have to do anything more.\n\nOrder: %(number)s\n\n"
                "%(office)s\nPlease do not answer this message."
            )
        paper = _confirmation(session, tenant, order) if order.link_id is None else None
        attached = f" {_('The confirmation is attached.')}" if paper else ""
        words = {"amount": money(order.amount), "attached": attached}
        _write(session, tenant, order, "payment.paid", order.id, _("Payment received: %(number)s"), text, words, paper)


def _confirmation(session: Session, tenant: Tenant, order: PaymentOrder) -> Paper | None:
    """For who may see it on the page too: it names the payer."""
    payer = session.get_one(Payer, order.payer_id)
    table = make_confirmation(order, office=tenant.name, payer=payer.name, language=order.language)
    if table is None:
        return None
    return Paper(f"{load_catalogue(order.language).gettext('confirmation')}-{order.number}.pdf", as_pdf(table))


def confirm_part(tenant: Tenant, capture_id: UUID) -> None:
    """Write to who paid a part of an order that goes to several bank accounts: what came, and what is left to pay."""
    with tenant.session() as session:
        capture = session.get_one(Capture, capture_id)
        order = get_order(session, capture.transaction.order.number)
        if order.state is not PaymentOrderState.PARTLY_PAID:
            return  # the rest came meanwhile, and is written about
        _ = load_catalogue(order.language).gettext
        if order.link_id is None:
            text = _(
                "We received %(amount)s. It is a part of your payment; %(rest)s is left to pay.\n\nOrder: %(number)s\n"
                "Pay the rest and see where your money is: %(address)s\n\n"
                "%(office)s\nPlease do not answer this message."
            )
        else:
            text = _(
                "We received %(amount)s. It is a part of your payment; %(rest)s is left to pay. "
                "Open your link again to pay it.\n\nOrder: %(number)s\n\n%(office)s\nPlease do not answer this message."
            )
        words = {"amount": money(capture.amount), "rest": money(rest_of(order))}
        subject = _("A part of the payment received: %(number)s")
        _write(session, tenant, order, "payment.part_paid", capture.id, subject, text, words)


def tell_refunded(tenant: Tenant, refund_id: UUID) -> None:
    """Write to who paid that money went back, once: how much, where to, and why in words for them.

    What the office wrote down as its reason is its own.
    """
    with tenant.session() as session:
        refund = session.get_one(Refund, refund_id)
        order = get_order(session, refund.capture.transaction.order.number)
        _ = load_catalogue(order.language).gettext
        if order.link_id is None:
            text = _(
                "%(amount)s of your payment went back. %(where)s\n%(why)s\n\nOrder: %(number)s\n"
                "Where is my money: %(address)s\n\n"
                "%(office)s\nPlease do not answer this message."
            )
        else:
            text = _(
                "%(amount)s of your payment went back. %(where)s\n%(why)s\n\nOrder: %(number)s\n\n"
                "%(office)s\nPlease do not answer this message."
            )
        words = {
            "amount": money(refund.amount, refund.capture.currency),
            "where": _where(refund, _),
            "why": _why(refund, _),
        }
        subject = _("Money sent back: %(number)s")
        if refund.kind is RefundKind.CHARGEBACK:
            subject = _("Payment taken back: %(number)s")
        _write(session, tenant, order, "payment.refunded", refund.id, subject, text, words)


def _where(refund: Refund, _: Callable[[str], str]) -> str:
    if refund.kind is RefundKind.GATEWAY:
        return _("It goes to the account or card it was paid from. Your bank may need a few days.")
    words = {"day": day(refund.happened_on)}
    if refund.kind is RefundKind.CHARGEBACK:
        return _("Your bank took it back on %(day)s, after a complaint about the payment.") % words
    return _("The office sent it on %(day)s, by transfer or to where it was paid from.") % words


def _why(refund: Refund, _: Callable[[str], str]) -> str:
    """What of its money is known here to be nobody's debt; else it may be owed again."""
    taken = {line.order_line_id for line in refund.lines}
    reasons = {
        line.reason for line in refund.capture.booking_lines if line.refund_id is None and line.order_line_id in taken
    }
    if not reasons:
        return _("It was more than the order, or did not match it.")
    if reasons == {"overpaid"}:
        return _("The debt had been paid already.")
    if reasons == {"closed"}:
        return _("The debt was closed before the money came.")
    return _("What it had paid may have to be paid again.")


def tell_answered(tenant: Tenant, remark_id: UUID) -> None:
    """Write to who reported wrong data that there is an answer, once. Neither the report nor the answer is in it."""
    with tenant.session() as session:
        remark = session.get_one(Remark, remark_id)
        writer = session.get_one(User, remark.user_id)
        reads = session.scalar(select(may_act(clock.today())).where(Remark.id == remark_id))
        if writer.email is None or writer.state is not UserState.ACTIVE or not reads:
            return  # there is no address, or they could not sign in to read it, or may not any more
        _ = load_catalogue(remark.language).gettext
        text = _(
            "The office answered what you reported.\n\nRead the answer: %(address)s\n\n"
            "%(office)s\nPlease do not answer this message."
        )
        send_mail(
            session,
            cause="remark.answered",
            subject_id=remark.id,
            recipient=writer.email,
            subject=_("There is an answer to your report"),
            text=text % {"address": tenant.url(f"/remarks/{remark.id}"), "office": tenant.name},
        )


def _write(
    session: Session,
    tenant: Tenant,
    order: PaymentOrder,
    cause: str,
    subject_id: UUID,
    subject: str,
    text: str,
    words: dict[str, str],
    paper: Paper | None = None,
) -> None:
    if order.email is None:
        return
    address = tenant.url(f"/payments/{order.number}")
    words = {**words, "number": order.number, "address": address, "office": tenant.name}
    send_mail(
        session,
        cause=cause,
        subject_id=subject_id,
        recipient=order.email,
        subject=subject % words,
        text=text % words,
        paper=paper,
    )
