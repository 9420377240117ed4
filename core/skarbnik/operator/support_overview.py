"""Which gminas operators asked lately, found in the operators' own trail: no schema is visited that nobody asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.db import first_id_of
from skarbnik.errors import NotFound
from skarbnik.operator.models import HOURS, SupportAccess
from skarbnik.operator.states import OPEN, SupportState
from skarbnik.operator.support import WAITS
from skarbnik.tenancy.instance import Instance

_LATELY = text("""
    SELECT DISTINCT tenant_id FROM platform.operator_acts
    WHERE action = 'support.asked' AND tenant_id = ANY (CAST(:tenants AS varchar[])) AND id > :since
""")


def list_open(instance: Instance, tenants: Sequence[str]) -> dict[str, SupportState]:
    """Of these gminas, those where an operator may look now, or waits for an answer."""
    since = clock.now() - WAITS - timedelta(hours=max(HOURS))  # nothing asked before is open still
    with instance.engine.begin() as connection:
        lately = connection.scalars(_LATELY, {"tenants": list(tenants), "since": first_id_of(since)}).all()
    found: dict[str, SupportState] = {}
    for tenant_id in lately:
        try:
            tenant = instance.registry.get(tenant_id)
        except NotFound:
            continue  # gone since
        with tenant.session() as session:
            open_ones = select(SupportAccess.state).where(
                SupportAccess.state.in_(OPEN), SupportAccess.until_at > clock.now()
            )
            states = set(session.scalars(open_ones))
        if states:
            found[tenant_id] = SupportState.AGREED if SupportState.AGREED in states else SupportState.ASKED
    return found
