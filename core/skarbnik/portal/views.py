"""A resident's pages: what do I owe, pay it, follow the money."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.accounts.pesel import is_proven
from skarbnik.content.queries import front_texts, list_warnings
from skarbnik.money import Money
from skarbnik.payments import ordering, queries
from skarbnik.payments.models import PaymentOrder
from skarbnik.payments.ordering import BasketChanged, NotPayableOnline
from skarbnik.payments.permissions import PAY
from skarbnik.payments.queries import paid_lines, rest_of
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import public, requires
from skarbnik.portal.acting import check_shown_for, payer_of_request
from skarbnik.portal.basket import Basket, has_new_amounts, paper_words, read_basket, read_chosen, uuid_of
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
from skarbnik.portal.choices import read_choice
from skarbnik.portal.confirmation import confirmed_lines
from skarbnik.portal.debts import Debts, ToPay, list_to_pay
from skarbnik.portal.operations import operation_names
from skarbnik.portal.queries import list_overpayments
from skarbnik.portal.receivable import get_receivable
from skarbnik.receivables.documents import list_documents
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.kept import KeptForm
from skarbnik.web.languages import current_language

blueprint = Blueprint("portal", __name__, template_folder="templates")

PAGE = 50
LONGEST_LOOK = timedelta(days=366)  # how far ahead somebody may ask what they would pay


@blueprint.get("/")
@public("the first page of a gmina")
def front() -> str | Response:
    if g.person is not None:
        return redirect(url_for("office.day" if g.person.is_official else "portal.dashboard"), 303)
    texts = front_texts(frame.session(), g.tenant, current_language(), clock.now())
    return render_template("portal/front.html", texts=texts, warnings=texts.warnings)


@blueprint.get("/no-payer")
@requires(SEE_OWN)
def nobody() -> str:
    return render_template("portal/nobody.html", proven=is_proven(frame.session(), current_person().id))


def _debts(day: date | None = None) -> Debts:
    return list_to_pay(frame.session(), payer_id=payer_of_request(), today=clock.today(), now=clock.now(), day=day)


@blueprint.get("/dashboard")
@requires(SEE_OWN)
def dashboard() -> str:
    debts = _debts()
    soon = sorted((row for row in debts.rows if row.grosze), key=lambda row: row.due_on)[:5]
    return render_template(
        "portal/dashboard.html",
        debts=debts,
        warnings=list_warnings(frame.session(), current_language(), clock.now()),
        soon=soon,
        soon_total=Money(sum(row.grosze for row in soon)),
        overpaid=debts.overpaid,
        orders=queries.list_orders(frame.session(), payer_id=payer_of_request(), limit=5)[:5],
    )


@blueprint.get("/receivables")
@requires(SEE_OWN)
def receivables() -> str:
    """Everything to pay, grouped by kind. What is chosen, the order, the day and the page are in the address."""
    today, day = clock.today(), _day_of_address()
    debts = _debts(day)
    choice = read_choice(request.args, debts.rows)
    rows = choice.apply(debts.rows, today)
    pages_all = max((len(rows) + PAGE - 1) // PAGE, 1)
    page = min(max(request.args.get("page", 1, type=int), 1), pages_all)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    groups: dict[str, list[ToPay]] = {}
    for row in shown:
        groups.setdefault("" if choice.sort else row.kind, []).append(row)
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.kind] = sums.get(row.kind, 0) + row.grosze
    return render_template(
        "portal/receivables.html",
        debts=debts,
        overpaid=debts.overpaid,
        groups=groups,
        sums=sums,
        kinds={row.kind_id: row.kind for row in debts.rows},
        years=sorted({row.year for row in debts.rows}, reverse=True),
        choice=choice,
        day=day,
        today=today,
        last_day=today + LONGEST_LOOK,
        page=page,
        pages_all=pages_all,
        filtered=Money(sum(row.grosze for row in rows)) if choice.is_any else debts.total,
    )


def _day_of_address() -> date:
    """`day=2026-11-27`: the day somebody wants to pay on; today for anything else, and nothing before it."""
    today = clock.today()
    try:
        wanted = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today
    return min(max(wanted, today), today + LONGEST_LOOK)


@blueprint.get("/overpayments")
@requires(SEE_OWN)
def overpayments() -> str:
    """Money of the payer that pays for nothing yet, and what can be done about it."""
    rows = list_overpayments(frame.session(), payer_id=payer_of_request())
    return render_template("portal/overpayments.html", rows=rows, total=Money.total(row.amount for row in rows))


@blueprint.get("/receivables/<uuid:receivable_id>")
@requires(SEE_OWN)
def receivable(receivable_id: UUID) -> str:
    """One of them, with interest to today or to the day somebody wants to pay on. A closed one is only read."""
    today, day = clock.today(), _day_of_address()
    found = get_receivable(frame.session(), receivable_id, payer_id=payer_of_request(), today=today, day=day)
    pages_all = max((len(found.instalments) + PAGE - 1) // PAGE, 1)
    page = min(max(request.args.get("page", 1, type=int), 1), pages_all)
    return render_template(
        "portal/receivable.html",
        found=found,
        receivable=found.head,
        instalments=found.instalments[(page - 1) * PAGE : page * PAGE],
        names=operation_names(),
        documents=list_documents(frame.session(), receivable_id),
        day=day,
        today=today,
        last_day=today + LONGEST_LOOK,
        page=page,
        pages_all=pages_all,
    )


@blueprint.get("/payments/new")
@requires(PAY)
def review() -> str | Response:
    """The chosen instalments with their parts, before anything is ordered. The choice and the amounts are in the
    address."""
    if not current_person().may_pay:
        flash(_("You may look at what they owe, and not pay for them here. The office decides what you may."), "warn")
        return redirect(url_for("portal.receivables"), 303)
    debts = _debts()
    basket = read_basket(request.args, debts.rows)
    if not basket.lines:
        flash(_("Choose at least one item to pay."), "warn")
        return redirect(url_for("portal.receivables"), 303)
    return _review_page(debts, basket)


@blueprint.post("/payments/new")
@requires(PAY)
def recount() -> Response:
    """The amounts that were typed go into the address, and are counted there."""
    check_token()
    check_shown_for()
    return redirect(url_for("portal.review", **read_basket(request.form, _debts().rows).words()), 303)


def look_again(kept: KeptForm) -> str | None:
    """An order whose session had ended is looked at anew: its amounts may have changed meanwhile."""
    if kept.path not in {url_for("portal.order"), url_for("portal.review")}:
        return None
    return _address_of(MultiDict(kept.fields))


def _address_of(fields: MultiDict[str, str]) -> str:
    words: dict[str, Any] = {"i": fields.getlist("i")}
    words |= {name: value for name, value in fields.items() if name.startswith("a-")}
    return url_for("portal.review", **words)


def _review_page(debts: Debts, basket: Basket, *, changed: bool = False, code_problem: str = "") -> str:
    online = [Sum(line.row.creditor_account_id, line.paid.total) for line in basket.lines if line.row.online]
    checkout = make_checkout(online)
    payable = basket.narrowed(checkout.accounts)
    chosen = [line.row for line in basket.lines]
    older = [row for row in _older_arrears(debts, chosen) if row.online]
    fits = len(older) + len(chosen) <= ordering.MOST_LINES
    return render_template(
        "portal/review.html",
        form=TokenForm(),
        basket=payable,
        offline=[line.row for line in basket.lines if line.row.id not in payable.ids],
        checkout=checkout,
        wished=request.form.get("gateway"),
        code_problem=code_problem,
        resolutions=_resolutions(payable),
        held=[row for row in chosen if row.held_until is not None],
        older=older,
        older_sum=Money.total(row.total for row in older),
        on_paper=url_for("papers.transfer_orders", **basket.words()),
        with_older=url_for("portal.review", **basket.words(*older)) if fits else None,
        request_key=uuid4(),
        changed=changed,
        email=current_person().email,
    )


def _resolutions(basket: Basket) -> dict[str, str]:
    """By which resolution of the council each kind is paid online (art. 61a Ordynacji podatkowej)."""
    return {line.row.kind: line.row.resolution for line in basket.lines if line.row.resolution}


def _older_arrears(debts: Debts, chosen: list[ToPay]) -> list[ToPay]:
    """Arrears of the same kind that are older than what was chosen: the law credits the money to them first.

    Art. 62 § 1 Ordynacji podatkowej: within the tax the payer named, the oldest arrears come first.
    """
    ids = {row.id for row in chosen}
    newest: dict[UUID, date] = {}
    for row in chosen:
        newest[row.kind_id] = max(row.due_on, newest.get(row.kind_id, row.due_on))
    return [
        row
        for row in debts.rows
        if row.overdue
        and row.total
        and row.id not in ids
        and row.kind_id in newest
        and row.due_on < newest[row.kind_id]
    ]


@blueprint.post("/payments")
@requires(PAY)
def order() -> str | Response | tuple[str, int]:
    """Order what was shown and send the payer to the gateway. A double click orders once."""
    check_token()
    check_shown_for()
    session, person = frame.session(), current_person()
    if not person.may_pay:
        abort(403)
    payer_id, debts = payer_of_request(), _debts()
    chosen = read_chosen(request.form)
    basket = read_basket(request.form, debts.rows)
    if any(each.instalment_id not in {row.id for row in debts.rows} for each in chosen):
        return _changed()
    if basket.has_problems:
        return _review_page(debts, basket), 422
    if has_new_amounts(basket, chosen):
        flash(_("You changed an amount. Look at the sums, then pay."), "warn")
        return redirect(url_for("portal.review", **basket.words()), 303)
    try:
        code = read_blik(request.form.get("blik"))
        sums = [Sum(line.row.creditor_account_id, line.paid.total) for line in basket.lines if line.row.online]
        check_code(code, make_checkout(sums), request.form.get("gateway"))
    except WrongCode as wrong:
        return _review_page(debts, basket, code_problem=str(wrong)), 422
    try:
        made = ordering.order_payment(
            session,
            request_key=uuid_of(request.form.get("request_key")),
            payer_id=payer_id,
            user_id=person.id,
            chosen=chosen,
            email=person.email,
            language=current_language(),
        )
        session.expire_all()
        made = queries.get_order(session, made.number, payer_ids=[payer_id])
        if not is_payable(made):  # the form was sent again after the money came
            return redirect(url_for("portal.payment", number=made.number), 303)
        return _begin(made, code)
    except (BasketChanged, NotPayableOnline):
        session.rollback()
        return _changed()


def _begin(made: PaymentOrder, code: str | None) -> Response:
    """To the gateway, or to the page that waits for the bank's application."""
    number = made.number
    transaction = begin(made, code=code)
    return redirect(url_for("portal.go" if transaction.redirect_url else "portal.payment", number=number), 303)


def _changed() -> tuple[str, int]:
    debts = _debts()
    return _review_page(debts, read_basket(request.form, debts.rows), changed=True), 409


@blueprint.get("/payments/<number>/go")
@requires(PAY)
def go(number: str) -> str | Response:
    """On the way to the gateway. A page of its own: browsers hold redirects after a form against `form-action`."""
    found = queries.get_order(frame.session(), number, payer_ids=[payer_of_request()])
    transaction = find_page(found)
    if transaction is None:
        return redirect(url_for("portal.payment", number=number), 303)
    return render_template("portal/go.html", **on_the_way(found, transaction))


@blueprint.get("/payments")
@requires(SEE_OWN)
def payments() -> str:
    state = request.args.get("state", "")
    chosen = PaymentOrderState(state) if state in list(PaymentOrderState) else None
    place = _place(request.args.get("before", ""))
    rows = queries.list_orders(frame.session(), payer_id=payer_of_request(), state=chosen, before=place)
    more = rows[queries.PAGE - 1] if len(rows) > queries.PAGE else None
    return render_template(
        "portal/payments.html",
        orders=rows[: queries.PAGE],
        more=f"{more.ordered_at.isoformat()}_{more.id}" if more else None,
        state=state,
        states=list(PaymentOrderState),
    )


def _place(text: str) -> tuple[datetime, UUID] | None:
    moment, _sep, order_id = text.partition("_")
    try:
        return datetime.fromisoformat(moment), UUID(order_id)
    except ValueError:
        return None


@blueprint.get("/payments/<number>")
@requires(SEE_OWN)
def payment(number: str) -> str:
    """The page a payer comes back to. It shows the state; only what the gateway answers to us changes it."""
    found = queries.get_order(frame.session(), number, payer_ids=[payer_of_request()])
    rest, paid = rest_of(found), paid_lines(found)
    unpaid = [line for line in found.lines if line.id not in paid]
    return render_template(
        "portal/payment.html",
        **look_at(found),
        paid=found.amount - rest,
        rest=rest,
        paid_lines=paid,
        on_paper=url_for("papers.transfer_orders", **paper_words(unpaid)),
        is_confirmed=bool(confirmed_lines(found)),
        form=TokenForm(),
    )


@blueprint.post("/payments/<number>/pay")
@requires(PAY)
def pay_again(number: str) -> Response:
    """Go on with an open attempt, or begin another after one failed."""
    check_token()
    check_shown_for()
    if not current_person().may_pay:
        abort(403)
    own = [payer_of_request()]
    return go_on(
        lambda: queries.get_order(frame.session(), number, payer_ids=own),
        _begin,
        here=url_for("portal.payment", number=number),
        gone=url_for("portal.receivables"),
    )
