"""What was booked for a payer, on a page and as files; what is settled; when what is due, on a page and as a feed."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.plugin_api import public, requires
from skarbnik.portal import calendar as due_dates
from skarbnik.portal import operations as booked
from skarbnik.portal.acting import payer_of_request
from skarbnik.portal.debts import list_to_pay
from skarbnik.portal.settled import list_settled
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.formats import moment
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import current_language
from skarbnik.web.limits import limited
from skarbnik.web.paging import page_number
from skarbnik.web.tables import Column, FileFormat, Table, as_file

blueprint = Blueprint("history", __name__, template_folder="templates")


@blueprint.get("/operations")
@requires(SEE_OWN)
def operations() -> str:
    """Every operation with the balance after it; what is chosen is in the address."""
    choice = booked.read_operation_choice(request.args)
    page = page_number(10_000)
    rows = booked.list_operations(
        frame.session(), payer_id=payer_of_request(), today=clock.today(), choice=choice, page=page
    )
    return render_template(
        "portal/operations.html",
        rows=rows[: booked.PAGE],
        more=len(rows) > booked.PAGE,
        page=page,
        choice=choice,
        names=booked.operation_names(),
        this_year=clock.today().year,
    )


@blueprint.get("/operations/<wanted>")
@requires(SEE_OWN)
@limited("20 per minute")
def operations_file(wanted: str) -> Response:
    """The same as CSV, XLSX or PDF, the oldest first."""
    if wanted not in set(FileFormat):
        abort(404)
    choice = booked.read_operation_choice(request.args)
    rows = booked.all_operations(frame.session(), payer_id=payer_of_request(), today=clock.today(), choice=choice)
    names, person = booked.operation_names(), current_person()
    table = Table(
        title=_("Accounting operations"),
        lines=[f"{g.tenant.name}, {person.payer_name}", _("Printed %(moment)s", moment=moment(clock.now()))],
        columns=[
            Column(_("Booked"), 7),
            Column(_("What for"), 20),
            Column(_("Operation"), 9),
            Column(_("Document"), 12),
            Column(_("Principal"), 9, right=True),
            Column(_("Interest"), 8, right=True),
            Column(_("Costs"), 8, right=True),
            Column(_("Balance"), 9, right=True),
        ],
        rows=[
            (
                row.booked_on,
                row.title,
                names[row.kind],
                row.document,
                row.amounts.principal,
                row.amounts.interest,
                row.amounts.costs,
                row.balance,
            )
            for row in rows
        ],
        language=current_language(),
    )
    return as_file(table, FileFormat(wanted), f"{_('operations')}-{clock.today()}")


@blueprint.get("/receivables/closed")
@requires(SEE_OWN)
def closed() -> str:
    """What is settled or closed, by year. What is chosen and the page are in the address."""
    page = page_number()
    found = list_settled(
        frame.session(), payer_id=payer_of_request(), today=clock.today(), address=request.args, page=page
    )
    return render_template("portal/closed.html", found=found, page=page)


@blueprint.get("/calendar")
@requires(SEE_OWN)
def calendar() -> str:
    """Due dates by month, and the private address of the same for other calendars."""
    session, person, payer_id = frame.session(), current_person(), payer_of_request()
    debts = list_to_pay(session, payer_id=payer_id, today=clock.today(), now=clock.now())
    path = due_dates.feed_path(g.tenant, person.id, payer_id, due_dates.feed_version(session, person.id))
    address = g.tenant.url(path)
    return render_template(
        "portal/calendar.html",
        months=due_dates.list_months(debts.rows),
        address=address,
        subscribe=f"webcal:{address.partition(':')[2]}",
        form=TokenForm(),
    )


@blueprint.post("/calendar/address")
@requires(SEE_OWN)
def new_feed() -> Response:
    """From now on only a new address opens the calendar."""
    check_token()
    due_dates.raise_feed_version(frame.session(), current_person().id)
    record_own_act("calendar.renewed", "user", current_person().id)
    flash(_("The old address is useless now. Add the new one."))
    return redirect(url_for("history.calendar"), 303)


@blueprint.get("/calendar/<uuid:user_id>/<uuid:payer_id>/<mark>.ics")
@public("a private address, good as long as its owner wants and may act for the payer")
@limited("60 per hour")
def feed(user_id: UUID, payer_id: UUID, mark: str) -> Response:
    session, today = frame.session(), clock.today()
    if not due_dates.is_good_mark(session, g.tenant, user_id, payer_id, mark, today):
        abort(404)
    debts = list_to_pay(session, payer_id=payer_id, today=today, now=clock.now())
    body = due_dates.make_ics(
        debts,
        tenant=g.tenant,
        name=_("Payments: %(gmina)s", gmina=g.tenant.name),
        text=_("Amounts as of the day this calendar was renewed. Sign in to pay."),
        now=clock.now(),
    )
    return FlaskResponse(body, content_type="text/calendar; charset=utf-8")
