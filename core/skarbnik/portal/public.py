"""Paying without an account: by a payer's link, or by the code printed on a decision.

Whoever comes here is told kinds, due days and amounts, and the state of what they paid. No name, no address, no title:
those may hold an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import uuid4

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.money import Money
from skarbnik.payments import links, ordering, queries
from skarbnik.payments.models import PaymentLink, PaymentOrder
from skarbnik.payments.ordering import BasketChanged, NotPayableOnline
from skarbnik.payments.queries import paid_lines, rest_of
from skarbnik.payments.states import LinkOrigin
from skarbnik.plugin_api import Regime, public
from skarbnik.portal.basket import read_chosen, uuid_of
from skarbnik.portal.checkout import (
    Sum,
    WrongCode,
    begin,
    check_code,
    find_page,
    go_on,
    is_payable,
    look_at,
    make_checkout,
    on_the_way,
    read_blik,
)
from skarbnik.portal.debts import SOON, ToPay, list_to_pay
from skarbnik.receivables.rules import rules_of
from skarbnik.web import frame
from skarbnik.web.attempts import Guesses
from skarbnik.web.fields import EMAIL, LONGEST_EMAIL
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import current_language
from skarbnik.web.limits import limited

log = structlog.get_logger()

blueprint = Blueprint("public", __name__, url_prefix="/pay", template_folder="templates")

BY_ADDRESS = "60 per minute"
WHY = "whoever has the secret of a link may see and pay what it is for"
CODES = Guesses("payment-code", of_network=10, of_gmina=300, seconds=900)


def holds_secret(path: str) -> bool:
    """Whether an address lets its reader see something, so that nobody else may learn it."""
    return path.startswith("/pay/") and path != "/pay/code"


def _payable_rows(link: PaymentLink) -> list[ToPay]:
    """What of a link is left to pay today and goes online. Nothing when its payer is not liable any more."""
    debts = list_to_pay(frame.session(), payer_id=link.payer_id, today=clock.today(), now=clock.now())
    wanted = set(link.instalment_ids)
    return [row for row in debts.rows if row.id in wanted and row.grosze and row.online]


@blueprint.get("/<secret>")
@public(WHY)
@limited(BY_ADDRESS)
def show(secret: str) -> str:
    link = links.open_link(frame.session(), secret)
    rows = _payable_rows(link)
    return _page(secret, link, rows, ticked=_ticked(link, rows))


def _ticked(link: PaymentLink, rows: Sequence[ToPay]) -> set[str]:
    """All of a link; by a code what is due by now and soon, or what is due next."""
    if link.origin is LinkOrigin.LINK:
        return {str(row.id) for row in rows}
    soon = [row for row in rows if row.due_on <= clock.today() + SOON]
    return {str(row.id) for row in soon or rows[:1]}


def _page(
    secret: str,
    link: PaymentLink,
    rows: Sequence[ToPay],
    *,
    ticked: set[str],
    problem: str = "",
    code_problem: str = "",
    email_problem: str = "",
    changed: bool = False,
) -> str:
    checkout = make_checkout(Sum(row.creditor_account_id, row.total) for row in rows if str(row.id) in ticked)
    of_all = make_checkout(Sum(row.creditor_account_id, row.total) for row in rows)
    rows = [row for row in rows if row.creditor_account_id in of_all.accounts]
    rules = rules_of(frame.session())
    return render_template(
        "portal/public.html",
        secret=secret,
        link=link,
        rows=rows,
        ticked=ticked,
        chosen_sum=Money.total(row.total for row in rows if str(row.id) in ticked),
        taxes=any(row.regime == Regime.TAX for row in rows),
        limit=Money(rules.others_limit.value_on(clock.today())),
        above=_taxes_of(rows, ticked).grosze > rules.others_limit.value_on(clock.today()),
        checkout=checkout if checkout.ways else of_all,
        orders=_orders_of(link),
        held=any(row.held_until is not None for row in rows),
        form=TokenForm(),
        request_key=uuid4(),
        problem=problem,
        code_problem=code_problem,
        email_problem=email_problem,
        email=request.form.get("email", "")[:LONGEST_EMAIL],
        wished=request.form.get("gateway"),
        changed=changed,
    )


def _taxes_of(rows: Sequence[ToPay], ticked: set[str]) -> Money:
    return Money.total(row.total for row in rows if row.regime == Regime.TAX and str(row.id) in ticked)


def _orders_of(link: PaymentLink) -> list[queries.OrderRow]:
    """What was begun by a payer's link: who has it sees that somebody paid. A code is anybody's who has the letter."""
    if link.origin is LinkOrigin.CODE:
        return []
    return queries.list_orders(frame.session(), link_id=link.id, limit=5)[:5]


@blueprint.post("/<secret>")
@public(WHY)
@limited("20 per minute")
def pay(secret: str) -> str | Response | tuple[str, int]:
    """Order what was ticked and send whoever pays to the gateway. A double click orders once."""
    check_token()
    session = frame.session()
    link = links.open_link(session, secret)
    rows, ticked = _payable_rows(link), set(request.form.getlist("pay"))
    email = request.form.get("email", "").strip()
    shown = {str(each.instalment_id): each for each in read_chosen(request.form)}
    chosen = [shown[each] for each in ticked if each in shown]
    if not chosen:
        return _page(secret, link, rows, ticked=set(), problem=_("Tick at least one item to pay.")), 422
    if email and not (len(email) <= LONGEST_EMAIL and EMAIL.fullmatch(email)):
        wrong_email = _("Enter an e-mail address such as name@example.pl, or leave it out.")
        return _page(secret, link, rows, ticked=ticked, email_problem=wrong_email), 422
    if not set(ticked) <= {str(row.id) for row in rows}:
        return _page(secret, link, rows, ticked=ticked, changed=True), 409
    sums = [Sum(row.creditor_account_id, row.total) for row in rows if str(row.id) in ticked]
    try:
        code = read_blik(request.form.get("blik"))
        check_code(code, make_checkout(sums), request.form.get("gateway"))
    except WrongCode as wrong:
        return _page(secret, link, rows, ticked=ticked, code_problem=str(wrong)), 422
    try:
        made = ordering.order_payment(
            session,
            request_key=uuid_of(request.form.get("request_key")),
            payer_id=link.payer_id,
            user_id=None,
            link_id=link.id,
            chosen=chosen,
            email=email or None,
            language=current_language(),
        )
        session.expire_all()
        made = queries.get_order(session, made.number)
        if not is_payable(made):
            return redirect(url_for("public.order", secret=secret, number=made.number), 303)
        return _begin(secret, made, code)
    except (BasketChanged, NotPayableOnline):
        session.rollback()
        link = links.open_link(session, secret)
        return _page(secret, link, _payable_rows(link), ticked=ticked, changed=True), 409


def _begin(secret: str, made: PaymentOrder, code: str | None) -> Response:
    number = made.number
    back = url_for("public.order", secret=secret, number=number)
    transaction = begin(made, code=code)
    return redirect(url_for("public.go", secret=secret, number=number) if transaction.redirect_url else back, 303)


def _order_of(secret: str, number: str) -> PaymentOrder:
    """An order of this link. NotFound for every other, whoever knows its number."""
    session = frame.session()
    _link, order = links.get_followed(session, secret, number)
    return queries.get_order(session, order.number)


@blueprint.get("/<secret>/orders/<number>")
@public(WHY)
@limited(BY_ADDRESS)
def order(secret: str, number: str) -> str:
    """What became of a payment, for who made it."""
    link, followed = links.get_followed(frame.session(), secret, number)
    found = queries.get_order(frame.session(), followed.number)
    email = found.email if link.origin is LinkOrigin.CODE else None  # a link may be several people's
    return _order_page(found, secret=secret, email=email)


def _order_page(found: PaymentOrder, *, secret: str | None, email: str | None) -> str:
    rest, paid = rest_of(found), paid_lines(found)
    return render_template(
        "portal/public_order.html",
        **look_at(found),
        secret=secret,
        email=email,
        paid=found.amount - rest,
        rest=rest,
        paid_lines=paid,
        form=TokenForm(),
    )


@blueprint.get("/back/<number>/<secret>")
@public("a gateway sends whoever paid here; the secret is that of one order, shows its state, and opens nothing")
@limited(BY_ADDRESS)
def returned(number: str, secret: str) -> str:
    """What became of a payment, for who comes back from the gateway, in any browser. Nothing is paid from here."""
    followed = links.get_returned(frame.session(), number, secret)
    return _order_page(queries.get_order(frame.session(), followed.number), secret=None, email=None)


@blueprint.get("/<secret>/orders/<number>/go")
@public(WHY)
@limited(BY_ADDRESS)
def go(secret: str, number: str) -> str | Response:
    """On the way to the gateway."""
    found = _order_of(secret, number)
    transaction = find_page(found)
    if transaction is None:
        return redirect(url_for("public.order", secret=secret, number=number), 303)
    return render_template("portal/public_go.html", **on_the_way(found, transaction))


@blueprint.post("/<secret>/orders/<number>/pay")
@public(WHY)
@limited("20 per minute")
def pay_again(secret: str, number: str) -> Response:
    """Go on with an open attempt, or begin another, as long as the link is good."""
    check_token()
    links.open_link(frame.session(), secret)
    return go_on(
        lambda: _order_of(secret, number),
        partial(_begin, secret),
        here=url_for("public.order", secret=secret, number=number),
        gone=url_for("public.show", secret=secret),
    )


@blueprint.get("/code")
@public("who has the letter of the office pays by the code printed on it")
def code_form() -> str:
    return render_template("portal/code.html", form=TokenForm(), typed="", wrong=False)


@blueprint.post("/code")
@public("who has the letter of the office pays by the code printed on it")
def enter_code() -> Response | tuple[str, int]:
    """A good code opens a page as a link does. Every other is answered with the same words."""
    check_token()
    CODES.count()
    typed = request.form.get("code", "")
    try:
        secret = links.open_code(frame.session(), links.plain_code(typed), today=clock.today())
    except NotFound:
        log.info("payment_code.wrong")
        typed = typed[: links.LONGEST_CODE_TYPED]
        return render_template("portal/code.html", form=TokenForm(), typed=typed, wrong=True), 422
    CODES.forgive()
    return redirect(url_for("public.show", secret=secret), 303)
