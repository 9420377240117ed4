"""What tests of paying without an account fill in and look up."""

import re
from html import unescape

from sqlalchemy import select

from skarbnik.payments.models import PaymentOrder


def form_of(page, *ticked, **changes):
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", page.text):
        words = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if words.get("name") in {"i", "p", "n", "k", "request_key"}:
            found.setdefault(words["name"], []).append(unescape(words["value"]))
    return found | {"request_key": found["request_key"][0], "pay": [str(each.id) for each in ticked]} | changes


def order_of(tenant):
    with tenant.session() as session:
        return session.scalars(select(PaymentOrder)).one()
