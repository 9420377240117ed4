"""Makes the next export from the books: everything, or what changed since the export before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from puma_simulator.interest import accrued
from puma_simulator.ledger import Ledger
from puma_simulator.money import written
from puma_simulator.xml import attributes, element, flag

NAMESPACE = "urn:skarbnik:exchange:export:1"
SYSTEM = "PUMA-symulator 1.0"
TABLES = ("kinds", "payers", "receivables", "overpayments", "operations")
COUNTED = ("payers", "kinds", "receivables", "liabilities", "instalments", "operations", "overpayments", "documents")
SUMMED = ("principal", "interest", "costs", "operations_amount", "overpayments_amount")


@dataclass
class Export:
    """Sections as they grow, and their control totals."""

    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*COUNTED, *SUMMED), 0))
    sections: dict[str, list[str]] = field(default_factory=dict)

    def document(self, *, number: int, kind: str, tenant: str, moment: datetime) -> str:
        stamp = moment.isoformat(timespec="seconds")
        head = attributes(
            number=number, kind=kind, tenant=tenant, as_of=stamp, created=stamp, system=SYSTEM, format="1"
        )
        totals = {name: self.totals[name] for name in COUNTED} | {name: written(self.totals[name]) for name in SUMMED}
        body = "".join(
            f"<{name}>\n{''.join(rows)}</{name}>\n" if rows else f"<{name}/>\n" for name, rows in self.sections.items()
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<export xmlns="{NAMESPACE}">\n'
            f"<manifest{head}>\n{element('totals', **totals)}</manifest>\n{body}</export>\n"
        )


def collect(ledger: Ledger, *, full: bool, moment: datetime, echo: bool = True) -> Export:
    export = Export()
    changed = "" if full else " AND exported = 0"
    export.sections["kinds"] = [kind_element(row) for row in select(ledger, "kinds", changed)]
    export.sections["payers"] = [payer_element(row) for row in select(ledger, "payers", changed)]
    export.sections["receivables"] = receivables(ledger, export, changed, moment.date(), echo=echo)
    over = select(ledger, "overpayments", changed)
    export.sections["overpayments"] = [overpayment_element(row) for row in over]
    for name in ("kinds", "payers", "overpayments"):
        export.totals[name] = len(export.sections[name])
    export.totals["overpayments_amount"] = sum(row["amount"] for row in over)
    return export


def select(ledger: Ledger, table: str, changed: str) -> list:
    return ledger.all(f"SELECT * FROM {table} WHERE gmina = :gmina{changed} ORDER BY rowid")


def has_changes(ledger: Ledger) -> bool:
    return any(ledger.one(f"SELECT 1 FROM {table} WHERE gmina = :gmina AND exported = 0") for table in TABLES)


def mark_exported(ledger: Ledger) -> None:
    for table in TABLES:
        ledger.db.execute(f"UPDATE {table} SET exported = 1 WHERE gmina = ? AND exported = 0", (ledger.gmina,))


def receivables(ledger: Ledger, export: Export, changed: str, day: date, *, echo: bool) -> list[str]:
    regimes = {row["code"]: row["regime"] for row in ledger.all("SELECT * FROM kinds WHERE gmina = :gmina")}
    liabilities = grouped(ledger.all("SELECT * FROM liabilities WHERE gmina = :gmina ORDER BY rowid"))
    instalments = grouped(ledger.all("SELECT * FROM instalments WHERE gmina = :gmina ORDER BY receivable, number"))
    operations = grouped(select(ledger, "operations", changed))
    documents = grouped(ledger.all("SELECT * FROM documents WHERE gmina = :gmina ORDER BY rowid"))
    parts = parts_by(ledger, "operation", "operation")
    balances = parts_by(ledger, "instalment", "instalment")
    texts = []
    for row in select(ledger, "receivables", changed):
        own = row["id"]
        texts.append(receivable_open(row))
        texts += [liability_element(child) for child in liabilities.get(own, [])]
        for child in instalments.get(own, []):
            left = left_parts(child, balances.get(child["id"], {}), regimes[row["kind"]], day)
            for part, amount in left.items():
                export.totals[part] += amount
            texts.append(instalment_element(child, left))
        for child in operations.get(own, []):
            amounts = parts.get(child["id"], {})
            export.totals["operations_amount"] += sum(amounts.values())
            texts.append(operation_element(child, amounts, echo=echo))
        texts += [document_element(child) for child in documents.get(own, [])]
        texts.append("</receivable>\n")
        export.totals["receivables"] += 1
        export.totals["liabilities"] += len(liabilities.get(own, []))
        export.totals["instalments"] += len(instalments.get(own, []))
        export.totals["operations"] += len(operations.get(own, []))
        export.totals["documents"] += len(documents.get(own, []))
    return texts


def grouped(rows: list) -> dict[str, list]:
    groups: dict[str, list] = {}
    for row in rows:
        groups.setdefault(row["receivable"], []).append(row)
    return groups


def parts_by(ledger: Ledger, column: str, key: str) -> dict[str, dict[str, int]]:
    """The debtor's side of the entries, added up."""
    sums: dict[str, dict[str, int]] = {}
    for row in ledger.all(
        f"SELECT {column} AS id, part, sum(amount) AS amount FROM entries"
        f" WHERE gmina = :gmina AND account = 'debtor' GROUP BY {key}, part"
    ):
        sums.setdefault(row["id"], {})[row["part"]] = row["amount"]
    return sums


def left_parts(instalment, balance: dict[str, int], regime: str, day: date) -> dict[str, int]:
    principal = balance.get("principal", 0)
    fresh = accrued(regime, principal, date.fromisoformat(instalment["accrued_until"]), day)
    return {
        "principal": max(principal, 0),
        "interest": max(balance.get("interest", 0) + fresh, 0),
        "costs": max(balance.get("costs", 0), 0),
    }


def kind_element(row) -> str:
    return element("kind", code=row["code"], title=row["title"], regime=row["regime"], account=row["account"])


def payer_element(row) -> str:
    names = ("id", "kind", "name", "pesel", "nip", "regon", "street", "postal_code", "city", "email", "phone")
    return element("payer", **{name: row[name] for name in names}, merged_into=row["merged_into"])


def receivable_open(row) -> str:
    names = ("id", "kind", "parent", "title", "number")
    head = attributes(**{name: row[name] for name in names})
    rest = attributes(
        from_=row["period_from"],
        until=row["period_until"],
        basis=row["basis"],
        account=row["account"],
        closed=flag(row["closed"]),
        payment_code=row["payment_code"],
    )
    return f"<receivable{head}{rest}>\n"


def liability_element(row) -> str:
    names = ("payer", "role", "part", "whole")
    return element("liability", **{name: row[name] for name in names}, from_=row["from_on"], until=row["until_on"])


def instalment_element(row, left: dict[str, int]) -> str:
    amounts = {part: written(amount) for part, amount in left.items()}
    return element(
        "instalment",
        id=row["id"],
        number=row["number"],
        due=row["due_on"],
        charged=written(row["charged"]),
        **amounts,
        closed=flag(row["closed"]),
    )


def operation_element(row, amounts: dict[str, int], *, echo: bool) -> str:
    return element(
        "operation",
        id=row["id"],
        instalment=row["instalment"],
        kind=row["kind"],
        booked=row["booked_on"],
        happened=row["happened_on"],
        document=row["document"],
        **{part: written(amounts.get(part, 0)) for part in ("principal", "interest", "costs")},
        counterpart=row["counterpart"],
        booking=row["booking"] if echo else None,
    )


def document_element(row) -> str:
    return element(
        "document",
        id=row["id"],
        title=row["title"],
        issued=row["issued_on"],
        file=row["sha256"],
        size=len(row["body"]),
    )


def overpayment_element(row) -> str:
    return element(
        "overpayment",
        id=row["id"],
        payer=row["payer"],
        receivable=row["receivable"],
        amount=written(row["amount"]),
        arose=row["arose_on"],
        closed=flag(row["closed"]),
    )
