"""Payment orders for programs of the gmina."""

from __future__ import annotations

from flask import g, request
from flask.views import MethodView
from marshmallow import fields

from skarbnik.api.frame import ApiBlueprint, StrictSchema, token_required
from skarbnik.api.schemas import AmountsSchema
from skarbnik.audit.services import record_act
from skarbnik.payments.models import PaymentOrder
from skarbnik.payments.queries import get_order
from skarbnik.web import frame

blueprint = ApiBlueprint("payments_api", __name__, url_prefix="/api/v1", description="What residents decided to pay")


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


@blueprint.route("/payment-orders/<number>")
class PaymentOrderResource(MethodView):
    access = token_required("payments:read")

    @blueprint.response(200, PaymentOrderSchema)
    @blueprint.doc(security=[{"token": ["payments:read"]}])
    def get(self, number: str) -> PaymentOrder:
        """One payment order with its lines."""
        session = frame.session()
        order = get_order(session, number)
        record_act(
            session,
            "payment.viewed",
            subject="payment_order",
            subject_id=order.id,
            actor="api",
            actor_id=g.client.id,
            request_id=g.request_id,
            ip=request.remote_addr,
        )
        return order
