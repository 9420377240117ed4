"""A document of a receivable as a file: to be kept by the browser, never shown or run by it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, g, send_file
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.errors import NotFound
from skarbnik.exchange.documents import place_of
from skarbnik.exchange.systems import spool_of
from skarbnik.plugin_api import requires
from skarbnik.portal.acting import payer_of_request
from skarbnik.receivables.documents import get_document
from skarbnik.receivables.permissions import SEE_OWN
from skarbnik.web import frame

blueprint = Blueprint("documents", __name__)

NO_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')  # what some system takes for more than a letter
PDF = "application/pdf"


@blueprint.get("/receivables/<uuid:receivable_id>/documents/<uuid:document_id>")
@requires(SEE_OWN)
def document(receivable_id: UUID, document_id: UUID) -> Response:
    """For whom the receivable is, as on its page."""
    found = get_document(frame.session(), document_id, payer_id=payer_of_request(), today=clock.today())
    if found.receivable_id != receivable_id:
        raise NotFound(f"no document {document_id} of receivable {receivable_id}")
    return send(found)


def send(document: Any) -> Response:
    """The file piece by piece, whatever its size. It came from outside: nothing in it may act in the portal's name."""
    spool = spool_of(g.tenant, document.source)
    try:
        answer = send_file(place_of(spool, document.sha256), mimetype=PDF, conditional=False, etag=False)
    except FileNotFoundError:
        raise NotFound(f"the bytes of document {document.id} are gone") from None
    answer.headers["Content-Disposition"] = _disposition(document)
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.pop("Last-Modified", None)
    return answer


def _disposition(document: Any) -> str:
    """A name of plain letters for whoever reads no other, and the title for the rest (RFC 6266)."""
    title = NO_NAME.sub("-", document.title).strip(" .-") or "dokument"
    plain = f"dokument-{document.issued_on:%Y-%m-%d}.pdf"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(f'{title}.pdf', safe='')}"
