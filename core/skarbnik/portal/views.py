"""A resident's pages: what do I owe, pay it, follow the money."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.accounts import services as accounts
from skarbnik.content.queries import front_texts, list_warnings
from skarbnik.money import Amounts, Money
from skarbnik.payments import ordering, queries, starting
from skarbnik.payments.models import MerchantAccount, PaymentOrder, Transaction
from skarbnik.payments.ordering import BasketChanged, Chosen, NotPayableOnline
from skarbnik.payments.permissions import PAY
from skarbnik.payments.queries import paid_lines, rest_of
from skarbnik.payments.states import CaptureState, PaymentOrderState
from skarbnik.plugin_api import TransactionState
from skarbnik.portal.choices import read_choice
from skarbnik.portal.confirmation import confirmed_lines
from skarbnik.portal.debts import Debts, ToPay, list_to_pay
from skarbnik.portal.operations import operation_names
from skarbnik.portal.queries import list_overpayments, list_payers_of
from skarbnik.portal.receivable import get_receivable
from skarbnik.portal.timeline import Mark, make_timeline
from skarbnik.receivables.documents import list_documents
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person, public, requires
from skarbnik.web.forms import TokenForm
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


def payer_of_request() -> UUID:
    """Whom the person of this request acts for; who acts for nobody is told so."""
    payer_id = current_person().payer_id
    if payer_id is None:
        abort(redirect(url_for("portal.nobody"), 303))
    return payer_id


@blueprint.get("/no-payer")
@requires(SEE_OWN)
def nobody() -> str:
    return render_template("portal/nobody.html")


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
    """The chosen instalments with their parts, before anything is ordered. The choice is in the address."""
    debts = _debts()
    chosen = _chosen_rows(debts, request.args.getlist("i"))
    if not chosen:
        flash(_("Choose at least one item to pay."), "warn")
        return redirect(url_for("portal.receivables"), 303)
    return _review_page(debts, chosen)


def look_again(kept: KeptForm) -> str | None:
    """An order whose session had ended is looked at anew: its amounts may have changed meanwhile."""
    if kept.path != url_for("portal.order"):
        return None
    return url_for("portal.review", i=[value for name, value in kept.fields if name == "i"])


def _chosen_rows(debts: Debts, ids: list[str]) -> list[ToPay]:
    wanted = set(ids[: ordering.MOST_LINES + 1])
    return [row for row in debts.rows if str(row.id) in wanted and row.total]


def _review_page(debts: Debts, chosen: list[ToPay], *, changed: bool = False) -> str:
    offers = _offers_for([row for row in chosen if row.online])
    accounts_found = _one_for_each(offers)
    covered = {account.creditor_account_id for account in accounts_found}
    payable = [row for row in chosen if row.online and row.creditor_account_id in covered]
    older = [row for row in _older_arrears(debts, chosen) if row.online]
    fits = len(older) + len(chosen) <= ordering.MOST_LINES
    groups = [
        (account, Money.total(row.total for row in payable if row.creditor_account_id == account.creditor_account_id))
        for account in accounts_found
    ]
    return render_template(
        "portal/review.html",
        form=TokenForm(),
        rows=payable,
        offline=[row for row in chosen if not row.online or row.creditor_account_id not in covered],
        groups=groups,
        gateways=list({account.gateway: account for account in offers}.values()),
        amounts=Amounts.sum(row.amounts for row in payable),
        held=[row for row in chosen if row.held_until is not None],
        older=older,
        older_sum=Money.total(row.total for row in older),
        on_paper=url_for("papers.transfer_orders", i=[str(row.id) for row in chosen]),
        with_older=url_for("portal.review", i=[str(row.id) for row in [*older, *chosen]]) if fits else None,
        request_key=uuid4(),
        changed=changed,
        email=current_person().email,
    )


def _offers_for(rows: list[ToPay]) -> list[MerchantAccount]:
    """The merchant accounts that may receive the rows, of gateways this gmina has switched on."""
    wanted = {row.creditor_account_id for row in rows if row.creditor_account_id is not None}
    found = queries.list_merchant_accounts(frame.session(), wanted)
    return [account for account in found if account.gateway in g.tenant.plugins]


def _one_for_each(offers: list[MerchantAccount]) -> list[MerchantAccount]:
    """The oldest merchant account of each creditor account."""
    found: dict[UUID, MerchantAccount] = {}
    for account in offers:
        found.setdefault(account.creditor_account_id, account)
    return list(found.values())


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
    form = TokenForm()
    if not form.validate_on_submit():
        abort(400)
    session, person = frame.session(), current_person()
    if not person.may_pay:
        abort(403)
    payer_id = payer_of_request()
    chosen = _chosen_from_form()
    own = {row.id for row in _debts().rows}
    if any(each.instalment_id not in own for each in chosen):
        return _changed(chosen)
    try:
        made = ordering.order_payment(
            session,
            request_key=_uuid(request.form.get("request_key")),
            payer_id=payer_id,
            user_id=person.id,
            chosen=chosen,
            email=person.email,
            language=current_language(),
        )
        session.expire_all()
        made = queries.get_order(session, made.number, payer_ids=[payer_id])
        if not _payable(made):  # the form was sent again after the money came
            return redirect(url_for("portal.payment", number=made.number), 303)
        transaction = ordering.open_transaction(session, made, _next_account(made))
    except (BasketChanged, NotPayableOnline):
        session.rollback()
        return _changed(chosen)
    return _go(made.number, transaction)


def _changed(chosen: list[Chosen]) -> tuple[str, int]:
    debts = _debts()
    rows = _chosen_rows(debts, [str(each.instalment_id) for each in chosen])
    return _review_page(debts, rows, changed=True), 409


def _chosen_from_form() -> list[Chosen]:
    """`i` are ids, `p`, `n`, `k` the grosze of principal, interest and costs that were shown beside them."""
    fields = [request.form.getlist(name) for name in ("i", "p", "n", "k")]
    if len({len(each) for each in fields}) != 1 or not fields[0]:
        abort(400)
    chosen = []
    for instalment_id, *parts in zip(*fields, strict=True):
        if not all(part.isascii() and part.isdecimal() and len(part) < 16 for part in parts):
            abort(400)
        chosen.append(Chosen(_uuid(instalment_id), Amounts(*(Money(int(part)) for part in parts))))
    return chosen


def _uuid(value: str | None) -> UUID:
    try:
        return UUID(value or "")
    except ValueError:
        abort(400)


def _next_account(made: PaymentOrder) -> MerchantAccount:
    """The merchant account of the first lines that nothing was captured for, at the gateway the payer wants.

    An attempt that is open goes on before any wish: two open ones may both be paid. Then comes what was chosen now,
    then what was chosen the last time.
    """
    paid = paid_lines(made)
    waiting = {line.creditor_account_id for line in made.lines if line.id not in paid}
    offers = [
        account
        for account in queries.list_merchant_accounts(frame.session(), waiting)
        if account.gateway in g.tenant.plugins
    ]
    if not offers:
        raise NotPayableOnline("no gateway receives what is left of this order")
    tried = list(reversed(made.transactions))
    open_at = [each.merchant_account_id for each in tried if each.state in queries.OPEN_TRANSACTIONS]
    for account in offers:
        if account.id in open_at:
            return account
    wishes = [request.form.get("gateway"), *(each.merchant_account.gateway for each in tried)]
    first = {account.gateway: account for account in reversed(offers)}
    return next((first[wish] for wish in wishes if wish in first), offers[0])


def _go(number: str, transaction: Transaction) -> Response:
    """Commit our id, then call the gateway with no transaction open, then send the payer there."""
    session = frame.session()
    session.commit()
    if transaction.redirect_url is None:
        transaction = starting.start(g.tenant, transaction.id, payer_ip=request.remote_addr or "127.0.0.1")
    return redirect(url_for("portal.go", number=number), 303)


@blueprint.get("/payments/<number>/go")
@requires(PAY)
def go(number: str) -> str | Response:
    """On the way to the gateway. A page of its own: browsers hold redirects after a form against `form-action`."""
    found = queries.get_order(frame.session(), number, payer_ids=[payer_of_request()])
    for transaction in reversed(found.transactions):
        if transaction.state is TransactionState.PENDING and transaction.redirect_url:
            return render_template("portal/go.html", order=found, transaction=transaction)
    return redirect(url_for("portal.payment", number=number), 303)


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
    open_there = any(
        each.state in {TransactionState.PENDING, TransactionState.UNKNOWN, TransactionState.CREATED}
        for each in found.transactions
    )
    payable, steps = _payable(found), make_timeline(found)
    same_day, rest, paid = found.ordered_on == clock.today(), rest_of(found), paid_lines(found)
    return render_template(
        "portal/payment.html",
        order=found,
        steps_done=steps,
        moving=any(step.mark in {Mark.NOW, Mark.WAITS} for step in steps),
        waiting=payable and open_there,
        paid=found.amount - rest,
        rest=rest,
        paid_lines=paid,
        unpaid=[str(line.instalment_id) for line in found.lines if line.id not in paid],
        is_confirmed=bool(confirmed_lines(found)),
        payable=payable and same_day,
        expired=payable and not same_day,
        form=TokenForm(),
    )


def _payable(found: PaymentOrder) -> bool:
    """Nobody is asked to pay what is paid, nor while money for it is being clarified."""
    clarified = any(
        capture.state is CaptureState.IN_SUSPENSE for each in found.transactions for capture in each.captures
    )
    return found.state not in {PaymentOrderState.PAID, PaymentOrderState.REFUNDED} and not clarified


@blueprint.post("/payments/<number>/pay")
@requires(PAY)
def pay_again(number: str) -> Response:
    """Go on with an open attempt, or begin another after one failed."""
    if not TokenForm().validate_on_submit():
        abort(400)
    if not current_person().may_pay:
        abort(403)
    session = frame.session()
    found = queries.get_order(session, number, payer_ids=[payer_of_request()])
    session.commit()
    starting.settle_open(g.tenant, found)
    session.expire_all()
    found = queries.get_order(session, number, payer_ids=[payer_of_request()])
    if not _payable(found):
        return redirect(url_for("portal.payment", number=number), 303)
    if request.form.get("rest") != str(rest_of(found).grosze):
        flash(_("A part came in meanwhile. Look at what is left, then pay it."), "warn")
        return redirect(url_for("portal.payment", number=number), 303)
    try:
        transaction = ordering.open_transaction(session, found, _next_account(found))
    except (BasketChanged, NotPayableOnline):
        session.rollback()
        flash(_("This order can no longer be paid. Choose what to pay again."), "warn")
        return redirect(url_for("portal.receivables"), 303)
    return _go(number, transaction)


@blueprint.route("/acting", methods=["GET", "POST"])
@requires(SEE_OWN)
def acting() -> str | Response:
    """Whom the user acts for: seen on every page, changed with one click."""
    session, person = frame.session(), current_person()
    found: Any = list_payers_of(session, user_id=person.id, today=clock.today())
    form = TokenForm()
    if form.validate_on_submit():
        wanted = _uuid(request.form.get("payer"))
        if wanted not in {payer.id for payer in found}:
            abort(404)
        accounts.act_for(session, request.cookies[frame.cookie_name("session")], wanted)
        name = next(payer.name for payer in found if payer.id == wanted)
        flash(_("You now act for %(name)s.", name=name))
        return redirect(url_for("portal.dashboard"), 303)
    return render_template("portal/acting.html", payers=found, form=form)
