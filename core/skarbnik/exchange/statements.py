"""The statements of a merge. `{stage}` is a temporary table with rows of the file; all words are our own."""

from __future__ import annotations

from datetime import timedelta

from skarbnik.plugin_api import ImportKind

KINDS = """
    INSERT INTO creditor_accounts (id, nrb, owner, title)
    SELECT gen_random_uuid(), k.account, %(owner)s, min(k.title) FROM {stage} k
    WHERE k.account IS NOT NULL GROUP BY k.account
    ON CONFLICT (nrb) DO NOTHING;
    INSERT INTO kinds (id, source, code, title, regime, creditor_account_id, said_account, position, online, in_parts,
        interest)
    SELECT gen_random_uuid(), %(source)s, k.code, k.title, k.regime, a.id, k.account,
        (SELECT coalesce(max(position), 0) FROM kinds) + 10 * row_number() OVER (ORDER BY k.line), true, false,
        'given'
    FROM (SELECT DISTINCT ON (code) * FROM {stage} ORDER BY code, line) k
    LEFT JOIN creditor_accounts a ON a.nrb = k.account
    ON CONFLICT (source, code) DO UPDATE SET
        title = excluded.title, regime = excluded.regime,
        creditor_account_id = CASE WHEN excluded.said_account <> coalesce(kinds.said_account, '')
            THEN excluded.creditor_account_id ELSE kinds.creditor_account_id END,
        said_account = coalesce(excluded.said_account, kinds.said_account)
    WHERE (kinds.title, kinds.regime, kinds.said_account)
        IS DISTINCT FROM (excluded.title, excluded.regime, coalesce(excluded.said_account, kinds.said_account))
"""

# Our row for an external id, looked up in the unique index row by row: LIMIT keeps the planner from turning it round
# to scan a table of which it still believes that it is empty.
LOOK_UPS = {
    name: f"SELECT id FROM {name}s WHERE source = %(source)s AND external_id = s.{name} LIMIT 1"  # noqa: S608  # our words
    for name in ("receivable", "payer", "instalment")
}

LOOK_UPS["own"] = LOOK_UPS["receivable"]  # the receivable a row stands in
# In a first load the stage knows the id of that one, unless the row stands elsewhere.
KNOWN = {
    **LOOK_UPS,
    "own": f"SELECT id FROM (SELECT coalesce(s.receivable_id, ({LOOK_UPS['own']})) AS id) k WHERE id IS NOT NULL",  # noqa: S608  # our words
}

PAYERS_NEW = """
    INSERT INTO payers (id, source, external_id, kind, name, pesel_sealed, pesel_hash, pesel_key, nip, regon, street,
        postal_code, city, email, phone, merged_from, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, s.kind, s.name, s.pesel_sealed, s.pesel_hash,
        CASE WHEN s.pesel_hash IS NULL THEN NULL ELSE %(key)s END, s.nip, s.regon, s.street, s.postal_code, s.city,
        s.email, s.phone, '{{}}', s.digest, %(run)s
    FROM {stage} s
"""
PAYERS_UNKNOWN = """
    LEFT JOIN payers p ON p.source = %(source)s AND p.external_id = s.external_id
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
# Each payer that was merged with the next one of its chain: as this file says, or as it was for whom it does not name.
# An unfinished chain is one of a circle.
LONGEST_CHAIN = 20
CHAINS = f"""
    WITH RECURSIVE step AS MATERIALIZED (
        (SELECT DISTINCT ON (s.external_id) s.line, s.external_id, s.merged_into AS target FROM stage_payers s
        WHERE s.merged_into IS NOT NULL ORDER BY s.external_id, s.line)
        UNION ALL
        SELECT NULL, p.external_id, m.external_id FROM payers p JOIN payers m ON m.id = p.merged_next
        WHERE p.source = %(source)s AND NOT EXISTS (SELECT FROM stage_payers s WHERE s.external_id = p.external_id)
    ), chain AS (
        SELECT line, external_id, target, 1 AS steps FROM step
        UNION ALL
        SELECT c.line, c.external_id, s.target, c.steps + 1 FROM chain c JOIN step s ON s.external_id = c.target
        WHERE c.steps < {LONGEST_CHAIN}
    )
"""  # noqa: S608  # our own words
# The steps are kept beside the ends: a file that takes back one step of a chain says nothing of those before it.
PAYERS_NEXT = """
    UPDATE payers p SET merged_next = m.id
    FROM stage_payers s LEFT JOIN payers m ON m.source = %(source)s AND m.external_id = s.merged_into
    WHERE p.source = %(source)s AND p.external_id = s.external_id AND p.merged_next IS DISTINCT FROM m.id
"""
PAYERS_MERGED = f"""
    {CHAINS}
    UPDATE payers p SET merged_into = (
        SELECT m.id FROM payers m WHERE m.source = %(source)s AND m.external_id = ends.target
    )
    FROM (
        SELECT c.external_id, c.target FROM chain c WHERE NOT EXISTS (SELECT FROM step s WHERE s.external_id = c.target)
        UNION ALL
        SELECT p.external_id, NULL FROM payers p
        WHERE p.source = %(source)s AND p.merged_into IS NOT NULL
            AND NOT EXISTS (SELECT FROM step s WHERE s.external_id = p.external_id)
    ) AS ends
    WHERE p.source = %(source)s AND p.external_id = ends.external_id AND p.merged_into IS DISTINCT FROM (
        SELECT m.id FROM payers m WHERE m.source = %(source)s AND m.external_id = ends.target
    )
"""  # noqa: S608  # our own words
# The other direction, so that a page finds what is owed under all the numbers of its payer by their ids.
PAYERS_MERGED_FROM = """
    UPDATE payers p SET merged_from = n.ids FROM (
        SELECT t.id, coalesce(f.ids, '{}') AS ids FROM payers t LEFT JOIN (
            SELECT merged_into AS id, array_agg(id ORDER BY id) AS ids FROM payers
            WHERE source = %(source)s AND merged_into IS NOT NULL GROUP BY merged_into
        ) AS f ON f.id = t.id
        WHERE t.source = %(source)s AND (f.ids IS NOT NULL OR t.merged_from <> '{}')
    ) AS n
    WHERE p.id = n.id AND p.merged_from <> n.ids
"""

RECEIVABLES_NEW = """
    INSERT INTO receivables (id, source, external_id, kind_id, title, number, period_from, period_until, basis, account,
        payment_code, closed_at, digest, run_id, block, block_totals)
    SELECT s.id, %(source)s, s.external_id, k.id, s.title, s.number, s.period_from, s.period_until, s.basis, s.account,
        s.payment_code, CASE WHEN s.closed THEN %(now)s END, s.digest, %(run)s, s.block, s.totals
    FROM {stage} s JOIN kinds k ON k.source = %(source)s AND k.code = s.kind
"""
RECEIVABLES_UNKNOWN = """
    LEFT JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id
    WHERE r.id IS NULL
"""
# What of a row that is replaced a clerk may want to see again, and the column of `replaced_rows` it is kept in.
CONTENT = {
    "receivables": {"title": "title", "number": "number", "account": "account"},
    "instalments": {"due_on": "due_on", "principal": "principal", "interest": "interest", "costs": "costs"},
    "overpayments": {"principal": "amount"},
}
KEPT_FOR = timedelta(days=731)


def keeping(table: str) -> str:
    """Keep the rows of `t` as they are now, before the statement they stand in changes them."""
    content = CONTENT[table]
    return f"""
        INSERT INTO replaced_rows (replaced_by, row_id, written_by, closed, {", ".join(content)})
        SELECT %(run)s, t.id, t.run_id, t.closed_at IS NOT NULL, {", ".join(f"t.{each}" for each in content.values())}
        FROM t
    """  # noqa: S608  # our own words


RECEIVABLES_CHANGED = f"""
    WITH t AS MATERIALIZED (
        SELECT r.*, s AS said, k.id AS said_kind
        FROM stage_receivables s JOIN kinds k ON k.source = %(source)s AND k.code = s.kind
        JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id
        WHERE r.digest <> s.digest OR (r.closed_at IS NOT NULL) <> s.closed
    ), kept AS ({keeping("receivables")})
    UPDATE receivables r SET kind_id = t.said_kind, title = (t.said).title, number = (t.said).number,
        period_from = (t.said).period_from, period_until = (t.said).period_until, basis = (t.said).basis,
        account = (t.said).account, payment_code = (t.said).payment_code,
        closed_at = CASE WHEN (t.said).closed THEN coalesce(r.closed_at, %(now)s) END,
        digest = (t.said).digest, run_id = %(run)s
    FROM t WHERE r.id = t.id
"""  # noqa: S608  # our own words
# A code that the file gives to another receivable is free before it is given: rows are written one after another.
CODES_FREED = """
    UPDATE receivables r SET payment_code = NULL FROM stage_receivables s
    WHERE r.source = %(source)s AND s.payment_code = r.payment_code AND s.external_id <> r.external_id
"""
# An incremental file has no blocks: what it names is compared row by row in the next full one.
BLOCKS = """
    UPDATE receivables r SET block = s.block, block_totals = s.totals FROM stage_receivables s
    WHERE r.source = %(source)s AND r.external_id = s.external_id AND r.block IS DISTINCT FROM s.block
"""
# It may name where an operation or a document went, and not the receivable it left, which is another block since.
BLOCKS_LEFT = """
    UPDATE receivables SET block = NULL, block_totals = NULL WHERE block IS NOT NULL AND id IN (
        SELECT r.id FROM stage_operations s
        JOIN operations d ON d.source = %(source)s AND d.external_id = s.external_id AND d.closed_at IS NULL
        JOIN receivables r ON r.id = d.receivable_id AND r.external_id <> s.receivable
        UNION ALL
        SELECT r.id FROM stage_documents s
        JOIN documents d ON d.source = %(source)s AND d.external_id = s.external_id AND d.closed_at IS NULL
        JOIN receivables r ON r.id = d.receivable_id AND r.external_id <> s.receivable
    )
"""
RECEIVABLES_PARENT = """
    UPDATE receivables r SET parent_id = p.id FROM stage_receivables s
    LEFT JOIN receivables p ON p.source = %(source)s AND p.external_id = s.parent
    WHERE r.source = %(source)s AND r.external_id = s.external_id AND r.run_id = %(run)s
        AND r.parent_id IS DISTINCT FROM p.id
"""

LIABILITIES_NEW = """
    INSERT INTO liabilities (receivable_id, payer_id, role, share_part, share_whole, from_on, until_on, digest, run_id)
    SELECT r.id, p.id, s.role, s.share_part, s.share_whole, s.from_on, s.until_on, s.digest, %(run)s
    FROM {stage} s
    JOIN LATERAL ({own}) r ON true
    JOIN LATERAL ({payer}) p ON true
"""
LIABILITIES_UNKNOWN = """
    LEFT JOIN liabilities l ON l.receivable_id = r.id AND l.payer_id = p.id AND l.role = s.role
    WHERE l.receivable_id IS NULL
"""
LIABILITIES_CHANGED = """
    UPDATE liabilities l SET share_part = s.share_part, share_whole = s.share_whole, from_on = s.from_on,
        until_on = s.until_on, closed_at = NULL, digest = s.digest, run_id = %(run)s
    FROM stage_liabilities s
    JOIN receivables r ON r.source = %(source)s AND r.external_id = s.receivable
    JOIN payers p ON p.source = %(source)s AND p.external_id = s.payer
    WHERE l.receivable_id = r.id AND l.payer_id = p.id AND l.role = s.role
        AND (l.digest <> s.digest OR l.closed_at IS NOT NULL)
"""
LIABILITIES_GONE = """
    UPDATE liabilities l SET closed_at = %(now)s, run_id = %(run)s
    FROM stage_receivables s JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id, payers p
    WHERE l.receivable_id = r.id AND l.closed_at IS NULL AND p.id = l.payer_id AND NOT EXISTS (
        SELECT FROM stage_liabilities sl
        WHERE sl.receivable = s.external_id AND sl.payer = p.external_id AND sl.role = l.role)
"""

INSTALMENTS_NEW = """
    INSERT INTO instalments (id, source, external_id, receivable_id, number, due_on, charged, principal, interest,
        costs, closed_at, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, r.id, s.number, s.due_on, s.charged, s.principal, s.interest, s.costs,
        CASE WHEN s.closed THEN %(now)s END, s.digest, %(run)s
    FROM {stage} s JOIN LATERAL ({own}) r ON true
"""
INSTALMENTS_UNKNOWN = """
    LEFT JOIN instalments i ON i.source = %(source)s AND i.external_id = s.external_id
    WHERE i.id IS NULL
"""
# Where an import looks for instalments that are gone: a full one everywhere, another in the receivables it names.
PLACES = {
    ImportKind.FULL: "instalments i",
    ImportKind.INCREMENTAL: """
        stage_receivables s JOIN receivables r ON r.source = %(source)s AND r.external_id = s.external_id
        JOIN instalments i ON i.receivable_id = r.id
    """,
}
INSTALMENTS_MISSED = """
    CREATE TEMP TABLE stage_gone ON COMMIT DROP AS
    SELECT i.id FROM {place}
    WHERE i.source = %(source)s AND i.closed_at IS NULL
        AND NOT EXISTS (SELECT FROM stage_instalments si WHERE si.external_id = i.external_id)
        AND NOT EXISTS (SELECT FROM stage_named n WHERE n.id = i.receivable_id)
"""
INSTALMENTS_LOCKED = """
    WITH t AS MATERIALIZED (
        SELECT * FROM instalments WHERE id IN (
            SELECT i.id FROM stage_instalments s
            JOIN instalments i ON i.source = %(source)s AND i.external_id = s.external_id
            WHERE i.digest <> s.digest OR (i.closed_at IS NOT NULL) <> s.closed
            UNION ALL SELECT id FROM stage_gone
        ) ORDER BY id FOR UPDATE
    ) {keep}
"""
INSTALMENTS_CHANGED = """
    UPDATE instalments i SET number = s.number, due_on = s.due_on, charged = s.charged, principal = s.principal,
        interest = s.interest, costs = s.costs,
        closed_at = CASE WHEN s.closed THEN coalesce(i.closed_at, %(now)s) END, digest = s.digest, run_id = %(run)s
    FROM stage_instalments s WHERE i.source = %(source)s AND i.external_id = s.external_id
        AND (i.digest <> s.digest OR (i.closed_at IS NOT NULL) <> s.closed)
"""
INSTALMENTS_GONE = """
    UPDATE instalments i SET closed_at = %(now)s, run_id = %(run)s FROM stage_gone g WHERE i.id = g.id
"""

OPERATIONS_NEW = """
    INSERT INTO operations (id, source, external_id, receivable_id, instalment_id, kind, booked_on, happened_on,
        document, principal, interest, costs, counterpart, booking_id, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, r.id, i.id, s.kind, s.booked_on, s.happened_on, s.document, s.principal,
        s.interest, s.costs, s.counterpart, s.booking_id, s.digest, %(run)s
    FROM {stage} s JOIN LATERAL ({own}) r ON true
    LEFT JOIN LATERAL ({instalment}) i ON true
"""
OPERATIONS_UNKNOWN = """
    LEFT JOIN operations o ON o.source = %(source)s AND o.external_id = s.external_id
    WHERE o.id IS NULL
"""
OPERATIONS_CHANGED = """
    UPDATE operations o SET
        receivable_id = (SELECT r.id FROM receivables r WHERE r.source = %(source)s AND r.external_id = s.receivable),
        instalment_id = (SELECT i.id FROM instalments i WHERE i.source = %(source)s AND i.external_id = s.instalment),
        kind = s.kind, booked_on = s.booked_on, happened_on = s.happened_on,
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
    FROM {stage} s JOIN LATERAL ({payer}) p ON true
    LEFT JOIN LATERAL ({receivable}) r ON true
"""
OVERPAYMENTS_UNKNOWN = """
    LEFT JOIN overpayments o ON o.source = %(source)s AND o.external_id = s.external_id
    WHERE o.id IS NULL
"""
OVERPAYMENTS_CHANGED = f"""
    WITH t AS MATERIALIZED (
        SELECT o.*, s AS said FROM stage_overpayments s
        JOIN overpayments o ON o.source = %(source)s AND o.external_id = s.external_id
        WHERE o.digest <> s.digest OR (o.closed_at IS NOT NULL) <> s.closed
    ), kept AS ({keeping("overpayments")})
    UPDATE overpayments o SET
        payer_id = (SELECT p.id FROM payers p WHERE p.source = %(source)s AND p.external_id = (t.said).payer),
        receivable_id = (
            SELECT r.id FROM receivables r WHERE r.source = %(source)s AND r.external_id = (t.said).receivable
        ),
        amount = (t.said).amount, arose_on = (t.said).arose_on,
        closed_at = CASE WHEN (t.said).closed THEN coalesce(o.closed_at, %(now)s) END, digest = (t.said).digest,
        run_id = %(run)s
    FROM t WHERE o.id = t.id
"""  # noqa: S608  # our own words

DOCUMENTS_NEW = """
    INSERT INTO documents (id, source, external_id, receivable_id, title, issued_on, sha256, size, digest, run_id)
    SELECT s.id, %(source)s, s.external_id, r.id, s.title, s.issued_on, s.sha256, s.size, s.digest, %(run)s
    FROM {stage} s JOIN LATERAL ({own}) r ON true
"""
DOCUMENTS_UNKNOWN = """
    LEFT JOIN documents d ON d.source = %(source)s AND d.external_id = s.external_id
    WHERE d.id IS NULL
"""
# Other bytes are waited for anew.
DOCUMENTS_CHANGED = """
    UPDATE documents d SET
        receivable_id = (SELECT r.id FROM receivables r WHERE r.source = %(source)s AND r.external_id = s.receivable),
        title = s.title, issued_on = s.issued_on, sha256 = s.sha256, size = s.size,
        arrived_at = CASE WHEN (d.sha256, d.size) = (s.sha256, s.size) THEN d.arrived_at END, trouble = NULL,
        ask_at = NULL, asks = 0,
        closed_at = NULL, digest = s.digest, run_id = %(run)s
    FROM stage_documents s WHERE d.source = %(source)s AND d.external_id = s.external_id
        AND (d.digest <> s.digest OR d.closed_at IS NOT NULL)
"""
# What stood in a receivable the file names and does not stand there any more. Looked up by the indexes, receivable by
# receivable: a join may begin with the whole of a table that is not analysed yet and looks empty. A receivable that is
# gone as a whole is closed; what was booked on it and decided about it stays its history.
GONE_WITHIN = """
    UPDATE {table} d SET closed_at = %(now)s, run_id = %(run)s WHERE d.id IN (
        SELECT gone.id FROM stage_receivables s
        JOIN LATERAL (SELECT id FROM receivables WHERE source = %(source)s AND external_id = s.external_id LIMIT 1) r
            ON true
        JOIN LATERAL (
            SELECT o.id FROM {table} o WHERE o.receivable_id = r.id AND o.closed_at IS NULL
                AND NOT EXISTS (SELECT FROM stage_{table} sd WHERE sd.external_id = o.external_id)
            OFFSET 0
        ) gone ON true
        WHERE EXISTS (SELECT FROM {table} WHERE source = %(source)s AND closed_at IS NULL)
    )
"""
DOCUMENTS_GONE = GONE_WITHIN.format(table="documents")
OPERATIONS_GONE = GONE_WITHIN.format(table="operations")  # of a full file: another names new ones only

# Rows are locked in the order of their ids, as payments lock them: who wants the same ones waits, and never deadlocks.
VANISHED = """
    WITH t AS MATERIALIZED (
        SELECT * FROM {table} t WHERE t.source = %(source)s AND t.closed_at IS NULL
            AND NOT EXISTS (SELECT FROM stage_{table} s WHERE s.external_id = t.external_id) {unless}
        ORDER BY t.id FOR UPDATE
    ) {keep}
    UPDATE {table} o SET closed_at = %(now)s, run_id = %(run)s {forget} FROM t WHERE o.id = t.id
"""
# What the file does not say in its place and says elsewhere: as a known block, or as who is liable for something open.
SAID_ELSEWHERE = {
    "receivables": "AND NOT EXISTS (SELECT FROM stage_named n WHERE n.id = t.id)",
    "payers": """
        AND NOT EXISTS (SELECT FROM liabilities l JOIN receivables r ON r.id = l.receivable_id
            WHERE l.payer_id = t.id AND l.closed_at IS NULL AND r.closed_at IS NULL)
    """,
}


def vanished(table: str) -> str:
    """Close the rows of a table that a full file no longer has."""
    return VANISHED.format(
        table=table,
        unless=SAID_ELSEWHERE.get(table, ""),
        keep=f", kept AS ({keeping(table)})" if table in CONTENT else "",
        forget=", block = NULL, block_totals = NULL" if table == "receivables" else "",
    )


# Debts that residents see today and that a full file would close without a word, by what they are.
VANISHING = """
    SELECT k.title, count(*), sum(i.principal + i.interest + i.costs)::bigint
    FROM stage_gone g JOIN instalments i ON i.id = g.id
    JOIN receivables r ON r.id = i.receivable_id AND r.closed_at IS NULL JOIN kinds k ON k.id = r.kind_id
    WHERE i.principal + i.interest + i.costs > 0 GROUP BY k.title ORDER BY 3 DESC
"""
OPEN_DEBTS = """
    SELECT count(*) FROM instalments i JOIN receivables r ON r.id = i.receivable_id AND r.closed_at IS NULL
    WHERE i.source = %(source)s AND i.closed_at IS NULL AND i.principal + i.interest + i.costs > 0
"""
FORGET = "DELETE FROM replaced_rows WHERE replaced_by < %(long_ago)s"
