"""What a staged file must satisfy before anything is changed. Set-based; all problems are listed together.

Messages are for the clerk who has to mend the file, so they are Polish, and name external ids, never people.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import psycopg

from skarbnik import clock
from skarbnik.errors import FileProblem
from skarbnik.exchange.staging import KEYS
from skarbnik.exchange.statements import CHAINS, LONGEST_CHAIN
from skarbnik.plugin_api import LARGEST_DOCUMENT, ImportKind, Manifest, Totals

MOST_PROBLEMS = 1000
LARGEST_LEAD = timedelta(days=1)  # of a finance system's clock before ours

_DUPLICATES = """
    SELECT min(line), {key} FROM stage_{table} GROUP BY {key} HAVING count(*) > 1 ORDER BY 1 LIMIT 200
"""

# Twice in one file, once of them in a receivable whose block is known and was not looked into.
_DUPLICATES_OF_KNOWN = {
    "receivables": """
        SELECT min(line), external_id FROM (
            SELECT line, external_id, true AS is_known FROM stage_same
            UNION ALL SELECT line, external_id, false FROM stage_receivables
        ) AS named GROUP BY external_id HAVING count(*) > 1 AND bool_or(is_known) ORDER BY 1 LIMIT 200
    """,
    **{
        table: f"""
            SELECT s.line, s.external_id FROM stage_{table} s
            JOIN {table} d ON d.source = %(source)s AND d.external_id = s.external_id
            JOIN stage_named n ON n.id = d.receivable_id WHERE d.closed_at IS NULL ORDER BY 1 LIMIT 200
        """  # noqa: S608  # our own words
        for table in ("operations", "documents")
    },
}

# Each receivable and the one above it: as this file says, or as it was for what it does not name.
_PARENTS = f"""
    WITH RECURSIVE step AS MATERIALIZED (
        (SELECT DISTINCT ON (s.external_id) s.line, s.external_id, s.parent FROM stage_receivables s
        WHERE s.parent IS NOT NULL ORDER BY s.external_id, s.line)
        UNION ALL
        SELECT n.line, r.external_id, p.external_id FROM receivables r JOIN receivables p ON p.id = r.parent_id
        LEFT JOIN stage_same n ON n.external_id = r.external_id
        WHERE r.source = %(source)s AND NOT EXISTS (SELECT FROM stage_receivables s WHERE s.external_id = r.external_id)
    ), chain AS (
        SELECT line, external_id, parent, 1 AS steps FROM step WHERE line IS NOT NULL
        UNION ALL
        SELECT c.line, c.external_id, s.parent, c.steps + 1 FROM chain c JOIN step s ON s.external_id = c.parent
        WHERE c.steps < {LONGEST_CHAIN}
    )
"""  # noqa: S608  # our own words

# Operations that name a booking of ours for the first time. What the books said before is not asked again.
_ECHOES = """
    WITH echoes AS (
        SELECT s.line, s.external_id, s.booking_id, s.principal + s.interest + s.costs AS amount
        FROM stage_operations s
        LEFT JOIN operations d ON d.source = %(source)s AND d.external_id = s.external_id
            AND d.booking_id = s.booking_id AND d.run_id <> %(run)s
        WHERE s.booking_id IS NOT NULL AND d.id IS NULL
    )
"""

# Re-bookings in known blocks whose other leg the file left out, or the receivable it stood in. Found from what is not
# known (what changed, and all that ever vanished), leg by leg through the indexes: see `GONE_WITHIN`.
_LONE_LEGS = """
    WITH gone AS MATERIALIZED (
        SELECT r.id FROM receivables r LEFT JOIN stage_named n ON n.id = r.id
        WHERE r.source = %(source)s AND n.id IS NULL AND EXISTS (SELECT FROM stage_same)
    ), lost AS MATERIALIZED (
        SELECT d.external_id, d.counterpart, d.receivable_id FROM gone
        JOIN LATERAL (
            SELECT external_id, counterpart FROM operations leg
            WHERE receivable_id = gone.id AND kind = 'rebooking' AND closed_at IS NULL AND NOT EXISTS (
                SELECT FROM stage_operations s WHERE s.external_id = leg.external_id AND s.counterpart = leg.counterpart
            ) OFFSET 0
        ) o ON true
        JOIN LATERAL (
            SELECT external_id, counterpart, receivable_id FROM operations
            WHERE source = %(source)s AND external_id = o.counterpart AND counterpart = o.external_id
                AND kind = 'rebooking' AND closed_at IS NULL OFFSET 0
        ) d ON true
        WHERE NOT EXISTS (SELECT FROM gone g WHERE g.id = d.receivable_id) LIMIT 200
    ), lone AS (
        SELECT s.line, l.external_id, l.counterpart FROM lost l JOIN receivables r ON r.id = l.receivable_id
        JOIN stage_same s ON s.external_id = r.external_id
    )
"""

_ECHOES_BESIDE: LiteralString = """
    SELECT line, external_id FROM stage_operations WHERE booking_id IS NOT NULL ORDER BY 1 LIMIT 200
"""

CODE_TWICE = "payment-code-twice"
_REFERENCES = {
    "unknown-kind": (
        """SELECT s.line, s.external_id, s.kind FROM stage_receivables s
        LEFT JOIN stage_kinds k ON k.code = s.kind
        LEFT JOIN kinds d ON d.source = %(source)s AND d.code = s.kind
        WHERE k.code IS NULL AND d.code IS NULL ORDER BY 1 LIMIT 200""",
        "Należność {0}: rodzaj {1} nie jest opisany ani w tym pliku, ani we wcześniejszych.",
    ),
    "unknown-parent": (
        """SELECT s.line, s.external_id, s.parent FROM stage_receivables s
        LEFT JOIN stage_receivables p ON p.external_id = s.parent
        LEFT JOIN receivables d ON d.source = %(source)s AND d.external_id = s.parent
        WHERE s.parent IS NOT NULL AND p.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Należność {0}: nie ma należności nadrzędnej {1}.",
    ),
    CODE_TWICE: (
        """SELECT s.line, s.external_id, o.external_id FROM stage_receivables s
        JOIN stage_receivables o ON o.payment_code = s.payment_code AND o.external_id <> s.external_id
            AND (o.line, o.external_id) < (s.line, s.external_id)
        UNION ALL
        SELECT s.line, s.external_id, r.external_id FROM stage_receivables s
        JOIN receivables r ON r.payment_code = s.payment_code AND r.source = %(source)s
            AND r.external_id <> s.external_id AND r.closed_at IS NULL
        WHERE NOT EXISTS (SELECT FROM stage_receivables n WHERE n.external_id = r.external_id)
            AND (NOT %(full)s OR EXISTS (SELECT FROM stage_named m WHERE m.id = r.id))
        ORDER BY 1 LIMIT 200""",
        "Należność {0}: ma ten sam kod płatności co należność {1}.",
    ),
    "unknown-payer": (
        """SELECT s.line, s.receivable, s.payer FROM stage_liabilities s
        LEFT JOIN stage_payers p ON p.external_id = s.payer
        LEFT JOIN payers d ON d.source = %(source)s AND d.external_id = s.payer
        WHERE p.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Należność {0}: nie ma kontrahenta {1}.",
    ),
    "nobody-liable": (
        """SELECT s.line, s.external_id, s.kind FROM stage_receivables s
        WHERE NOT s.closed AND NOT EXISTS (SELECT FROM stage_liabilities l WHERE l.receivable = s.external_id)
        ORDER BY 1 LIMIT 200""",
        "Należność {0}: nikt za nią nie odpowiada.",
    ),
    "unknown-merged": (
        """SELECT s.line, s.external_id, s.merged_into FROM stage_payers s
        LEFT JOIN stage_payers p ON p.external_id = s.merged_into
        LEFT JOIN payers d ON d.source = %(source)s AND d.external_id = s.merged_into
        WHERE s.merged_into IS NOT NULL AND p.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Kontrahent {0}: nie ma kontrahenta {1}, z którym go połączono.",
    ),
    "merged-in-a-circle": (
        f"""{CHAINS} SELECT line, external_id, target FROM chain
        WHERE steps = {LONGEST_CHAIN} AND line IS NOT NULL ORDER BY 1 LIMIT 200""",  # noqa: S608  # our own words
        "Kontrahent {0}: połączenia kontrahentów tworzą koło (przez {1}), więc nie wiadomo, który z nich pozostaje.",
    ),
    "unknown-instalment": (
        """SELECT s.line, s.external_id, s.instalment FROM stage_operations s
        LEFT JOIN stage_instalments i ON i.external_id = s.instalment
        LEFT JOIN instalments d ON d.source = %(source)s AND d.external_id = s.instalment
        WHERE s.instalment IS NOT NULL AND i.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Operacja {0}: nie ma raty {1}.",
    ),
    "instalment-of-another": (
        """SELECT s.line, s.external_id, s.instalment, s.receivable FROM stage_operations s
        LEFT JOIN stage_instalments i ON i.external_id = s.instalment
        LEFT JOIN instalments d ON d.source = %(source)s AND d.external_id = s.instalment
        LEFT JOIN receivables r ON r.id = d.receivable_id
        WHERE s.instalment IS NOT NULL AND coalesce(i.receivable, r.external_id) <> s.receivable
        ORDER BY 1 LIMIT 200""",
        "Operacja {0}: rata {1} należy do innej należności niż {2}.",
    ),
    "unknown-receivable": (
        """SELECT s.line, s.external_id, s.receivable FROM stage_operations s
        LEFT JOIN stage_receivables r ON r.external_id = s.receivable
        LEFT JOIN receivables d ON d.source = %(source)s AND d.external_id = s.receivable
        WHERE r.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Operacja {0}: nie ma należności {1}.",
    ),
    "overpayment-payer": (
        """SELECT s.line, s.external_id, s.payer FROM stage_overpayments s
        LEFT JOIN stage_payers p ON p.external_id = s.payer
        LEFT JOIN payers d ON d.source = %(source)s AND d.external_id = s.payer
        WHERE p.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Nadpłata {0}: nie ma kontrahenta {1}.",
    ),
    "overpayment-receivable": (
        """SELECT s.line, s.external_id, s.receivable FROM stage_overpayments s
        LEFT JOIN stage_receivables r ON r.external_id = s.receivable
        LEFT JOIN receivables d ON d.source = %(source)s AND d.external_id = s.receivable
        WHERE s.receivable IS NOT NULL AND r.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Nadpłata {0}: nie ma należności {1}.",
    ),
    "document-receivable": (
        """SELECT s.line, s.external_id, s.receivable FROM stage_documents s
        LEFT JOIN stage_receivables r ON r.external_id = s.receivable
        LEFT JOIN receivables d ON d.source = %(source)s AND d.external_id = s.receivable
        WHERE r.external_id IS NULL AND d.external_id IS NULL ORDER BY 1 LIMIT 200""",
        "Dokument {0}: nie ma należności {1}.",
    ),
    "document-file": (  # a name of a file is made of it, whatever the plugin read
        f"""SELECT s.line, s.external_id, s.receivable FROM stage_documents s
        WHERE s.sha256 !~ '^[0-9a-f]{{64}}$' OR s.size NOT BETWEEN 1 AND {LARGEST_DOCUMENT}
        ORDER BY 1 LIMIT 200""",  # noqa: S608  # our own words
        "Dokument {0} należności {1}: skrót SHA-256 albo rozmiar pliku nie może być taki.",
    ),
    "foreign-row": (
        """SELECT s.line, s.external_id, s.receivable FROM stage_instalments s
        JOIN instalments i ON i.source = %(source)s AND i.external_id = s.external_id
        JOIN receivables r ON r.id = i.receivable_id
        WHERE r.external_id <> s.receivable AND i.run_id <> %(run)s ORDER BY 1 LIMIT 200""",
        "Rata {0}: należała dotąd do innej należności niż {1}.",
    ),
    "parents-in-a-circle": (
        f"""{_PARENTS} SELECT line, external_id, parent FROM chain
        WHERE steps = {LONGEST_CHAIN} ORDER BY 1 LIMIT 200""",  # noqa: S608  # our own words
        "Należność {0}: należności nadrzędne tworzą koło (przez {1}).",
    ),
    "one-sided-rebooking": (
        f"""{_LONE_LEGS} SELECT s.line, s.external_id, coalesce(s.counterpart, 'nie podano') FROM stage_operations s
        LEFT JOIN (
            SELECT external_id, counterpart, document, principal, interest, costs FROM stage_operations
            WHERE kind = 'rebooking'
            UNION ALL
            SELECT d.external_id, d.counterpart, d.document, d.principal, d.interest, d.costs
            FROM stage_operations w JOIN operations d ON d.source = %(source)s AND d.external_id = w.counterpart
            JOIN stage_named n ON n.id = d.receivable_id
            WHERE w.kind = 'rebooking' AND d.kind = 'rebooking' AND d.closed_at IS NULL
        ) AS o ON o.external_id = s.counterpart AND o.counterpart = s.external_id AND o.document = s.document
        WHERE s.kind = 'rebooking' AND (o.external_id IS NULL
            OR (s.principal + o.principal, s.interest + o.interest, s.costs + o.costs) <> (0, 0, 0))
        UNION ALL SELECT line, external_id, counterpart FROM lone
        ORDER BY 1 LIMIT 200""",  # noqa: S608  # our own words
        "Przeksięgowanie {0}: nie ma drugiej strony ({1}) o tym samym numerze dowodu albo obie nie dają zera"
        " w należności głównej, odsetkach i kosztach z osobna.",
    ),
    "stray-counterpart": (
        """SELECT s.line, s.external_id, s.counterpart FROM stage_operations s
        WHERE s.kind <> 'rebooking' AND s.counterpart IS NOT NULL ORDER BY 1 LIMIT 200""",
        "Operacja {0}: drugą stronę ({1}) ma tylko przeksięgowanie.",
    ),
    "changed-operation": (  # where it is assigned may change; an echo that was left out may be added
        """SELECT s.line, s.external_id, s.receivable FROM stage_operations s
        JOIN operations d ON d.source = %(source)s AND d.external_id = s.external_id
        WHERE d.digest <> s.digest AND d.run_id <> %(run)s AND (
            (d.kind, d.booked_on, d.happened_on, d.document, d.principal, d.interest, d.costs)
                <> (s.kind, s.booked_on, s.happened_on, s.document, s.principal, s.interest, s.costs)
            OR d.booking_id <> s.booking_id)
        ORDER BY 1 LIMIT 200""",
        "Operacja {0}: była już wczytana z inną treścią; zaksięgowanych operacji się nie zmienia.",
    ),
    "unknown-booking": (  # books that knew a portal before this one may say so in their first file
        f"""{_ECHOES} SELECT e.line, e.external_id, e.booking_id FROM echoes e
        LEFT JOIN (booking_lines b JOIN instalments i ON i.id = b.instalment_id AND i.source = %(source)s)
            ON b.id = e.booking_id
        WHERE b.id IS NULL AND EXISTS (SELECT FROM import_runs WHERE source = %(source)s AND state = 'applied')
        ORDER BY 1 LIMIT 200""",  # noqa: S608  # our own words
        "Operacja {0}: portal nie przekazał do zaksięgowania wpłaty {1}.",
    ),
    "echo-amount": (
        f"""{_ECHOES} SELECT e.line, e.external_id, e.booking_id FROM echoes e
        JOIN booking_lines b ON b.id = e.booking_id
        WHERE b.principal + b.interest + b.costs + e.amount <> 0 ORDER BY 1 LIMIT 200""",  # noqa: S608  # our own words
        "Operacja {0}: kwota jest inna niż kwota wpłaty {1} przekazanej do zaksięgowania.",
    ),
    "echoed-twice": (
        """SELECT line, external_id, booking_id FROM (
            SELECT line, external_id, booking_id,
                min(external_id) OVER same <> max(external_id) OVER same AS is_doubled
            FROM (
                SELECT line, external_id, booking_id FROM stage_operations WHERE booking_id IS NOT NULL
                UNION ALL
                SELECT NULL, d.external_id, d.booking_id FROM operations d
                WHERE d.source = %(source)s AND d.closed_at IS NULL AND d.run_id <> %(run)s
                    AND d.booking_id IN (SELECT booking_id FROM stage_operations)
                    AND NOT EXISTS (SELECT FROM stage_operations s WHERE s.external_id = d.external_id)
                    AND CASE WHEN %(full)s  -- which says itself all that is still booked
                        THEN EXISTS (SELECT FROM stage_named n WHERE n.id = d.receivable_id)
                        ELSE EXISTS (SELECT FROM receivables r WHERE r.id = d.receivable_id AND r.closed_at IS NULL) END
            ) AS named WINDOW same AS (PARTITION BY booking_id)
        ) AS judged WHERE is_doubled AND line IS NOT NULL ORDER BY 1 LIMIT 200""",
        "Operacja {0}: wpłatę {1} wskazuje więcej niż jedna operacja.",
    ),
}

_NAMES = {
    "kinds": "rodzaje należności",
    "payers": "kontrahenci",
    "receivables": "należności",
    "liabilities": "odpowiedzialni",
    "instalments": "raty",
    "operations": "operacje",
    "overpayments": "nadpłaty",
    "documents": "dokumenty",
    "principal": "suma należności głównych",
    "interest": "suma odsetek",
    "costs": "suma kosztów",
    "operations_amount": "suma operacji",
    "overpayments_amount": "suma nadpłat",
}


def check_manifest(
    manifest: Manifest, *, tenant_code: str, last_import: int, as_of: datetime | None
) -> list[FileProblem]:
    """Is it this gmina's, and the one we wait for? A full file may come after a gap: it has all that was missed."""
    problems = []
    if manifest.tenant_code != tenant_code:
        problems.append(FileProblem(None, "foreign-tenant", "Plik jest przeznaczony dla innej gminy."))
    if manifest.number <= last_import:
        message = (
            f"Plik nr {manifest.number} był już wczytany albo jest starszy niż ostatni wczytany (nr {last_import})."
        )
        problems.append(FileProblem(None, "old-number", message))
    elif manifest.number > last_import + 1 and manifest.kind is not ImportKind.FULL:
        message = f"Brakuje plików od nr {last_import + 1} do nr {manifest.number - 1}."
        problems.append(FileProblem(None, "missing-number", message))
    if last_import == 0 and manifest.kind is not ImportKind.FULL:
        problems.append(FileProblem(None, "first-not-full", "Pierwszy plik musi być pełny."))
    return problems + _check_moment(manifest.as_of, as_of)


def _check_moment(moment: datetime, before: datetime | None) -> list[FileProblem]:
    """Time goes forward from file to file. One from the future, once taken, would bar all that come before it."""
    if before is not None and moment < before:
        message = f"Plik podaje stan na {_when(moment)}, a wczytano już stan na {_when(before)}."
        return [FileProblem(None, "earlier-moment", message)]
    if moment > clock.now() + LARGEST_LEAD:
        return [FileProblem(None, "future-moment", f"Plik podaje stan na {_when(moment)}, czyli z przyszłości.")]
    return []


def check_stage(connection: psycopg.Connection, source: str, run_id: UUID, kind: ImportKind) -> list[FileProblem]:
    """Duplicates and references. At most `MOST_PROBLEMS`, in the order of lines."""
    problems = []
    skipped: set[str] = set()
    words = {"source": source, "run": run_id, "full": kind is ImportKind.FULL}
    twice = [(table, _DUPLICATES.format(table=table, key=key)) for table, key in KEYS.items()]
    for table, query in [*twice, *_DUPLICATES_OF_KNOWN.items()]:
        for line, *values in connection.execute(query.encode(), words):
            message = f"{_NAMES[table].capitalize()}: identyfikator {' / '.join(values)} występuje więcej niż raz."
            problems.append(FileProblem(line, "duplicate", message))
    if not _any(connection, "SELECT EXISTS (SELECT FROM stage_receivables WHERE parent IS NOT NULL)"):
        skipped.add("parents-in-a-circle")  # which asks every receivable that has a parent
    if not _any(connection, "SELECT EXISTS (SELECT FROM stage_receivables WHERE payment_code IS NOT NULL)"):
        skipped.add(CODE_TWICE)
    for code, (query, message) in _REFERENCES.items():
        if code in skipped:
            continue
        for line, *values in connection.execute(query.encode(), words):
            problems.append(FileProblem(line, code, message.format(*values)))
    return sorted(problems, key=lambda problem: problem.line or 0)[:MOST_PROBLEMS]


def _any(connection: psycopg.Connection, question: LiteralString) -> bool:
    row = connection.execute(question).fetchone()
    return bool(row and row[0])


def check_one_echo(connection: psycopg.Connection) -> list[FileProblem]:
    """Of a file whose balances hold whole batches: its operations must not echo bookings besides.

    Each way closes the booking, and taking one of them back would leave it open for ever beside the other.
    """
    problems = []
    for line, external_id in connection.execute(_ECHOES_BESIDE):
        message = f"Operacja {external_id}: plik mówi o wpłatach portalu dwojako, w operacjach i w numerze paczki."
        problems.append(FileProblem(line, "two-echoes", message))
    return problems


def check_totals(said: Totals, counted: Totals) -> list[FileProblem]:
    """What the manifest says, if it does, against what was in the file; amounts are named in złote."""
    problems = []
    found = asdict(counted)
    for name, expected in asdict(said).items():
        if expected is not None and expected != found[name]:
            shown = (expected, found[name]) if name in KEYS else (_zloty(expected), _zloty(found[name]))
            message = f"{_NAMES[name].capitalize()}: plik zapowiada {shown[0]}, a zawiera {shown[1]}."
            problems.append(FileProblem(None, "totals", message))
    return problems


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(clock.WARSAW):%d.%m.%Y %H:%M:%S}"


def _zloty(grosze: int) -> str:
    whole, rest = divmod(abs(grosze), 100)
    return f"{'-' if grosze < 0 else ''}{whole},{rest:02d} zł"
