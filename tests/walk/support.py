"""What operators asked a gmina for, in each state, and a link that lets one in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.operator import support
from skarbnik.operator.models import SupportAccess
from skarbnik.operator.sign_in import Operator
from skarbnik.plugin_api import Support
from skarbnik.tenancy.registry import Tenant


def ask_often(session: Session, tenant: Tenant, operator: Operator, by: UUID, words: str) -> dict[str, Any]:
    """The arguments of the page behind the link. `words`: long ones."""

    def ask(scope: Support = Support.LOOK, hours: int = 24) -> SupportAccess:
        given = {"reason": words[:200], "scope": scope, "hours": hours, "ip": "127.0.0.1"}
        return support.ask(session, tenant, access_id=new_id(), by=operator, **given)

    support.refuse(session, ask().id, by=by)
    support.agree(session, (ended := ask(Support.ADMINISTER, 1)).id, by=by)
    support.end(session, ended.id, by=by)
    ask().until_at = clock.now()
    session.flush()
    agreed = support.agree(session, ask(Support.ADMINISTER).id, by=by)
    session.flush()
    secret = support.make_link(session, agreed.id, operator_id=operator.id)
    agreed.link_until = agreed.until_at  # the walk takes longer than a minute
    return {"access_id": agreed.id, "secret": secret}
