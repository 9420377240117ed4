"""What gateways send: kept raw, once, in one statement. It proves nothing; it rings the worker that asks."""

from __future__ import annotations

import json
from typing import LiteralString
from uuid import UUID

from skarbnik import clock
from skarbnik.db import TenantSession, new_id
from skarbnik.plugin_api import NotificationHint, RawNotification

LONGEST_KEY = 120
LONGEST_HEADERS = 4000

# The number that the gateway gave is learnt first: `kept` waits for it. Two at once that both refer to the row before
# either changes it would wait for each other.
_KEEP: LiteralString = """
    WITH found AS (
        SELECT id, external_id FROM transactions WHERE merchant_account_id = %(account)s AND id = %(transaction)s
        UNION ALL
        SELECT id, external_id FROM transactions
        WHERE merchant_account_id = %(account)s AND external_id = %(external)s
        LIMIT 1
    ), named AS (
        UPDATE transactions SET external_id = %(external)s
        WHERE id = (SELECT id FROM found WHERE external_id IS NULL) AND external_id IS NULL
        RETURNING id
    ), kept AS (
        INSERT INTO notifications (id, merchant_account_id, key, transaction_id, headers, body, received_at,
            happened_at)
        SELECT %(id)s::uuid, %(account)s, %(key)s, found.id, %(headers)s, %(body)s, %(now)s, %(happened)s
        FROM found LEFT JOIN named ON named.id = found.id
        ON CONFLICT DO NOTHING
    )
    SELECT work.publish(
        CASE WHEN refund.id IS NULL THEN 'payments.notified' ELSE 'payments.refund_notified' END,
        coalesce(refund.id, found.id), %(now)s
    )
    FROM found LEFT JOIN LATERAL (
        SELECT r.id FROM refunds AS r JOIN captures AS c ON c.id = r.capture_id
        WHERE r.id = %(refund)s AND c.transaction_id = found.id
    ) AS refund ON true
"""


def keep_notification(session: TenantSession, account_id: UUID, hint: NotificationHint, raw: RawNotification) -> bool:
    """Keep a signed notification once and ring the worker that asks the gateway. False when it names nothing of ours.

    A repeated one rings again: it costs one question and heals whatever went wrong the first time. News of a refund of
    this transaction ring who asks about that; a refund that is not ours is news of the payment.
    """
    rung = session.read(
        _KEEP,
        id=new_id(),
        account=account_id,
        transaction=hint.transaction_id,
        external=hint.external_id,
        refund=hint.refund_id,
        key=hint.key[:LONGEST_KEY],
        headers=json.dumps(dict(raw.headers), ensure_ascii=False)[:LONGEST_HEADERS],
        body=raw.body,
        now=clock.now(),
        happened=hint.happened_at,
    )
    return bool(rung)
