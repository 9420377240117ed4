"""Shapes that several features answer with."""

from __future__ import annotations

from marshmallow import fields, validate

from skarbnik.api.frame import StrictSchema

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
