"""What was booked for a payer, on a page and as files."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.plugin_api import OperationKind
from skarbnik.portal import operations as booked
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person, requires
from skarbnik.web.formats import moment
from skarbnik.web.languages import current_language
from skarbnik.web.limits import limited
from skarbnik.web.tables import Column, FileFormat, Table, as_file

blueprint = Blueprint("history", __name__, template_folder="templates")


def operation_names() -> dict[OperationKind, str]:
    return {
        OperationKind.CHARGE: _("charge"),
        OperationKind.DECREASE: _("decrease"),
        OperationKind.PAYMENT: _("payment"),
        OperationKind.REFUND: _("refund"),
        OperationKind.REBOOKING: _("re-booking"),
        OperationKind.REMISSION: _("remission"),
        OperationKind.DEFERRAL: _("deferral"),
    }


def _payer() -> UUID:
    payer_id = current_person().payer_id
    if payer_id is None:
        abort(redirect(url_for("portal.nobody"), 303))
    return payer_id


@blueprint.get("/operations")
@requires(SEE_OWN)
def operations() -> str:
    """Every operation with the balance after it; what is chosen is in the address."""
    choice = booked.read_operation_choice(request.args)
    page = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    rows = booked.list_operations(frame.session(), payer_id=_payer(), today=clock.today(), choice=choice, page=page)
    return render_template(
        "portal/operations.html",
        rows=rows[: booked.PAGE],
        more=len(rows) > booked.PAGE,
        page=page,
        choice=choice,
        names=operation_names(),
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
    rows = booked.all_operations(frame.session(), payer_id=_payer(), today=clock.today(), choice=choice)
    names, person = operation_names(), current_person()
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
