"""Receivables and payment orders for programs of the gmina, on the same services as the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate
from sqlalchemy import text

from skarbnik.api.frame import StrictSchema, token_required
from skarbnik.api.tokens import require_token
from skarbnik.audit.services import record_act
from skarbnik.money import Amounts, Money
from skarbnik.payments.queries import get_order
from skarbnik.web import frame

MOST = 200


class AmountsSchema(StrictSchema):
    """Whole grosze."""

    principal = fields.Function(lambda amounts: amounts.principal.grosze, metadata={"type": "integer"})
    interest = fields.Function(lambda amounts: amounts.interest.grosze, metadata={"type": "integer"})
    costs = fields.Function(lambda amounts: amounts.costs.grosze, metadata={"type": "integer"})


class PageQuery(StrictSchema):
    """Where to go on, and how much at once."""

    after = fields.UUID(metadata={"description": "the cursor of the page before"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST))


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


class LineSchema(StrictSchema):
    title = fields.String()
    instalment = fields.Function(lambda line: line.instalment.external_id, metadata={"type": "string"})
    amounts = fields.Nested(AmountsSchema)


class PaymentOrderSchema(StrictSchema):
    number = fields.String()
    state = fields.String()
    amount = fields.Function(lambda order: order.amount.grosze, metadata={"type": "integer"})
    ordered_at = fields.DateTime()
    paid_at = fields.DateTime(allow_none=True)
    lines = fields.List(fields.Nested(LineSchema))


blueprint = Blueprint("api", __name__, url_prefix="/api/v1", description="Receivables and payments of a gmina")

_RECEIVABLES = text("""
    SELECT r.id, r.source, r.external_id, k.code AS kind, r.title, r.number, r.closed_at IS NOT NULL AS closed
    FROM receivables r JOIN kinds k ON k.id = r.kind_id
    WHERE CAST(:after AS uuid) IS NULL OR r.id > :after ORDER BY r.id LIMIT :most
""")
_INSTALMENTS = text("""
    SELECT receivable_id, external_id, number, due_on, principal, interest, costs
    FROM instalments WHERE receivable_id = ANY(:ids) AND closed_at IS NULL ORDER BY receivable_id, number
""")


def _audited(action: str, subject: str, subject_id: UUID | None) -> None:
    record_act(frame.session(), action, subject=subject, subject_id=subject_id, actor="api", actor_id=g.api_client_id)


@blueprint.route("/receivables")
class Receivables(MethodView):
    access = token_required("receivables:read")

    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, ReceivablesPage)
    @blueprint.doc(security=[{"token": ["receivables:read"]}])
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List receivables, in pages by cursor."""
        require_token("receivables:read")
        session = frame.session()
        found = session.execute(_RECEIVABLES, {"after": query.get("after"), "most": query["limit"] + 1}).all()
        rows = found[: query["limit"]]
        instalments: dict[UUID, list[dict[str, Any]]] = {}
        for each in session.execute(_INSTALMENTS, {"ids": [row.id for row in rows]}):
            left = Amounts(Money(each.principal), Money(each.interest), Money(each.costs))
            instalments.setdefault(each.receivable_id, []).append({**each._mapping, "left": left})
        _audited("receivables.listed", "receivables", None)
        return {
            "items": [{**row._mapping, "instalments": instalments.get(row.id, [])} for row in rows],
            "next": rows[-1].id if len(found) > len(rows) else None,
        }


@blueprint.route("/payment-orders/<number>")
class PaymentOrderResource(MethodView):
    access = token_required("payments:read")

    @blueprint.response(200, PaymentOrderSchema)
    @blueprint.doc(security=[{"token": ["payments:read"]}])
    def get(self, number: str) -> Any:
        """One payment order with its lines."""
        require_token("payments:read")
        order = get_order(frame.session(), number)
        _audited("payment.viewed", "payment_order", order.id)
        return order
