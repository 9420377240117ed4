"""What follows when money came or data changed."""

from __future__ import annotations

from uuid import UUID

from skarbnik.mail.services import send_mail
from skarbnik.payments.models import PaymentOrder
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.formats import money
from skarbnik.web.languages import load_catalogue


def confirm_payment(tenant: Tenant, order_id: UUID) -> None:
    """Write to who paid, once. No PESEL, no account number, no link that pays."""
    with tenant.session() as session:
        order = session.get_one(PaymentOrder, order_id)
        if order.email is None:
            return
        _ = load_catalogue(order.language).gettext
        text = _(
            "We received your payment of %(amount)s.\n\nOrder: %(number)s\nWhere is my money: %(address)s\n\n"
            "%(office)s\nPlease do not answer this message."
        ) % {
            "amount": money(order.amount),
            "number": order.number,
            "address": tenant.url(f"/payments/{order.number}"),
            "office": tenant.name,
        }
        send_mail(
            session,
            cause="payment.paid",
            subject_id=order.id,
            recipient=order.email,
            subject=_("Payment received: %(number)s") % {"number": order.number},
            text=text,
        )
