"""Receivables for programs of the gmina."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request
from flask.views import MethodView
from marshmallow import fields

from skarbnik.api.frame import ApiBlueprint, StrictSchema, token_required
from skarbnik.api.schemas import AmountsSchema, PageQuery
from skarbnik.audit.services import record_act
from skarbnik.receivables.queries import list_receivables
from skarbnik.web import frame

blueprint = ApiBlueprint("receivables_api", __name__, url_prefix="/api/v1", description="What is owed to the gmina")


class InstalmentSchema(StrictSchema):
    external_id = fields.String()
    number = fields.Integer()
    due_on = fields.Date()
    left = fields.Nested(AmountsSchema)


class ReceivableSchema(StrictSchema):
    """One receivable with what is left of its instalments as the finance system last said."""

    id = fields.UUID()
    source = fields.String()
    external_id = fields.String()
    kind = fields.String()
    title = fields.String()
    number = fields.String(allow_none=True)
    closed = fields.Boolean()
    instalments = fields.List(fields.Nested(InstalmentSchema))


class ReceivablesPage(StrictSchema):
    items = fields.List(fields.Nested(ReceivableSchema))
    next = fields.UUID(allow_none=True, metadata={"description": "the cursor of the next page"})


@blueprint.route("/receivables")
class Receivables(MethodView):
    access = token_required("receivables:read")

    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, ReceivablesPage)
    @blueprint.doc(security=[{"token": ["receivables:read"]}])
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List receivables, in pages by cursor."""
        session, after, limit = frame.session(), query.get("after"), query["limit"]
        found = list_receivables(session, after=after, limit=limit + 1)
        record_act(
            session,
            "receivables.listed",
            subject="receivables",
            subject_id=None,
            actor="api",
            actor_id=g.client.id,
            request_id=g.request_id,
            ip=request.remote_addr,
        )
        return {"items": found[:limit], "next": _cursor(found, limit)}


def _cursor(found: list[dict[str, Any]], limit: int) -> UUID | None:
    return found[limit - 1]["id"] if len(found) > limit else None
