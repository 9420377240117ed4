"""What features keep of the payers a person is, for the file with all their data.

Only of payers they act for as themselves: the data of a company, or of whoever gave a proxy, are not theirs to take.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.money import Money
from skarbnik.payers.queries import GOOD_ON
from skarbnik.plugin_api import N_, Chapter, read_rows
from skarbnik.plugin_api.own_data import Row
from skarbnik.portal.looks import action_words, list_looks, who_words
from skarbnik.receivables.queries import IN_FORCE

AMOUNTS = {"amount", "charged", "principal", "interest", "costs"}

# A payer that was merged is one with those that were merged into it. What happens to a debt that is somebody else's by
# now is theirs: of that only the old liability is told.
_FORCE = IN_FORCE.replace("%(today)s", ":today")
_MINE = f"""
    WITH mine AS (
        SELECT DISTINCT unnest(array_append(coalesce(p.merged_from, '{{}}'), p.id)) AS id
        FROM mandates m JOIN payers n ON n.id = m.payer_id JOIN payers p ON p.id = coalesce(n.merged_into, n.id)
        WHERE m.user_id = :user AND m.basis = 'self' AND {GOOD_ON}
    ), held AS (
        SELECT DISTINCT l.receivable_id AS id FROM liabilities l WHERE l.payer_id IN (SELECT id FROM mine) AND {_FORCE}
    )
"""  # noqa: S608  # our own words


def _read(session: TenantSession, statement: str, user_id: UUID) -> Iterator[Row]:
    for row in read_rows(session, _MINE + statement, user=user_id, today=clock.today()):
        yield {name: Money(value) if name in AMOUNTS and value is not None else value for name, value in row.items()}


def _chapter(name: str, about: str, statement: str) -> Chapter:
    return Chapter(name, about, lambda session, user_id: _read(session, statement, user_id))


def _looks(session: TenantSession, user_id: UUID) -> Iterator[Row]:
    """As the page says it: when, in which role, and what was done; by pages, whatever their number."""
    for payer_id in [row["id"] for row in _read(session, "SELECT id FROM mine", user_id)]:
        before: UUID | None = None
        while rows := list_looks(session, payer_id, before=before):
            for row in rows:
                yield {"payer_id": payer_id, "at": row.at, "who": who_words(row), "what": action_words(row)}
            before = rows[-1].id


CHAPTERS = [
    _chapter(
        "mandates",
        N_("for whom you act, since when and why"),
        "SELECT m.payer_id, p.name, m.basis, m.may_pay, m.from_on, m.until_on, m.created_at FROM mandates m"
        " JOIN payers p ON p.id = m.payer_id WHERE m.user_id = :user ORDER BY m.created_at",
    ),
    _chapter(
        "payers",
        N_("you as a payer, as the finance system of the office knows you"),
        "SELECT p.id, p.external_id, p.kind, p.name, p.nip, p.regon, p.street, p.postal_code, p.city, p.email, p.phone,"
        " p.pesel_hash IS NOT NULL AS has_pesel, p.closed_at FROM payers p WHERE p.id IN (SELECT id FROM mine)"
        " ORDER BY p.id",
    ),
    _chapter(
        "receivables",
        N_("what you owe or owed, and your share"),
        "SELECT r.id, k.title AS kind, r.title, r.number, r.period_from, r.period_until, r.basis, r.account,"
        " r.payment_code, r.closed_at, l.payer_id, l.role, l.share_part, l.share_whole, l.from_on, l.until_on"
        " FROM liabilities l JOIN receivables r ON r.id = l.receivable_id JOIN kinds k ON k.id = r.kind_id"
        " WHERE l.payer_id IN (SELECT id FROM mine) ORDER BY r.id, l.payer_id",
    ),
    _chapter(
        "instalments",
        N_("parts of it with their due dates, and what is left of each"),
        "SELECT i.receivable_id, i.id, i.number, i.due_on, i.charged, i.principal, i.interest, i.costs, i.closed_at"
        " FROM instalments i WHERE i.receivable_id IN (SELECT id FROM held) ORDER BY i.receivable_id, i.number",
    ),
    _chapter(
        "operations",
        N_("what the finance system of the office booked"),
        "SELECT o.receivable_id, o.kind, o.booked_on, o.happened_on, o.document, o.principal, o.interest, o.costs,"
        " o.closed_at FROM operations o WHERE o.receivable_id IN (SELECT id FROM held)"
        " ORDER BY o.receivable_id, o.booked_on, o.id",
    ),
    _chapter(
        "overpayments",
        N_("what you paid too much"),
        "SELECT o.payer_id, o.receivable_id, o.amount, o.arose_on, o.closed_at FROM overpayments o"
        " WHERE o.payer_id IN (SELECT id FROM mine) ORDER BY o.id",
    ),
    _chapter(
        "documents",
        N_("documents about what you owe; the documents themselves are in the portal"),
        "SELECT d.id, d.receivable_id, d.title, d.issued_on, d.arrived_at, d.closed_at FROM documents d"
        " WHERE d.receivable_id IN (SELECT id FROM held)"
        " ORDER BY d.receivable_id, d.id",
    ),
    _chapter(
        "payment_orders",
        N_("payments you or others ordered for you"),
        "SELECT o.number, o.state, o.payer_id, o.user_id IS NOT DISTINCT FROM :user AS by_me, o.amount,"
        " CASE WHEN o.user_id = :user THEN o.email END AS email, o.ordered_at, o.paid_at"  # others' are theirs
        " FROM payment_orders o WHERE o.payer_id IN (SELECT id FROM mine) ORDER BY o.id",
    ),
    _chapter(
        "payment_lines",
        N_("what each payment was for"),
        "SELECT o.number, n.position, n.instalment_id, n.title, n.principal, n.interest, n.costs FROM order_lines n"
        " JOIN payment_orders o ON o.id = n.order_id WHERE o.payer_id IN (SELECT id FROM mine)"
        " ORDER BY o.id, n.position",
    ),
    _chapter(
        "money_received",
        N_("money of your payments that came"),
        "SELECT o.number, c.amount, c.currency, c.method, c.state, c.captured_at, t.external_id AS gateway_number"
        " FROM captures c JOIN transactions t ON t.id = c.transaction_id JOIN payment_orders o ON o.id = t.order_id"
        " WHERE o.payer_id IN (SELECT id FROM mine) ORDER BY c.id",
    ),
    _chapter(
        "refunds",
        N_("money that went back to you"),
        "SELECT o.number, f.amount, f.state, f.reason, f.requested_at, f.settled_at FROM refunds f"
        " JOIN captures c ON c.id = f.capture_id JOIN transactions t ON t.id = c.transaction_id"
        " JOIN payment_orders o ON o.id = t.order_id WHERE o.payer_id IN (SELECT id FROM mine) ORDER BY f.id",
    ),
    _chapter(
        "reports_of_wrong_data",
        N_("reports of wrong data you wrote, and the answers"),
        "SELECT r.id, r.payer_id, r.receivable_id, r.topic, r.text, r.state, r.written_at, r.outcome, r.answer,"
        " r.answered_at FROM remarks r WHERE r.user_id = :user ORDER BY r.id",
    ),
    Chapter("who_looked", N_("who of the office saw or changed your data, and when"), _looks),
]
