"""The exchange for finance systems that call us: they send files, see what became of them, and take batches."""

from __future__ import annotations

import base64
import re
from errno import ENOSPC
from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import g, request, url_for
from flask.views import MethodView
from marshmallow import fields, validate
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, ServiceUnavailable, UnprocessableEntity
from werkzeug.wrappers import Response

from skarbnik.api.frame import ApiBlueprint, StrictSchema, token_required
from skarbnik.api.schemas import MOST
from skarbnik.audit.services import record_act
from skarbnik.errors import BrokenFile, NotFound
from skarbnik.exchange import documents, queries, uploads
from skarbnik.exchange.batches import mark_delivered
from skarbnik.exchange.models import ImportRun, Origin
from skarbnik.exchange.spool import PIECE, Spool
from skarbnik.exchange.systems import spool_of
from skarbnik.plugin_api import LARGEST_DOCUMENT
from skarbnik.receivables.models import DocumentTrouble
from skarbnik.web import frame

blueprint = ApiBlueprint("exchange_api", __name__, url_prefix="/api/v1/exchange", description="Files and batches")

MOST_PROBLEMS = 1000
READ, WRITE = "exchange:read", "exchange:write"
DIGEST = re.compile(r"(?:^|[,\s])sha-256=:([A-Za-z0-9+/]{43}=):")  # RFC 9530, one of possibly several
OTHER_BYTES = "the body is not what Repr-Digest says"
NO_ROOM = "there is no room for files"
NUMBER = "<int(max=2147483647):number>"


class ProblemSchema(StrictSchema):
    line = fields.Integer(allow_none=True)
    code = fields.String()
    message = fields.String(metadata={"description": "for a clerk, in Polish"})


class RunSchema(StrictSchema):
    """One file, from its arrival to its report."""

    id = fields.UUID()
    source = fields.String()
    file_name = fields.String()
    origin = fields.String()
    state = fields.String(metadata={"description": "waiting, running, held, applied, tried, refused"})
    sha256 = fields.String(allow_none=True)
    number = fields.Integer(allow_none=True)
    kind = fields.String(allow_none=True)
    as_of = fields.DateTime(allow_none=True)
    registered_at = fields.DateTime()
    due_at = fields.DateTime(allow_none=True, metadata={"description": "when it is read, if not at once"})
    finished_at = fields.DateTime(allow_none=True)
    message = fields.String(allow_none=True)
    counts = fields.Dict()
    problems = fields.Function(
        lambda run: ProblemSchema(many=True).dump(run.problems[:MOST_PROBLEMS]), metadata={"type": "array"}
    )


class BatchSchema(StrictSchema):
    number = fields.Integer()
    file_name = fields.String()
    sha256 = fields.String()
    state = fields.String(metadata={"description": "made, delivered, answered"})
    made_at = fields.DateTime()


class BatchesPage(StrictSchema):
    items = fields.List(fields.Nested(BatchSchema))
    next = fields.Integer(allow_none=True, metadata={"description": "the number to go on after"})


class WantedSchema(StrictSchema):
    """A PDF that an export named and that is not here."""

    sha256 = fields.String()
    size = fields.Integer()


class WantedPage(StrictSchema):
    items = fields.List(fields.Nested(WantedSchema))
    next = fields.String(allow_none=True, metadata={"description": "the sum to go on after"})


class WantedQuery(StrictSchema):
    after = fields.String(load_default="", validate=validate.Regexp(r"\A([0-9a-f]{64})?\Z"))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST))


class BatchesQuery(StrictSchema):
    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**31 - 1))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST))


@blueprint.route("/<source_id>/files/<name>")
class SentFile(MethodView):
    access = token_required(WRITE, largest=uploads.LARGEST_UPLOAD)

    @blueprint.response(202, RunSchema, description="The file waits to be read; `Location` tells what becomes of it.")
    @blueprint.alt_response(200, schema=RunSchema, description="These bytes were here before; nothing happens again.")
    @blueprint.doc(
        security=[{"token": [WRITE]}],
        parameters=[{"in": "header", "name": "Repr-Digest", "required": True, "schema": {"type": "string"}}],
        requestBody={"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
    )
    def put(self, source_id: str, name: str) -> tuple[ImportRun, int, dict[str, str]]:
        """Send a file: an import, or the answer to a batch. Its bytes are checked against `Repr-Digest: sha-256`."""
        session = frame.session()
        source = queries.get_source(session, source_id)
        sha256 = _said_sum()
        known = uploads.find_sent(session, source.id, sha256)
        session.commit()  # the bytes come as slowly as they like, and no transaction waits for them
        if known is not None:
            _pass_over(sha256)
            return _answer(known, 200)
        spool = spool_of(g.tenant, source_id)
        laid = _lay(spool, name, sha256)
        run = uploads.register(session, spool, source, laid, origin=Origin.PUSH)
        if run.id != laid.run_id:
            return _answer(run, 200)
        _audited("exchange.pushed", "import_run", run.id)
        return _answer(run, 202)


@blueprint.route("/<source_id>/documents")
class WantedDocuments(MethodView):
    access = token_required(READ)

    @blueprint.arguments(WantedQuery, location="query")
    @blueprint.response(200, WantedPage)
    @blueprint.doc(security=[{"token": [READ]}])
    def get(self, query: dict[str, Any], source_id: str) -> dict[str, Any]:
        """List the PDFs that exports named and that are not here, by their SHA-256."""
        session, limit = frame.session(), query["limit"]
        source = queries.get_source(session, source_id)
        found = documents.list_wanted(session, source.id, after=query["after"], limit=limit + 1)
        return {"items": found[:limit], "next": found[limit - 1].sha256 if len(found) > limit else None}


@blueprint.route("/<source_id>/documents/<sha256>")
class SentDocument(MethodView):
    access = token_required(WRITE, largest=LARGEST_DOCUMENT)

    @blueprint.response(201, WantedSchema, description="The document is here, and residents may read it.")
    @blueprint.alt_response(200, schema=WantedSchema, description="It was here before; nothing happens again.")
    @blueprint.doc(
        security=[{"token": [WRITE]}],
        requestBody={"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
    )
    def put(self, source_id: str, sha256: str) -> tuple[dict[str, Any], int]:
        """Send the PDF with this SHA-256. Not found before an export that names it was applied."""
        session = frame.session()
        source = queries.get_source(session, source_id)
        spool, wanted = spool_of(g.tenant, source.id), documents.find_wanted(session, source.id, sha256)
        kept = documents.place_of(spool, sha256)
        known = bool(documents.SHA256.fullmatch(sha256)) and kept.is_file()
        if wanted is None and not known:
            raise NotFound(f"no document of {source_id} waits for these bytes")
        session.commit()  # the bytes come as slowly as they like, and no transaction waits for them
        if known:
            _pass_over(sha256)
        else:
            _keep(spool, sha256)
        size = kept.stat().st_size
        if wanted is not None:
            documents.mark_all(g.tenant, spool, source.id, sha256)
            _audited("exchange.document_sent", "document", wanted.id)
            if size != wanted.size:
                raise UnprocessableEntity("the export says another size")
        return {"sha256": sha256, "size": size}, 200 if known else 201


@blueprint.route("/runs/<uuid:run_id>")
class Run(MethodView):
    access = token_required(READ)

    @blueprint.response(200, RunSchema)
    @blueprint.doc(security=[{"token": [READ]}])
    def get(self, run_id: UUID) -> ImportRun:
        """What became of a file, with at most 1,000 problems."""
        return queries.get_run(frame.session(), run_id)


@blueprint.route("/<source_id>/batches")
class Batches(MethodView):
    access = token_required(READ)

    @blueprint.arguments(BatchesQuery, location="query")
    @blueprint.response(200, BatchesPage)
    @blueprint.doc(security=[{"token": [READ]}])
    def get(self, query: dict[str, Any], source_id: str) -> dict[str, Any]:
        """List batches of bookings behind a number, in their order."""
        session, limit = frame.session(), query["limit"]
        source = queries.get_source(session, source_id)
        found = queries.list_batches_behind(session, source.id, number=query["after"], limit=limit + 1)
        return {"items": found[:limit], "next": found[limit - 1].number if len(found) > limit else None}


@blueprint.route(f"/<source_id>/batches/{NUMBER}")
class Batch(MethodView):
    access = token_required(READ)

    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
    @blueprint.doc(security=[{"token": [READ]}])
    def get(self, source_id: str, number: int) -> Response:
        """The bytes of a batch, always the same. Who takes them has it: the batch counts as delivered."""
        session = frame.session()
        batch = queries.get_numbered_batch(session, queries.get_source(session, source_id).id, number)
        answer = Response(batch.content, content_type="application/octet-stream")
        answer.set_etag(batch.sha256)
        answer.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(batch.sha256)).decode()}:"
        answer.headers.set("Content-Disposition", "attachment", filename=batch.file_name)
        answer.make_conditional(request)
        if answer.status_code == 200:
            mark_delivered(session, batch.id)
            _audited("exchange.batch_taken", "booking_batch", batch.id)
        return answer


def _said_sum() -> str:
    """The SHA-256 a program says its body has, as hexadecimal digits."""
    found = DIGEST.search(request.headers.get("Repr-Digest", ""))
    if found is None:
        raise BadRequest("a header Repr-Digest: sha-256=:…: (RFC 9530) is needed")
    return base64.b64decode(found[1]).hex()


def _lay(spool: Spool, name: str, sha256: str) -> uploads.Laid:
    try:
        return uploads.lay(spool, name, request.stream, sha256=sha256)
    except uploads.WrongSum:
        raise UnprocessableEntity(OTHER_BYTES) from None
    except BrokenFile:
        raise RequestEntityTooLarge(f"a file has at most {uploads.LARGEST_UPLOAD} bytes") from None
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        raise ServiceUnavailable(NO_ROOM) from None


def _keep(spool: Spool, sha256: str) -> None:
    if not spool.has_room(LARGEST_DOCUMENT):
        raise ServiceUnavailable(NO_ROOM)
    trouble = documents.keep(spool, sha256, cast(BinaryIO, request.stream))
    if trouble is DocumentTrouble.SIZE:
        raise RequestEntityTooLarge(f"a document has at most {LARGEST_DOCUMENT} bytes")
    if trouble is not None:
        raise UnprocessableEntity(f"not the document it is called: {trouble}")


def _pass_over(sha256: str) -> None:
    """Read a body that is known to its end, so that its sender gets to read the answer."""
    body = uploads.Summed(request.stream, sha256)
    try:
        while body.read(PIECE):
            pass
    except uploads.WrongSum:
        raise UnprocessableEntity(OTHER_BYTES) from None


def _answer(run: ImportRun, status: int) -> tuple[ImportRun, int, dict[str, str]]:
    return run, status, {"Location": url_for("exchange_api.Run", run_id=run.id)}


def _audited(action: str, subject: str, subject_id: UUID) -> None:
    record_act(
        frame.session(),
        action,
        subject=subject,
        subject_id=subject_id,
        actor="api",
        actor_id=g.client.id,
        request_id=g.request_id,
        ip=request.remote_addr,
    )
