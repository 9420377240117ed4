"""What is older than the gmina keeps it goes, batch by batch, each in a transaction of its own; the seals stay.

KRI (Dz.U. 2024 poz. 773, § 20; § 21 in the text of 2012) wants two years where no other law says more, RODO
(art. 5 ust. 1 lit. e) no longer than needed. The database holds the two years itself, whoever asks.
"""

from __future__ import annotations

import structlog
from sqlalchemy import text

from skarbnik.audit.services import years_kept
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

MOST_AT_ONCE = 1_000  # batches of a night

_DUE = text("""
    SELECT number FROM audit_seals
    WHERE removed_at IS NULL AND sealed_at <= clock_timestamp() - make_interval(years => :years)
    ORDER BY number LIMIT 1
""")
_REMOVE = text("SELECT audit_remove(:number)")


def remove_old(tenant: Tenant) -> int:
    """How many entries went. Whoever is killed in between leaves the rest to the next time."""
    gone = 0
    for _ in range(MOST_AT_ONCE):
        with tenant.session() as session:
            number = session.scalar(_DUE, {"years": years_kept(session)})
            if number is None:
                break
            gone += session.scalar(_REMOVE, {"number": number}) or 0
    if gone:
        log.info("audit.removed", entries=gone)
    return gone
