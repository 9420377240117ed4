"""From what was chosen to a gateway: who may receive it, what that costs, and the way there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.money import ZERO, Money
from skarbnik.payments import ordering, queries, starting
from skarbnik.payments.commission import commission_on
from skarbnik.payments.models import MerchantAccount, PaymentOrder, Transaction
from skarbnik.payments.ordering import BasketChanged, NotPayableOnline
from skarbnik.payments.states import CaptureState, CommissionPayer, PaymentOrderState
from skarbnik.plugin_api import BlikProblem, Capability, TransactionState
from skarbnik.portal.timeline import Mark, make_timeline
from skarbnik.web import frame

LONGEST_AGENT = 200
BLIK = "blik "  # begins what a gateway answered about a code, see `starting.start`


@dataclass(frozen=True)
class Sum:
    """An amount that goes to one bank account."""

    account_id: UUID | None
    total: Money


@dataclass(frozen=True)
class Step:
    """One payment: what goes to one bank account, through one merchant account."""

    account: MerchantAccount
    total: Money

    @property
    def commission(self) -> Money:
        """What the payer pays besides, at the gateway's page."""
        return commission_of(self.account, self.total)


@dataclass(frozen=True)
class Way:
    """A gateway that may be chosen, with what it costs to pay there."""

    gateway: str
    title: str
    commission: Money  # of all steps, borne by the payer
    is_free: bool  # the gmina bears what the gateway takes
    takes_blik: bool  # the code may be typed on our page
    is_silent: bool  # it did not answer to who tried last, a few minutes ago


@dataclass(frozen=True)
class Checkout:
    """How something is paid: in which steps, and by which gateways."""

    steps: Sequence[Step]
    ways: Sequence[Way]

    @property
    def accounts(self) -> set[UUID]:
        return {step.account.creditor_account_id for step in self.steps}

    @property
    def takes_blik(self) -> bool:
        return any(way.takes_blik for way in self.ways)


def commission_of(account: MerchantAccount, amount: Money) -> Money:
    """What the gateway takes from the payer for an amount; nothing where the gmina bears it."""
    if account.commission_payer is CommissionPayer.GMINA:
        return ZERO
    return commission_on(amount, rate=account.commission_rate, fixed=account.commission_fixed)


def make_checkout(sums: Iterable[Sum]) -> Checkout:
    """For amounts that may be paid online. What no merchant account receives is in no step."""
    sums = list(sums)
    totals, offers = _by_account(sums), list_offers(sums)
    first: dict[UUID, MerchantAccount] = {}
    for account in offers:
        first.setdefault(account.creditor_account_id, account)
    steps = [Step(account, totals[bank_account]) for bank_account, account in first.items()]
    gateways = list(dict.fromkeys(account.gateway for account in offers))
    return Checkout(steps, [_way(gateway, offers, totals) for gateway in gateways])


def list_offers(sums: Iterable[Sum]) -> list[MerchantAccount]:
    """Merchant accounts that may receive the money, of gateways this gmina has switched on.

    The oldest first, but those that do not answer at the moment last: nobody is sent there who has not chosen so.
    """
    found = queries.list_merchant_accounts(frame.session(), _by_account(sums))
    offered, silent = [account for account in found if account.gateway in g.tenant.plugins], _silent()
    return sorted(offered, key=lambda account: account.id in silent)


def _by_account(sums: Iterable[Sum]) -> dict[UUID, Money]:
    totals: dict[UUID, Money] = {}
    for each in sums:
        if each.account_id is not None:
            totals[each.account_id] = totals.get(each.account_id, ZERO) + each.total
    return totals


def _silent() -> set[UUID]:
    """Asked once for a page, however many baskets it counts."""
    if "silent_accounts" not in g:
        g.silent_accounts = queries.list_silent(frame.session(), clock.now())
    silent: set[UUID] = g.silent_accounts
    return silent


def _way(gateway: str, offers: Sequence[MerchantAccount], totals: dict[UUID, Money]) -> Way:
    own: dict[UUID, MerchantAccount] = {}
    for account in offers:
        if account.gateway == gateway:
            own.setdefault(account.creditor_account_id, account)
    accounts = list(own.values())
    return Way(
        gateway=gateway,
        title=accounts[0].title,
        commission=Money.total(commission_of(each, totals[each.creditor_account_id]) for each in accounts),
        is_free=all(each.commission_payer is CommissionPayer.GMINA for each in accounts),
        takes_blik=takes_blik(accounts[0]),
        is_silent=not _silent().isdisjoint(each.id for each in accounts),
    )


def takes_blik(account: MerchantAccount) -> bool:
    """Whether this merchant account may be given a code that was typed on our page.

    Not where the payer bears the commission: the gateway adds it on its own page, to which nobody is sent then.
    """
    gateway_type = g.tenant.instance.plugins.gateways.get(account.gateway)
    is_free = account.commission_payer is CommissionPayer.GMINA
    return account.blik and is_free and gateway_type is not None and Capability.BLIK in gateway_type.capabilities


def left_of(order: PaymentOrder) -> list[Sum]:
    """What of an order nothing came for yet, by bank account."""
    paid = queries.paid_lines(order)
    return [Sum(line.creditor_account_id, line.amounts.total) for line in order.lines if line.id not in paid]


def next_account(order: PaymentOrder, wish: str | None) -> MerchantAccount:
    """The merchant account of the first lines that nothing was captured for, at the gateway the payer wants.

    An attempt that is open goes on before any wish: two open ones may both be paid. Then comes what was chosen now,
    then what was chosen the last time, unless it does not answer.
    """
    offers = list_offers(left_of(order))
    if not offers:
        raise NotPayableOnline("no gateway receives what is left of this order")
    tried = list(reversed(order.transactions))
    open_at = [each.merchant_account_id for each in tried if each.state in queries.OPEN_TRANSACTIONS]
    for account in offers:
        if account.id in open_at:
            return account
    silent = _silent()
    wishes = [wish, *(each.merchant_account.gateway for each in tried if each.merchant_account_id not in silent)]
    first = {account.gateway: account for account in reversed(offers)}
    return next((first[each] for each in wishes if each in first), offers[0])


def is_payable(order: PaymentOrder) -> bool:
    """Nobody is asked to pay what is paid, nor while money for it is being clarified."""
    clarified = any(
        capture.state is CaptureState.IN_SUSPENSE for each in order.transactions for capture in each.captures
    )
    return order.state not in {PaymentOrderState.PAID, PaymentOrderState.REFUNDED} and not clarified


def begin(order: PaymentOrder, *, code: str | None) -> Transaction:
    """Our id is committed, then the gateway is called with no transaction open. The attempt, as it is then.

    BasketChanged or NotPayableOnline when the order cannot be paid as it is.
    """
    session = frame.session()
    account = next_account(order, request.form.get("gateway"))
    with_code = code is not None and takes_blik(account)
    transaction = ordering.open_transaction(session, order, account, is_blik=with_code)
    if transaction.is_blik and clock.now() > transaction.created_at + ordering.BLIK_TIME:
        flash(_("The gateway does not say yet what became of the BLIK code. Try again in a few minutes."), "warn")
    session.commit()
    if transaction.redirect_url is None:
        caller = starting.Caller(
            ip=request.remote_addr or "127.0.0.1",
            agent=request.user_agent.string[:LONGEST_AGENT] or None,
            blik_code=code if transaction.is_blik else None,
        )
        transaction = starting.start(g.tenant, transaction.id, caller=caller)
    return transaction


def check_code(code: str | None, checkout: Checkout, gateway: str | None) -> None:
    """WrongCode when a code was typed for a gateway that takes none on our page."""
    way = next((each for each in checkout.ways if each.gateway == gateway), checkout.ways[0] if checkout.ways else None)
    if code is not None and way is not None and not way.takes_blik:
        raise WrongCode(
            _("%(gateway)s takes no BLIK code here. Choose another one, or leave the code out.", gateway=way.title)
        )


class WrongCode(ValueError):
    """What was typed cannot be a BLIK code; the message says why."""


def read_blik(typed: str | None) -> str | None:
    """Six digits, with spaces or without. None when nothing was typed."""
    digits = "".join((typed or "").split())
    if not digits:
        return None
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        raise WrongCode(_("A BLIK code has six digits. Take a new one from your bank's application."))
    return digits


def blik_problem(order: PaymentOrder) -> str | None:
    """What was wrong with the code of the last attempt, for who typed it."""
    last = order.transactions[-1] if order.transactions else None
    if last is None or not last.is_blik or last.state is not TransactionState.REJECTED:
        return None
    words = {
        BlikProblem.WRONG: _("There is no such BLIK code. Check it, or take a new one."),
        BlikProblem.EXPIRED: _("This BLIK code has expired. Take a new one from your bank's application."),
        BlikProblem.CANCELLED: _("This BLIK code was cancelled. Take a new one from your bank's application."),
        BlikProblem.USED: _("This BLIK code was used already. Take a new one from your bank's application."),
        BlikProblem.NOT_HERE: _("BLIK codes are not taken here at the moment. Pay on the page of the gateway."),
    }
    said = (last.answer or "").removeprefix(BLIK)
    otherwise = _("The payment was not confirmed in your bank's application. Nothing was charged.")
    problem: str = words.get(BlikProblem(said), otherwise) if said in set(BlikProblem) else otherwise
    return problem


def waits_for_bank(order: PaymentOrder, now: datetime) -> bool:
    """Whether a payment may still be confirmed in a bank's application, so that nobody begins another."""
    return any(
        each.is_blik and each.state in queries.OPEN_TRANSACTIONS and each.created_at + ordering.BLIK_TIME > now
        for each in order.transactions
    )


def find_page(order: PaymentOrder) -> Transaction | None:
    """The attempt whose page at the gateway the payer may be sent to."""
    return next(
        (each for each in reversed(order.transactions) if each.state is TransactionState.PENDING and each.redirect_url),
        None,
    )


def go_on(
    find: Callable[[], PaymentOrder],
    begin_with: Callable[[PaymentOrder, str | None], Response],
    *,
    here: str,
    gone: str,
) -> Response:
    """Go on with an open attempt of an order, or begin another after one failed.

    `find` reads the order anew, with whatever lets this visitor see it; `begin_with` sends them on. `here` is the page
    of the order, `gone` where to go when it cannot be paid any more.
    """
    session, found = frame.session(), find()
    try:
        code = read_code_for(found)
    except WrongCode as wrong:
        flash(str(wrong), "wrong")
        return redirect(here, 303)
    session.commit()
    starting.settle_open(g.tenant, found)
    session.expire_all()
    found = find()
    if not is_payable(found):
        return redirect(here, 303)
    if request.form.get("rest") != str(queries.rest_of(found).grosze):
        flash(_("A part came in meanwhile. Look at what is left, then pay it."), "warn")
        return redirect(here, 303)
    try:
        return begin_with(found, code)
    except (BasketChanged, NotPayableOnline):
        session.rollback()
        flash(_("This order can no longer be paid. Choose what to pay again."), "warn")
        return redirect(gone, 303)


def read_code_for(order: PaymentOrder) -> str | None:
    """The BLIK code of a form that pays what is left of an order. WrongCode when it cannot be used."""
    code = read_blik(request.form.get("blik"))
    check_code(code, make_checkout(left_of(order)), request.form.get("gateway") or last_gateway(order))
    return code


def last_gateway(order: PaymentOrder) -> str | None:
    return order.transactions[-1].merchant_account.gateway if order.transactions else None


def look_at(order: PaymentOrder) -> dict[str, Any]:
    """What the page of an order shows of its state, and how it may be paid on."""
    now = clock.now()
    payable, same_day = is_payable(order), order.ordered_on == clock.today()
    in_bank = payable and waits_for_bank(order, now)
    opened = [each for each in order.transactions if each.state in queries.OPEN_TRANSACTIONS]
    at_gateway = any(each.redirect_url or not each.is_blik for each in opened)
    steps = make_timeline(order)
    may_choose = payable and same_day and not in_bank and not at_gateway
    return {
        "order": order,
        "steps_done": steps,
        "moving": any(step.mark in {Mark.NOW, Mark.WAITS} for step in steps),
        "waiting": payable and bool(opened),
        "in_bank": in_bank,
        "at_gateway": payable and at_gateway,
        "payable": payable and same_day and not in_bank,
        "expired": payable and not same_day,
        "checkout": make_checkout(left_of(order)) if may_choose else None,
        "wished": last_gateway(order),
        "blik_problem": blik_problem(order) if may_choose else None,
        "sent_back": queries.sent_back(order),
    }


def on_the_way(order: PaymentOrder, transaction: Transaction) -> dict[str, Any]:
    """What is said on the way to a gateway: what is paid there, and what the gateway adds."""
    commission = commission_of(transaction.merchant_account, transaction.amount)
    return {
        "order": order,
        "transaction": transaction,
        "commission": commission,
        "with_commission": transaction.amount + commission,
    }
