"""Payment orders for programs of the gmina."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask.views import MethodView
from marshmallow import fields

from skarbnik.api.frame import ApiBlueprint, StrictSchema, token_required
from skarbnik.api.schemas import MOST, AmountsSchema
from skarbnik.audit.services import record_act
from skarbnik.payments.models import PaymentOrder
from skarbnik.payments.queries import get_order
from skarbnik.payments.states import AT_THE_GATEWAY, RefundStage
from skarbnik.web import frame

blueprint = ApiBlueprint("payments_api", __name__, url_prefix="/api/v1", description="What residents decided to pay")

DECIDED = (*AT_THE_GATEWAY, RefundStage.COMPLETED, RefundStage.REJECTED)  # and not declined


class LineSchema(StrictSchema):
    title = fields.String()
    instalment = fields.Function(lambda line: line.instalment.external_id, metadata={"type": "string"})
    amounts = fields.Nested(AmountsSchema)


class RefundSchema(StrictSchema):
    """Money of an order that went back, or is on its way. One that nobody decided about yet is not told."""

    id = fields.UUID()
    amount = fields.Function(
        lambda refund: refund.amount.grosze,
        metadata={"type": "integer", "description": "hundredths of the currency, so grosze of PLN; a part, or all"},
    )
    currency = fields.Function(
        lambda refund: refund.capture.currency,
        metadata={"type": "string", "description": "another than PLN when the money that came was never booked"},
    )
    state = fields.String(
        metadata={
            "enum": [str(state) for state in DECIDED],
            "description": "approved and sent: on its way; completed: gone; rejected: the gateway refused it",
        }
    )
    decided_at = fields.DateTime(metadata={"description": "when the second person approved it"})
    went_back_at = fields.DateTime(
        allow_none=True,
        metadata={"description": "when the money was gone; noon of the day where only the day is known"},
    )


class DecidedRefunds(fields.List[Any]):
    """Those of an order that somebody agreed to; the newest ones where there are very many."""

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> Any:
        return [each for each in obj.refunds if each.state in DECIDED][-MOST:]


class PaymentOrderSchema(StrictSchema):
    number = fields.String()
    state = fields.String()
    amount = fields.Function(lambda order: order.amount.grosze, metadata={"type": "integer"})
    ordered_at = fields.DateTime()
    paid_at = fields.DateTime(allow_none=True)
    lines = fields.List(fields.Nested(LineSchema))
    refunds = DecidedRefunds(
        fields.Nested(RefundSchema),
        metadata={
            "maxItems": MOST,
            "description": "of all money that came for the order, those that were approved; the oldest first",
        },
    )


@blueprint.route("/payment-orders/<number>")
class PaymentOrderResource(MethodView):
    access = token_required("payments:read")

    @blueprint.response(200, PaymentOrderSchema)
    @blueprint.doc(security=[{"token": ["payments:read"]}])
    def get(self, number: str) -> PaymentOrder:
        """One payment order with its lines, and what of its money went back or is on its way."""
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
