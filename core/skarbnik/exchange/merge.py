"""From checked temporary tables into the gmina's tables, in the transaction that staged them.

Only new and changed rows are written: a row whose keyed digest is the one we have is not touched. Changed instalments
are locked in the order of their ids first, as payments lock them. What a full file no longer has is closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from skarbnik.plugin_api import ImportKind

KINDS = """
    INSERT INTO creditor_accounts (id, nrb, owner, title)
    SELECT gen_random_uuid(), k.account, %(owner)s, min(k.title) FROM stage_kinds k
    WHERE k.account IS NOT NULL GROUP BY k.account
    ON CONFLICT (nrb) DO NOTHING;
    INSERT INTO kinds (id, source, code, title, regime, creditor_account_id, position, online, in_parts)
    SELECT gen_random_uuid(), %(source)s, k.code, k.title, k.regime, a.id,
        (SELECT coalesce(max(position), 0) FROM kinds) + 10 * row_number() OVER (ORDER BY k.line), true, false
    FROM stage_kinds k LEFT JOIN creditor_accounts a ON a.nrb = k.account
    ON CONFLICT (source, code) DO UPDATE SET
        title = excluded.title, regime = excluded.regime,
        creditor_account_id = coalesce(excluded.creditor_account_id, kinds.creditor_account_id)
    WHERE (kinds.title, kinds.regime, kinds.creditor_account_id)
        IS DISTINCT FROM (excluded.title, excluded.regime,
                          coalesce(excluded.creditor_account_id, kinds.creditor_account_id))
"""

PAYERS_NEW = """
    INSERT INTO payers (id, source, external_id, kind, name, pesel_sealed, pesel_hash, pesel_key, nip, regon, street,
        postal_code, city, email, phone, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, s.kind, s.name, s.pesel_sealed, s.pesel_hash,
        CASE WHEN s.pesel_hash IS NULL THEN NULL ELSE %(key)s END, s.nip, s.regon, s.street, s.postal_code, s.city,
        s.email, s.phone, s.digest, %(run)s
    FROM stage_payers s LEFT JOIN payers p ON p.source = %(source)s AND p.external_id = s.external_id
    WHERE p.id IS NULL
"""
PAYERS_CHANGED = """
    UPDATE payers p SET kind = s.kind, name = s.name, pesel_sealed = s.pesel_sealed, pesel_hash = s.pesel_hash,
        pesel_key = CASE WHEN s.pesel_hash IS NULL THEN NULL ELSE %(key)s END, nip = s.nip, regon = s.regon,
        street = s.street, postal_code = s.postal_code, city = s.city, email = s.email, phone = s.phone,
        closed_at = NULL, digest = s.digest, run_id = %(run)s
    FROM stage_payers s WHERE p.source = %(source)s AND p.external_id = s.external_id
        AND (p.digest <> s.digest OR p.closed_at IS NOT NULL)
"""
PAYERS_MERGED = """
    UPDATE payers p SET merged_into = m.id FROM stage_payers s
    LEFT JOIN payers m ON m.source = %(source)s AND m.external_id = s.merged_into
    WHERE p.source = %(source)s AND p.external_id = s.external_id AND p.run_id = %(run)s
        AND p.merged_into IS DISTINCT FROM m.id
"""

RECEIVABLES_NEW = """
    INSERT INTO receivables (id, source, external_id, kind_id, title, number, period_from, period_until, basis, account,
        closed_at, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, k.id, s.title, s.number, s.period_from, s.period_until, s.basis, s.account,
        CASE WHEN s.closed THEN %(now)s END, s.digest, %(run)s
    FROM stage_receivables s JOIN kinds k ON k.source = %(source)s AND k.code = s.kind
    LEFT JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id
    WHERE r.id IS NULL
"""
RECEIVABLES_CHANGED = """
    UPDATE receivables r SET kind_id = k.id, title = s.title, number = s.number, period_from = s.period_from,
        period_until = s.period_until, basis = s.basis, account = s.account,
        closed_at = CASE WHEN s.closed THEN coalesce(r.closed_at, %(now)s) END, digest = s.digest, run_id = %(run)s
    FROM stage_receivables s JOIN kinds k ON k.source = %(source)s AND k.code = s.kind
    WHERE r.source = %(source)s AND r.external_id = s.external_id
        AND (r.digest <> s.digest OR (r.closed_at IS NOT NULL) <> s.closed)
"""
RECEIVABLES_PARENT = """
    UPDATE receivables r SET parent_id = p.id FROM stage_receivables s
    LEFT JOIN receivables p ON p.source = %(source)s AND p.external_id = s.parent
    WHERE r.source = %(source)s AND r.external_id = s.external_id AND r.run_id = %(run)s
        AND r.parent_id IS DISTINCT FROM p.id
"""

LIABILITIES_NEW = """
    INSERT INTO liabilities (receivable_id, payer_id, role, share_part, share_whole, from_on, until_on, digest)
    SELECT r.id, p.id, s.role, s.share_part, s.share_whole, s.from_on, s.until_on, s.digest
    FROM stage_liabilities s
    JOIN receivables r ON r.source = %(source)s AND r.external_id = s.receivable
    JOIN payers p ON p.source = %(source)s AND p.external_id = s.payer
    LEFT JOIN liabilities l ON l.receivable_id = r.id AND l.payer_id = p.id AND l.role = s.role
    WHERE l.receivable_id IS NULL
"""
LIABILITIES_CHANGED = """
    UPDATE liabilities l SET share_part = s.share_part, share_whole = s.share_whole, from_on = s.from_on,
        until_on = s.until_on, closed_at = NULL, digest = s.digest
    FROM stage_liabilities s
    JOIN receivables r ON r.source = %(source)s AND r.external_id = s.receivable
    JOIN payers p ON p.source = %(source)s AND p.external_id = s.payer
    WHERE l.receivable_id = r.id AND l.payer_id = p.id AND l.role = s.role
        AND (l.digest <> s.digest OR l.closed_at IS NOT NULL)
"""
LIABILITIES_GONE = """
    UPDATE liabilities l SET closed_at = %(now)s
    FROM stage_receivables s JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id
    WHERE l.receivable_id = r.id AND l.closed_at IS NULL AND NOT EXISTS (
        SELECT FROM stage_liabilities sl JOIN payers p ON p.source = %(source)s AND p.external_id = sl.payer
        WHERE sl.receivable = s.external_id AND p.id = l.payer_id AND sl.role = l.role)
"""

INSTALMENTS_NEW = """
    INSERT INTO instalments (id, source, external_id, receivable_id, number, due_on, charged, principal, interest,
        costs, closed_at, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, r.id, s.number, s.due_on, s.charged, s.principal, s.interest, s.costs,
        CASE WHEN s.closed THEN %(now)s END, s.digest, %(run)s
    FROM stage_instalments s JOIN receivables r ON r.source = %(source)s AND r.external_id = s.receivable
    LEFT JOIN instalments i ON i.source = %(source)s AND i.external_id = s.external_id
    WHERE i.id IS NULL
"""
INSTALMENTS_LOCKED = """
    SELECT count(*) FROM (
        SELECT i.id FROM stage_instalments s
        JOIN instalments i ON i.source = %(source)s AND i.external_id = s.external_id
        WHERE i.digest <> s.digest OR (i.closed_at IS NOT NULL) <> s.closed
        ORDER BY i.id FOR UPDATE OF i
    ) AS locked
"""
INSTALMENTS_CHANGED = """
    UPDATE instalments i SET number = s.number, due_on = s.due_on, charged = s.charged, principal = s.principal,
        interest = s.interest, costs = s.costs,
        closed_at = CASE WHEN s.closed THEN coalesce(i.closed_at, %(now)s) END, digest = s.digest, run_id = %(run)s
    FROM stage_instalments s WHERE i.source = %(source)s AND i.external_id = s.external_id
        AND (i.digest <> s.digest OR (i.closed_at IS NOT NULL) <> s.closed)
"""
INSTALMENTS_GONE = """
    UPDATE instalments i SET closed_at = %(now)s, run_id = %(run)s
    FROM stage_receivables s JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id
    WHERE i.receivable_id = r.id AND i.closed_at IS NULL
        AND NOT EXISTS (SELECT FROM stage_instalments si WHERE si.external_id = i.external_id)
"""

OPERATIONS_NEW = """
    INSERT INTO operations (id, source, external_id, receivable_id, instalment_id, kind, booked_on, happened_on,
        document, principal, interest, costs, counterpart, booking_id, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, r.id, i.id, s.kind, s.booked_on, s.happened_on, s.document, s.principal,
        s.interest, s.costs, s.counterpart, s.booking_id, s.digest, %(run)s
    FROM stage_operations s JOIN receivables r ON r.source = %(source)s AND r.external_id = s.receivable
    LEFT JOIN instalments i ON i.source = %(source)s AND i.external_id = s.instalment
    LEFT JOIN operations o ON o.source = %(source)s AND o.external_id = s.external_id
    WHERE o.id IS NULL
"""
OPERATIONS_CHANGED = """
    UPDATE operations o SET kind = s.kind, booked_on = s.booked_on, happened_on = s.happened_on,
        document = s.document, principal = s.principal, interest = s.interest, costs = s.costs,
        counterpart = s.counterpart, booking_id = s.booking_id, closed_at = NULL, digest = s.digest, run_id = %(run)s
    FROM stage_operations s WHERE o.source = %(source)s AND o.external_id = s.external_id
        AND (o.digest <> s.digest OR o.closed_at IS NOT NULL)
"""

OVERPAYMENTS_NEW = """
    INSERT INTO overpayments (id, source, external_id, payer_id, receivable_id, amount, arose_on, closed_at, digest,
        run_id)
    SELECT s.id, %(source)s, s.external_id, p.id, r.id, s.amount, s.arose_on, CASE WHEN s.closed THEN %(now)s END,
        s.digest, %(run)s
    FROM stage_overpayments s JOIN payers p ON p.source = %(source)s AND p.external_id = s.payer
    LEFT JOIN receivables r ON r.source = %(source)s AND r.external_id = s.receivable
    LEFT JOIN overpayments o ON o.source = %(source)s AND o.external_id = s.external_id
    WHERE o.id IS NULL
"""
OVERPAYMENTS_CHANGED = """
    UPDATE overpayments o SET amount = s.amount, arose_on = s.arose_on,
        closed_at = CASE WHEN s.closed THEN coalesce(o.closed_at, %(now)s) END, digest = s.digest, run_id = %(run)s
    FROM stage_overpayments s WHERE o.source = %(source)s AND o.external_id = s.external_id
        AND (o.digest <> s.digest OR (o.closed_at IS NOT NULL) <> s.closed)
"""

VANISHED = """
    UPDATE {table} t SET closed_at = %(now)s, run_id = %(run)s
    WHERE t.source = %(source)s AND t.closed_at IS NULL
        AND NOT EXISTS (SELECT FROM stage_{table} s WHERE s.external_id = t.external_id)
"""

# Order matters: what is referred to comes first.
STEPS: list[tuple[str, str, str]] = [
    ("payers", "new", PAYERS_NEW),
    ("payers", "changed", PAYERS_CHANGED),
    ("payers", "merged", PAYERS_MERGED),
    ("receivables", "new", RECEIVABLES_NEW),
    ("receivables", "changed", RECEIVABLES_CHANGED),
    ("receivables", "moved", RECEIVABLES_PARENT),
    ("liabilities", "new", LIABILITIES_NEW),
    ("liabilities", "changed", LIABILITIES_CHANGED),
    ("liabilities", "closed", LIABILITIES_GONE),
    ("instalments", "new", INSTALMENTS_NEW),
    ("instalments", "changed", INSTALMENTS_CHANGED),
    ("instalments", "closed", INSTALMENTS_GONE),
    ("operations", "new", OPERATIONS_NEW),
    ("operations", "changed", OPERATIONS_CHANGED),
    ("overpayments", "new", OVERPAYMENTS_NEW),
    ("overpayments", "changed", OVERPAYMENTS_CHANGED),
]


@dataclass
class Merged:
    """How many rows of which table became new, changed, closed."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, table: str, what: str, number: int) -> None:
        if number:
            numbers = self.counts.setdefault(table, {})
            numbers[what] = numbers.get(what, 0) + number


def merge(
    connection: psycopg.Connection,
    *,
    source: str,
    run_id: UUID,
    kind: ImportKind,
    now: datetime,
    owner: str,
    key_version: int,
) -> Merged:
    """Write what is new or changed, close what is gone. The caller's transaction makes it all or nothing."""
    words: dict[str, Any] = {"source": source, "run": run_id, "now": now, "owner": owner, "key": key_version}
    merged = Merged()
    for statement in KINDS.split(";"):
        connection.execute(statement.encode(), words)
    connection.execute(INSTALMENTS_LOCKED.encode(), words)
    for table, what, statement in STEPS:
        merged.add(table, what, connection.execute(statement.encode(), words).rowcount)
    if kind is ImportKind.FULL:
        for table in ("payers", "receivables", "instalments", "operations", "overpayments"):
            gone = connection.execute(VANISHED.format(table=table).encode(), words).rowcount
            merged.add(table, "closed", gone)
    return merged
