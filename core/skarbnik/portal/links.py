"""A payer's links for somebody else who pays: made, listed, taken back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.payments import links
from skarbnik.payments.ordering import NotLiable
from skarbnik.payments.permissions import PAY
from skarbnik.payments.states import LinkOrigin
from skarbnik.plugin_api import requires
from skarbnik.portal.acting import check_shown_for, payer_of_request
from skarbnik.portal.basket import uuid_of
from skarbnik.portal.debts import list_to_pay
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.limits import limited
from skarbnik.web.paging import page_number

blueprint = Blueprint("links", __name__, url_prefix="/payments/links", template_folder="templates")

PAGE = 25


@blueprint.get("")
@requires(SEE_OWN)
def listed() -> str:
    """All of the payer's links, the newest first."""
    page = page_number()
    rows = links.list_links(frame.session(), payer_id=payer_of_request(), page=page, size=PAGE + 1)
    return render_template("portal/links.html", rows=rows[:PAGE], more=len(rows) > PAGE, page=page, form=TokenForm())


@blueprint.post("")
@requires(PAY)
@limited("30 per hour")
def make() -> str | Response | tuple[str, int]:
    """A link for what was chosen, shown this once: we keep no way to tell it again."""
    check_token()
    check_shown_for()
    session, person, payer_id = frame.session(), current_person(), payer_of_request()
    if not person.may_pay:
        abort(403)
    ids = [uuid_of(each) for each in request.form.getlist("instalment")]
    rows = list_to_pay(session, payer_id=payer_id, today=clock.today(), now=clock.now()).rows
    chosen = [row for row in rows if row.id in set(ids) and row.online and row.grosze]
    if not chosen:
        flash(_("Nothing you chose can be paid online by somebody else."), "warn")
        return redirect(url_for("portal.receivables"), 303)
    try:
        secret = links.make_link(
            session, payer_id=payer_id, user_id=person.id, instalment_ids=[row.id for row in chosen]
        )
    except links.TooManyLinks:
        flash(_("You have %(num)d good links already. Take one back first.", num=links.MOST_LINKS), "warn")
        return redirect(url_for("links.listed"), 303)
    except NotLiable:
        abort(409)
    address = g.tenant.url(url_for("public.show", secret=secret))
    until = clock.local_day(clock.now() + links.GOOD_FOR[LinkOrigin.LINK])
    return render_template("portal/link_made.html", address=address, rows=chosen, until=until)


@blueprint.post("/<uuid:link_id>/revoke")
@requires(PAY)
def revoke(link_id: UUID) -> Response:
    """From now on the address opens nothing."""
    check_token()
    check_shown_for()
    if not current_person().may_pay:
        abort(403)
    links.revoke_link(frame.session(), link_id, payer_id=payer_of_request(), user_id=current_person().id)
    flash(_("The link is useless now. A payment that was begun with it goes on."))
    return redirect(url_for("links.listed"), 303)
