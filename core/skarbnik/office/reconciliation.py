"""Gateway, Skarbnik and finance system side by side: days, a day, its protocol, statements, payouts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import FileField, SelectField
from wtforms.validators import ValidationError

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import BrokenFile, FileProblem, Nonsense, NotFound
from skarbnik.office import protocol, queries
from skarbnik.office.difference_words import resolution_names, words_of
from skarbnik.payments import reconciliation, settling
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.permissions import DECIDE, SEE_MONEY, TAKE_LISTS
from skarbnik.payments.queries import list_all_accounts
from skarbnik.plugin_api import impersonal, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.addresses import read_day
from skarbnik.web.fields import to_choices
from skarbnik.web.formats import account, day
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.paging import page_number
from skarbnik.web.tables import FileFormat, as_file, as_paper, as_pdf_answer

blueprint = Blueprint("reconciliation", __name__, url_prefix="/office/reconciliation", template_folder="templates")

LARGEST_STATEMENT = 10 * 1024 * 1024
AROUND = 64 * 1024  # what a form has beside its file
SHOWN = 100  # differences of a day on its page
MOST_LINES = 20_000  # of a file
FIRST_DAY = date(2000, 1, 1)  # before it nobody paid here


class StatementForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A file from the panel of a gateway, and of which account it is."""

    account = SelectField()
    file = FileField()

    def __init__(self, accounts: list[MerchantAccount], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.account.choices = to_choices((str(each.id), f"{each.title} {each.merchant}") for each in accounts)

    def validate_file(self, field: FileField) -> None:
        if not field.data or not field.data.filename:
            raise ValidationError(_("Choose a file."))


@blueprint.get("")
@requires(SEE_MONEY)
@impersonal("money and numbers of the gmina, no name")
def days() -> str:
    """The days, the newest first; with `day` in the address, that day."""
    if "day" in request.args:
        return _day(_asked_day())
    today = clock.today()
    last = min(max(read_day(request.args.get("last")) or today, FIRST_DAY), today)
    rows = reconciliation.list_days(frame.session(), last=last)
    return render_template(
        "office/reconciliation.html",
        rows=rows,
        today=today,
        older=rows[-1].day - timedelta(days=1) if rows[-1].day > FIRST_DAY else None,
        newer=min(last + timedelta(days=reconciliation.DAYS), today) if last < today else None,
        statements=_accounts_with_files(),
        decide=DECIDE,
    )


def _day(wanted: date) -> str:
    session = frame.session()
    differing, page = request.args.get("lines") == "differing", page_number()
    lines = reconciliation.list_lines(session, wanted, differing=differing, page=page)
    accounts = reconciliation.get_day(session, wanted)
    return render_template(
        "office/reconciliation_day.html",
        take=TAKE_LISTS,
        day=wanted,
        today=clock.today(),
        accounts=accounts,
        titles={each.account.id: f"{each.account.title} {each.account.merchant}" for each in accounts},
        known={each.account.id: protocol.known_by(each) for each in accounts},
        differences=queries.list_differences_of(session, wanted, most=SHOWN),
        words_of=words_of,
        resolutions=resolution_names(),
        shown=SHOWN,
        lines=lines[: reconciliation.PAGE],
        more=len(lines) > reconciliation.PAGE,
        page=page,
        differing=differing,
        names=protocol.settlement_names(),
        finance=protocol.finance_names(),
        before=wanted - timedelta(days=1),
        after=wanted + timedelta(days=1),
        decide=DECIDE,
        form=TokenForm(),
    )


@blueprint.post("/ask")
@requires(DECIDE)
def ask() -> Response:
    """Do not wait for the night: the worker asks every gateway about a day now."""
    check_token()
    if read_day(request.form.get("day")) is None:
        abort(400)
    wanted = _asked_day()
    settling.begin_asking(frame.session(), g.tenant, wanted)
    record_own_act("settlement.asked", f"day:{wanted}")
    flash(_("The gateways are being asked. What they say stands here in a moment; load the page anew."))
    return redirect(url_for("reconciliation.days", day=wanted), 303)


@blueprint.get("/protocol/<wanted>")
@requires(TAKE_LISTS)
@impersonal("money and numbers of the gmina, no name")
def day_file(wanted: str) -> Response:
    """The protocol of a day: PDF to sign, CSV with every line."""
    session, of = frame.session(), _asked_day()
    accounts, name = reconciliation.get_day(session, of), f"uzgodnienie-{of}"
    if wanted == FileFormat.CSV:
        lines = reconciliation.list_lines(session, of, size=MOST_LINES)
        return as_file(protocol.lines_table(of, lines, accounts), FileFormat.CSV, name)
    if wanted != FileFormat.PDF:
        raise NotFound(f"no protocol as {wanted}")
    tables = protocol.day_tables(accounts, queries.list_differences_of(session, of, most=MOST_LINES))
    title = _("Protocol of the reconciliation of %(day)s", day=day(of))
    paper = as_paper(title, [g.tenant.name], tables, protocol.signed(current_person().name))
    return as_pdf_answer(paper, name)


@blueprint.get("/statement")
@requires(DECIDE)
@impersonal("an empty form")
def statement_form() -> str:
    return _statement_page(StatementForm(_accounts_with_files(), formdata=None))


@blueprint.post("/statement")
@requires(DECIDE, largest=LARGEST_STATEMENT + AROUND)
def bring_statement() -> Response | tuple[str, int]:
    """Read a file of a gateway's panel: all of it, or nothing when anything is wrong."""
    accounts = _accounts_with_files()
    form = StatementForm(accounts)
    if not form.validate():
        return _statement_page(form), 422
    chosen = next(each for each in accounts if str(each.id) == form.account.data)
    frame.session().commit()  # the file is read for a while, and no transaction waits for it
    try:
        lines, news = settling.take_statement(g.tenant, chosen, form.file.data.stream)
    except BrokenFile as error:
        form.file.errors = [_("Nothing of the file was used. What is wrong with it stands below.")]
        return _statement_page(form, error.problems), 422
    except Nonsense:
        form.file.errors = [_("Nothing of the file was used: it says something that cannot be.")]
        return _statement_page(form), 422
    record_own_act("statement.brought", "merchant_account", chosen.id)
    flash(_("The statement was read: %(lines)s lines, of them %(news)s new or changed.", lines=lines, news=news))
    return redirect(url_for("reconciliation.days"), 303)


def _statement_page(form: StatementForm, problems: list[FileProblem] | None = None) -> str:
    return render_template("office/statement.html", form=form, problems=problems or [])


@blueprint.get("/payouts")
@requires(SEE_MONEY)
@impersonal("money and numbers of the gmina, no name")
def payouts() -> str:
    page = page_number()
    rows = reconciliation.list_payouts(frame.session(), page=page)
    return render_template(
        "office/payouts.html", rows=rows[: reconciliation.PAGE], more=len(rows) > reconciliation.PAGE, page=page
    )


@blueprint.get("/payouts/<uuid:payout_id>")
@requires(SEE_MONEY)
@impersonal("money and numbers of the gmina, no name")
def payout(payout_id: UUID) -> str:
    session, page = frame.session(), page_number()
    found = reconciliation.get_payout(session, payout_id)
    lines = reconciliation.list_payout_lines(session, payout_id, page=page)
    return render_template(
        "office/payout.html",
        take=TAKE_LISTS,
        payout=found,
        split=reconciliation.split_payout(session, found),
        lines=lines[: reconciliation.PAGE],
        more=len(lines) > reconciliation.PAGE,
        page=page,
        names=protocol.settlement_names(),
    )


@blueprint.get("/payouts/<uuid:payout_id>/file/<wanted>")
@requires(TAKE_LISTS)
@impersonal("money and numbers of the gmina, no name")
def payout_file(payout_id: UUID, wanted: str) -> Response:
    """A payout: PDF by kind of receivable, to be booked by; CSV with every line."""
    session = frame.session()
    found = reconciliation.get_payout(session, payout_id)
    name = f"wyplata-{found.paid_on}-{found.id.hex[-6:]}"  # a gateway's number may be no name of a file
    if wanted == FileFormat.CSV:
        rows = reconciliation.list_payout_lines(session, payout_id, size=MOST_LINES)
        return as_file(protocol.payout_table(found, rows), FileFormat.CSV, name)
    if wanted != FileFormat.PDF:
        raise NotFound(f"no payout as {wanted}")
    merchant = found.merchant_account
    lines = [
        g.tenant.name,
        _("%(gateway)s, account %(merchant)s", gateway=merchant.title, merchant=merchant.merchant),
        _("Paid out on %(day)s to %(account)s", day=day(found.paid_on), account=account(merchant.creditor_account.nrb)),
    ]
    tables = protocol.payout_tables(reconciliation.split_payout(session, found))
    title = _("Payout %(number)s", number=found.external_id)
    return as_pdf_answer(as_paper(title, lines, tables, protocol.signed(current_person().name)), name)


def _accounts_with_files() -> list[MerchantAccount]:
    return [each for each in list_all_accounts(frame.session()) if settling.takes_statements(g.tenant, each)]


def _asked_day() -> date:
    """The day of the address, or of the form. One that was not written by us, or has not come, is none."""
    found = read_day(request.values.get("day"))
    if found is None or not FIRST_DAY <= found <= clock.today():
        raise NotFound("no such day")
    return found
