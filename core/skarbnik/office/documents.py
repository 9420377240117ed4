"""A payer's documents for an official who may read them; each look is in the trail."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.office.queries import get_payer
from skarbnik.plugin_api import records, requires
from skarbnik.portal.documents import send
from skarbnik.receivables.documents import PAGE, get_document, list_documents_of_payer
from skarbnik.receivables.permissions import READ_DOCUMENTS
from skarbnik.web import frame
from skarbnik.web.access import kinds_in_scope
from skarbnik.web.paging import page_number

blueprint = Blueprint(
    "payer_documents", __name__, url_prefix="/office/payers/<uuid:payer_id>/documents", template_folder="templates"
)


@blueprint.get("")
@requires(READ_DOCUMENTS)
@records("documents.listed")
def listed(payer_id: UUID) -> str:
    session = frame.session()
    kinds = kinds_in_scope()
    payer = get_payer(session, payer_id, kinds=kinds)
    page = page_number(10_000)
    rows = list_documents_of_payer(session, payer_id, today=clock.today(), page=page, kinds=kinds)
    record_own_act("documents.listed", "payer", payer_id, payers=[payer_id])
    return render_template("office/documents.html", payer=payer, rows=rows[:PAGE], more=len(rows) > PAGE, page=page)


@blueprint.get("/<uuid:document_id>")
@requires(READ_DOCUMENTS)
@records("document.read")
def document(payer_id: UUID, document_id: UUID) -> Response:
    found = get_document(frame.session(), document_id, payer_id=payer_id, today=clock.today(), kinds=kinds_in_scope())
    record_own_act("document.read", "document", document_id, payers=[payer_id])
    return send(found)
