"""The books as JSON, for a checker that compares them with the portal."""

from __future__ import annotations

from puma_simulator.exporting import left_parts, parts_by
from puma_simulator.money import written
from puma_simulator.office import Office, now

PARTS = ("principal", "interest", "costs")


def summarise(office: Office) -> dict[str, object]:
    with office.lock:
        ledger = office.ledger
        gmina = ledger.one("SELECT * FROM gminas WHERE code = :gmina")
        amounts = parts_by(ledger, "operation", "operation")
        operations = [
            describe(row, amounts.get(row["id"], {}))
            for row in ledger.all("SELECT * FROM operations WHERE gmina = :gmina ORDER BY rowid")
        ]
        accounts = ledger.all(
            "SELECT account, sum(amount) AS amount FROM entries WHERE gmina = :gmina GROUP BY account ORDER BY account"
        )
        return {
            "gmina": gmina["code"],
            "name": gmina["name"],
            "next_export": gmina["next_export"],
            "damaged": office.damaged,
            "operations": operations,
            "instalments": instalments(office),
            "overpayments": [
                {**{k: row[k] for k in ("id", "payer", "receivable")}, "amount": written(row["amount"])}
                for row in ledger.all("SELECT * FROM overpayments WHERE gmina = :gmina AND closed = 0")
            ],
            "sums": {
                "accounts": {row["account"]: written(row["amount"]) for row in accounts},
                "booked": written(-sum(total(amounts.get(row["id"], {})) for row in operations if row["booking"])),
                "bookings": sum(1 for row in operations if row["booking"]),
                "out_of_balance": ledger.out_of_balance(),
            },
        }


def describe(row, amounts: dict[str, int]) -> dict[str, object]:
    names = ("id", "receivable", "instalment", "kind", "booked_on", "happened_on", "document", "booking")
    return {name: row[name] for name in names} | {part: written(amounts.get(part, 0)) for part in PARTS}


def total(amounts: dict[str, int]) -> int:
    return sum(amounts.values())


def instalments(office: Office) -> list[dict[str, object]]:
    """What is left of every instalment, today."""
    ledger = office.ledger
    balances = parts_by(ledger, "instalment", "instalment")
    day = now().date()
    rows = ledger.all(
        "SELECT i.*, k.regime FROM instalments i JOIN receivables r ON r.gmina = i.gmina AND r.id = i.receivable"
        " JOIN kinds k ON k.gmina = r.gmina AND k.code = r.kind WHERE i.gmina = :gmina ORDER BY i.rowid"
    )
    found = []
    for row in rows:
        left = left_parts(row, balances.get(row["id"], {}), row["regime"], day)
        named = {part: written(left[part]) for part in PARTS}
        found.append({"id": row["id"], "receivable": row["receivable"], "due_on": row["due_on"], **named})
    return found
