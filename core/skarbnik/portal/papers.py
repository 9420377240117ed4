"""What a resident takes away on paper: filled transfer orders for what they chose, confirmations of what they paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, LiteralString
from uuid import UUID

from flask import Blueprint, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.money import Money
from skarbnik.payments import ordering, queries
from skarbnik.payments.transfer_print import print_orders
from skarbnik.payments.transfers import Due, Party, TransferOrder, compose
from skarbnik.plugin_api import requires
from skarbnik.portal.acting import payer_of_request
from skarbnik.portal.basket import read_basket
from skarbnik.portal.confirmation import make_confirmation
from skarbnik.portal.debts import OWED, ToPay, list_to_pay
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.languages import current_language
from skarbnik.web.tables import FileFormat, as_file

blueprint = Blueprint("papers", __name__)

NAME = "polecenia-przelewu.pdf"

_ACCOUNTS: LiteralString = f"""
    SELECT r.id, r.account, r.number, r.title, a.nrb, a.owner, (
        SELECT count(*) FROM instalments i
        WHERE i.receivable_id = r.id AND i.closed_at IS NULL AND {OWED}
    ) AS instalments
    FROM receivables r JOIN kinds k ON k.id = r.kind_id
    LEFT JOIN creditor_accounts a ON a.id = k.creditor_account_id
    WHERE r.id = ANY(%(ids)s)
"""  # noqa: S608  # our own words
_PAYER: LiteralString = "SELECT name, street, postal_code, city FROM payers WHERE id = %(payer)s"


@blueprint.get("/transfer-orders")
@requires(SEE_OWN)
def transfer_orders() -> Response:
    """What was chosen on as few forms as possible, with interest to today.

    The choice is in the address: `i` names instalments, `r` a receivable with all that is left of it. `a-<id>` says how
    much of an instalment is paid, where that is less than all.
    """
    session, payer_id = frame.session(), payer_of_request()
    rows = list_to_pay(session, payer_id=payer_id, today=clock.today(), now=clock.now()).rows
    basket = read_basket(request.args, rows)
    if basket.has_problems:
        return redirect(url_for("portal.review", **basket.words()), 303)
    orders = find_orders(
        session,
        rows,
        payer_id=payer_id,
        ids=[*request.args.getlist("i"), *request.args.getlist("r")][: ordering.MOST_LINES],
        office=Party(g.tenant.name, g.tenant.address or ""),
        parts={line.row.id: line.paid.total for line in basket.lines if line.is_part},
    )
    if not orders:
        flash(
            _("Nothing you chose can be paid by transfer: there is no bank account, or nothing is left."),
            "warn",
        )
        return redirect(url_for("portal.receivables"), 303)
    answer = Response(print_orders(orders), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{NAME}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/payments/<number>/confirmation")
@requires(SEE_OWN)
def confirmation(number: str) -> Response:
    """What was paid, as PDF; nothing before money came."""
    found = queries.get_order(frame.session(), number, payer_ids=[payer_of_request()])
    payer = current_person().payer_name or ""
    table = make_confirmation(found, office=g.tenant.name, payer=payer, language=current_language())
    if table is None:
        raise NotFound(f"nothing of order {number} is paid")
    return as_file(table, FileFormat.PDF, f"{_('confirmation')}-{number}")


def find_orders(
    session: TenantSession,
    rows: Sequence[ToPay],
    *,
    payer_id: UUID,
    ids: Sequence[str],
    office: Party,
    parts: Mapping[UUID, Money] | None = None,
) -> list[TransferOrder]:
    """For those of a payer's debts that are named and have an account to be paid to. `parts`: of which less is paid."""
    wanted = set(ids)
    named = [row for row in rows if row.grosze and (str(row.id) in wanted or str(row.receivable_id) in wanted)]
    chosen = sorted(named, key=lambda row: (row.receivable_id, row.number))
    if not chosen:
        return []
    found = {each.id: each for each in session.read(_ACCOUNTS, ids=list({row.receivable_id for row in chosen}))}
    (payer,) = session.read(_PAYER, payer=payer_id)
    place = " ".join(each for each in (payer.postal_code, payer.city) if each)
    address = ", ".join(each for each in (payer.street, place) if each)
    dues = [
        _due(found[receivable_id], list(same), office, parts or {})
        for receivable_id, same in groupby(chosen, lambda row: row.receivable_id)
        if found[receivable_id].account or found[receivable_id].nrb
    ]
    return compose(dues, payer=Party(payer.name, address))


def _due(receivable: Any, rows: list[ToPay], office: Party, parts: Mapping[UUID, Money]) -> Due:
    owner = office if receivable.owner in (None, office.name) else Party(receivable.owner)
    return Due(
        nrb=receivable.account or receivable.nrb,
        payee=owner,
        mark=receivable.number or receivable.title,
        instalments=tuple(row.number for row in rows) if len(rows) < receivable.instalments else (),
        amount=Money.total(parts.get(row.id, row.total) for row in rows),
    )
