"""Which documents (decisions, contracts, reminders) somebody may read: those of receivables they are liable for."""

from __future__ import annotations

from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.receivables.queries import LIABLE

MOST = 100  # of one receivable, on its page
PAGE = 50  # of a payer, for an official

_COLUMNS: LiteralString = "d.id, d.receivable_id, d.title, d.issued_on, d.size, d.arrived_at IS NOT NULL AS is_here"
_IS_LIABLE: LiteralString = f"EXISTS (SELECT FROM liabilities l WHERE l.receivable_id = d.receivable_id AND {LIABLE})"

_IN_SCOPE: LiteralString = "(%(kinds)s::uuid[] IS NULL OR r.kind_id = ANY (%(kinds)s::uuid[]))"

_OF_RECEIVABLE: LiteralString = f"""
    SELECT {_COLUMNS} FROM documents d WHERE d.receivable_id = %(receivable)s AND d.closed_at IS NULL
    ORDER BY d.issued_on DESC, d.id LIMIT {MOST}
"""  # noqa: S608  # our own words

_OF_PAYER: LiteralString = f"""
    SELECT {_COLUMNS}, r.title AS receivable, r.number
    FROM (SELECT DISTINCT l.receivable_id FROM liabilities l WHERE {LIABLE}) AS l
    JOIN receivables r ON r.id = l.receivable_id AND {_IN_SCOPE}
    JOIN documents d ON d.receivable_id = r.id AND d.closed_at IS NULL
    ORDER BY d.issued_on DESC, d.id LIMIT {PAGE + 1} OFFSET %(skipped)s
"""  # noqa: S608  # our own words

_ONE: LiteralString = f"""
    SELECT {_COLUMNS}, d.source, d.sha256 FROM documents d JOIN receivables r ON r.id = d.receivable_id AND {_IN_SCOPE}
    WHERE d.id = %(document)s AND d.closed_at IS NULL AND {_IS_LIABLE}
"""  # noqa: S608  # our own words


def list_documents(session: TenantSession, receivable_id: UUID) -> list[Any]:
    """The newest first. Whoever asks was let see the receivable."""
    return session.read(_OF_RECEIVABLE, receivable=receivable_id)


def list_documents_of_payer(
    session: TenantSession, payer_id: UUID, *, today: date, page: int = 1, kinds: list[UUID] | None = None
) -> list[Any]:
    """Of all a payer is liable for today, the newest first; one more than a page may come. `kinds`: of these only."""
    return session.read(_OF_PAYER, payer=payer_id, today=today, skipped=(page - 1) * PAGE, kinds=kinds)


def get_document(
    session: TenantSession, document_id: UUID, *, payer_id: UUID, today: date, kinds: list[UUID] | None = None
) -> Any:
    """NotFound when this payer is not liable today for what it belongs to, and when its bytes did not come.

    And when it is of none of `kinds`, where they are given.
    """
    found = session.read(_ONE, document=document_id, payer=payer_id, today=today, kinds=kinds)
    if not found or not found[0].is_here:
        raise NotFound(f"no document {document_id}")
    return found[0]
