"""The clerk's pages: the day, differences, payers, search, the trail."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.accounts.permissions import SEE_RESIDENTS
from skarbnik.audit.permissions import READ
from skarbnik.audit.requests import record_own_act
from skarbnik.exchange.models import ImportRun
from skarbnik.exchange.permissions import SEE as SEE_EXCHANGE
from skarbnik.office import queries
from skarbnik.office.choices import read_choice
from skarbnik.office.difference_words import difference_words, resolution_names, words_of
from skarbnik.payers.fields import basis_names
from skarbnik.payers.permissions import SEE_REQUESTS
from skarbnik.payers.queries import list_acting_for
from skarbnik.payments import bookings
from skarbnik.payments import permissions as payments_may
from skarbnik.payments.queries import list_all_accounts
from skarbnik.plugin_api import Limited, Permission, Role, Support, impersonal, records, requires
from skarbnik.portal.debts import list_to_pay
from skarbnik.receivables.permissions import READ_DOCUMENTS, SEE_ANY
from skarbnik.web import frame
from skarbnik.web.access import current_person, kinds_in_scope, may
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.menu import make_menu
from skarbnik.web.paging import cursor

blueprint = Blueprint("office", __name__, url_prefix="/office", template_folder="templates")

DEBTS_ON_A_PAGE = 50

ENTER = Permission("office.enter", roles=frozenset(Role), support=Support.LOOK, limited=Limited.APART)


@blueprint.get("/")
@requires(ENTER)
@impersonal("money and numbers of the gmina, no name")
def day() -> str | Response:
    """The clerk's day. Who may not see money is led to what they may use."""
    kinds = kinds_in_scope()
    if kinds is not None and may(SEE_ANY):
        figures = queries.day_of_kinds(frame.session(), kinds, since=clock.start_of(clock.today()))
        return render_template("office/day_of_kinds.html", figures=figures)
    if not may(SEE_EXCHANGE):
        usable = make_menu().entries
        if usable:
            return redirect(usable[0].path, 303)
        return render_template("office/nothing.html")
    since = clock.start_of(clock.today())
    session = frame.session()
    return render_template(
        "office/day.html",
        figures=queries.day_figures(session, since=since),
        equations=queries.money_equation(session),
        accounts={(each.gateway, each.merchant): each for each in list_all_accounts(session)},
        runs=session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(5)).all(),
        reconcile=payments_may.SEE_MONEY,
    )


@blueprint.get("/differences")
@requires(payments_may.SEE_MONEY)
@impersonal("money and numbers of the gmina, no name")
def differences() -> str:
    choice, words = read_choice(request.args)
    rows = queries.list_differences(frame.session(), choice, place=cursor("place"))
    return render_template(
        "office/differences.html",
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None,
        chosen=words,
        kinds=difference_words(),
        words_of=words_of,
        resolutions=resolution_names(),
        decide=payments_may.DECIDE,
        form=TokenForm(),
        days_since=clock.days_since,
    )


@blueprint.post("/differences/<uuid:booking_id>/book")
@requires(payments_may.DECIDE)
def book_anyway(booking_id: UUID) -> Response:
    """Book money in suspense after all: the finance system makes an overpayment of what is too much."""
    check_token()
    bookings.release_booking(frame.session(), booking_id, user_id=current_person().id)
    record_own_act("booking.released", "booking_line", booking_id)
    flash(_("The amount will be sent to the finance system with the next batch."))
    return redirect(url_for("office.differences"), 303)


@blueprint.get("/payers")
@requires(SEE_ANY)
@records("payers.searched")
def payers() -> str:
    wanted = request.args.get("q", "").strip()
    rows = queries.find_payers(frame.session(), wanted, kinds=kinds_in_scope())
    if rows:
        record_own_act("payers.searched", "payers", payers=[row.id for row in rows])
    return render_template("office/payers.html", rows=rows, wanted=wanted)


@blueprint.get("/payers/<uuid:payer_id>")
@requires(SEE_ANY)
@records("payer.viewed")
def payer(payer_id: UUID) -> str:
    session = frame.session()
    kinds = kinds_in_scope()
    found = queries.get_payer(session, payer_id, kinds=kinds)
    record_own_act("payer.viewed", "payer", payer_id, payers=[payer_id])
    acting = list_acting_for(session, payer_id, today=clock.today()) if may(SEE_REQUESTS) else None
    debts = list_to_pay(session, payer_id=payer_id, today=clock.today(), now=clock.now(), kinds=kinds)
    pages_all = max((len(debts.rows) + DEBTS_ON_A_PAGE - 1) // DEBTS_ON_A_PAGE, 1)
    page = min(max(request.args.get("page", 1, type=int), 1), pages_all)
    return render_template(
        "office/payer.html",
        payer=found,
        debts=debts,
        acting=acting,
        bases=basis_names(),
        sees_residents=SEE_RESIDENTS,
        rows=debts.rows[(page - 1) * DEBTS_ON_A_PAGE : page * DEBTS_ON_A_PAGE],
        page=page,
        pages_all=pages_all,
        read_documents=READ_DOCUMENTS,
        read_trail=READ,
    )


@blueprint.get("/search")
@requires(SEE_ANY)
@records("payers.searched")
def search() -> str:
    """Payers, payments and receivables by one box: a name, a number, a NIP."""
    wanted = request.args.get("q", "").strip()
    found = queries.search(frame.session(), wanted, today=clock.today(), kinds=kinds_in_scope())
    if found.payers or found.orders or found.receivables:
        seen = [*(row.id for row in found.payers), *(row.payer_id for row in (*found.orders, *found.receivables))]
        record_own_act("payers.searched", "payers", payers=seen)
    return render_template("office/search.html", found=found, wanted=wanted)
