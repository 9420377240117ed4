"""Compares what really happened with what Skarbnik believes.

What really happened stands in the simulators' own ledgers. Skarbnik is asked by plain SQL and the view
`money_equation`; no code of the product takes part, so that one mistake cannot sit on both sides.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row
from tests.torture.healing import ENDLESS

from skarbnik.testing.stack import Stack, Town
from skarbnik.testing.visitor import call


@dataclass
class Verdict:
    """What does not fit. Empty is right."""

    lost: list[str] = field(default_factory=list)  # money the gateway has and we do not
    double: list[str] = field(default_factory=list)  # money counted or booked twice
    stuck: list[str] = field(default_factory=list)  # what should have ended and did not
    wrong: list[str] = field(default_factory=list)  # everything else

    def lines(self, most: int = 12) -> list[str]:
        """The first of each kind."""
        return [f"{kind}: {line}" for kind, lines in vars(self).items() for line in lines[:most]]


@dataclass(frozen=True)
class Money:
    """Money as PayU's ledger has it, of one order there."""

    point: str
    order: str
    amount: int
    currency: str


def check(stack: Stack, *, damaged_exports: int = 0) -> Verdict:
    """Judge a stack that has come to rest."""
    verdict = Verdict()
    money, told = _gateway(stack)
    with stack.connect() as connection:
        connection.row_factory = dict_row
        for town in stack.towns.values():
            one = _Town(stack, town, connection, verdict)
            one.captures([each for each in money if each.point in town.points])
            one.notifications([row for row in told if row["pos_id"] in town.points])
            one.equation([each for each in money if each.point in town.points])
            one.bookings()
            one.states()
            one.confirmations()
            one.files()
        _errands(connection, verdict)
        _refused_files(stack, connection, verdict, damaged_exports)
    for row in told:
        if row["kind"] in {"forged", "foreign"} and row["status"] == 200:
            verdict.wrong.append(f"a {row['kind']} notification about {row['order_id']} was answered with 200")
    return verdict


def _gateway(stack: Stack) -> tuple[list[Money], list[sqlite3.Row]]:
    db = sqlite3.connect(f"file:{stack.folder / 'payu.sqlite'}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        money = [
            Money(row["pos_id"], row["order_id"], row["amount"], row["currency"])
            for row in db.execute("SELECT * FROM money WHERE kind = 'payment'")
        ]
        told = db.execute(
            "SELECT n.pos_id, n.order_id, n.event, n.kind, max(a.status = 200) * 200 AS status"
            " FROM notifications n JOIN answers a ON a.notification = n.number GROUP BY n.number"
        ).fetchall()
    finally:
        db.close()
    return money, told


class _Town:
    """The questions that are asked of one gmina."""

    def __init__(self, stack: Stack, town: Town, connection: psycopg.Connection[Any], verdict: Verdict) -> None:
        self.stack = stack
        self.town = town
        self.connection = connection
        self.verdict = verdict
        self.books = call(f"{stack.puma_url}/_sim/{town.puma_code}/ledger")

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Read in this gmina's schema, with a superuser's eyes."""
        self.connection.execute(f"SET search_path TO {self.town.schema}")
        return self.connection.execute(query).fetchall()

    def captures(self, money: list[Money]) -> None:
        """Transaction by transaction, to the grosz: nothing lost, nothing double, nothing of a neighbour."""
        really = {each.order: each for each in money}
        kept = Counter[str]()
        for row in self.ask(
            "SELECT c.external_id, c.amount, c.currency, m.merchant FROM captures c"
            " JOIN merchant_accounts m ON m.id = c.merchant_account_id"
        ):
            kept[row["external_id"]] += 1
            true = really.get(row["external_id"])
            if true is None:
                self.verdict.wrong.append(f"{self.town.slug}: {row['external_id']} captured, PayU has no such money")
            elif (row["amount"], row["currency"], row["merchant"]) != (true.amount, true.currency, true.point):
                self.verdict.wrong.append(f"{self.town.slug}: {row['external_id']} captured as {row}, really {true}")
        self.verdict.double += [f"{self.town.slug}: {key} captured {n} times" for key, n in kept.items() if n > 1]
        self.verdict.lost += [f"{self.town.slug}: {key}" for key in really if key not in kept]

    def notifications(self, told: list[sqlite3.Row]) -> None:
        """What we answered with 200 we have."""
        kept = {row["key"] for row in self.ask("SELECT key FROM notifications")}
        for row in told:
            kind, _, status = row["event"].partition(" ")
            if row["kind"] in {"true", "copy"} and row["status"] == 200 and kind == "order":
                key = f"order:{row['order_id']}:{status}"
                if key not in kept:
                    self.verdict.lost.append(f"{self.town.slug}: notification {key} was answered and not kept")

    def equation(self, money: list[Money]) -> None:
        """Per merchant account: captured = the gateway's money = booked + waiting + in suspense + refunded."""
        really = Counter[str]()
        for each in money:
            really[each.point] += each.amount
        for row in self.ask("SELECT * FROM money_equation"):
            parts = row["booked"] + row["waiting"] + row["in_suspense"] + row["refunded"]
            if not row["captured"] == parts == really[row["merchant"]]:
                self.verdict.wrong.append(
                    f"{self.town.slug}: the equation of {row['merchant']} does not hold: captured {row['captured']},"
                    f" parts {parts}, at PayU {really[row['merchant']]}"
                )

    def bookings(self) -> None:
        """Each line is booked once, with its sum, under its own booking id, and its echo was seen."""
        booked = {row["booking"]: row for row in self.books["operations"] if row["booking"]}
        if len(booked) != self.books["sums"]["bookings"]:
            self.verdict.double.append(f"{self.town.slug}: PUMA booked a booking id twice")
        lines = self.ask(
            "SELECT l.id::text, l.state, l.seen_at, l.principal + l.interest + l.costs AS amount,"
            " (SELECT count(*) FROM batch_lines b WHERE b.booking_line_id = l.id) AS batches FROM booking_lines l"
        )
        for line in lines:
            name = f"{self.town.slug}: booking line {line['id']}"
            operation = booked.pop(line["id"], None)
            if line["state"] in {"waiting", "sent", "refused"}:
                self.verdict.stuck.append(f"{name} is {line['state']}")
            if line["batches"] > 1:
                self.verdict.double.append(f"{name} is in {line['batches']} batches")
            if (line["state"] == "booked") != (operation is not None):
                self.verdict.wrong.append(f"{name} is {line['state']}, and PUMA has {operation}")
            if operation is None:
                continue
            if grosze(operation) != -line["amount"]:
                self.verdict.wrong.append(f"{name} of {line['amount']} is {grosze(operation)} in PUMA")
            if line["seen_at"] is None:
                self.verdict.stuck.append(f"{name} was booked and its echo not seen")
        self.verdict.wrong += [f"{self.town.slug}: PUMA booked {key}, which is not this gmina's" for key in booked]
        self._debts()

    def _debts(self) -> None:
        """No instalment is booked above what was owed: the second of two payments waits for a person instead."""
        left = defaultdict(int)
        ours = {row["instalment"] for row in self.books["operations"] if row["booking"]}
        for row in self.books["operations"]:
            left[row["instalment"]] += grosze(row)
        self.verdict.double += [
            f"{self.town.slug}: instalment {key} was paid {-left[key]} gr above what was owed"
            for key in sorted(ours)
            if left[key] < 0
        ]

    def states(self) -> None:
        """Captured is never lowered, and an order says what its money says."""
        for row in self.ask(
            "SELECT DISTINCT t.id, t.state FROM transactions t JOIN captures c ON c.transaction_id = t.id"
            " WHERE t.state <> 'completed'"
        ):
            self.verdict.wrong.append(f"{self.town.slug}: transaction {row['id']} has money and is {row['state']}")
        for row in self.ask(
            "SELECT o.number, o.state, bool_and(l.paid) AS whole, bool_or(l.paid) AS some FROM payment_orders o"
            " JOIN LATERAL (SELECT EXISTS (SELECT FROM booking_lines b WHERE b.order_line_id = ol.id) AS paid"
            " FROM order_lines ol WHERE ol.order_id = o.id) AS l ON true GROUP BY o.id"
        ):
            if row["whole"] != (row["state"] == "paid") or (row["some"] and row["state"] in {"started", "abandoned"}):
                self.verdict.wrong.append(f"{self.town.slug}: order {row['number']} is {row['state']}: {row}")
        for row in self.ask("SELECT id FROM transactions WHERE state = 'unknown'"):
            self.verdict.stuck.append(f"{self.town.slug}: transaction {row['id']} is unknown")

    def confirmations(self) -> None:
        """Who paid was written to, and nobody else."""
        caught = call(f"{self.stack.mail_url}/_sim/messages")
        mine = {each["message_id"] for each in caught if each["to"][0].endswith(f"@{self.town.slug}.example")}
        paid = self.ask(
            "SELECT o.number, m.id::text, m.state FROM payment_orders o"
            " LEFT JOIN mails m ON m.subject_id = o.id AND m.cause = 'payment.paid' WHERE o.state = 'paid'"
        )
        parts = self.ask(
            "SELECT o.number, m.id::text, m.state FROM captures c JOIN transactions t ON t.id = c.transaction_id"
            " JOIN payment_orders o ON o.id = t.order_id AND o.state = 'partly_paid'"
            " LEFT JOIN mails m ON m.subject_id = c.id AND m.cause = 'payment.part_paid' WHERE c.state = 'allocated'"
            " UNION SELECT o.number, m.id::text, m.state FROM mails m JOIN captures c ON c.id = m.subject_id"
            " JOIN transactions t ON t.id = c.transaction_id JOIN payment_orders o ON o.id = t.order_id"
            " WHERE m.cause = 'payment.part_paid' AND o.state = 'paid' AND c.state = 'allocated'"
        )
        paid = [*paid, *parts]
        host = self.stack.environment["SKARBNIK_PUBLIC_URL"].partition("://")[2].partition(":")[0]
        wanted = {f"<{row['id']}@{self.town.slug}.{host}>" for row in paid}
        if mine != wanted:
            self.verdict.wrong.append(
                f"{self.town.slug}: {len(wanted - mine)} confirmations missing, {len(mine - wanted)} too many"
            )
        for row in paid:
            if row["state"] != "sent":
                self.verdict.stuck.append(f"{self.town.slug}: the confirmation of {row['number']} is {row['state']}")

    def files(self) -> None:
        for row in self.ask("SELECT file_name, state FROM import_runs WHERE finished_at IS NULL"):
            self.verdict.stuck.append(f"{self.town.slug}: file {row['file_name']} is {row['state']}")


def _errands(connection: psycopg.Connection[Any], verdict: Verdict) -> None:
    stuck = f"SELECT * FROM work.outbox WHERE parked_at IS NOT NULL OR topic NOT IN ({ENDLESS})"
    for row in connection.execute(stuck):
        verdict.stuck.append(f"errand {row['id']} {row['topic']}: {row['attempts']} attempts, {row['last_error']}")


def _refused_files(stack: Stack, connection: psycopg.Connection[Any], verdict: Verdict, damaged: int) -> None:
    """Files are refused only as often as the finance system was told to damage one."""
    refused = [
        f"{town.slug}: {row['file_name']} {row['message']}"
        for town in stack.towns.values()
        for row in connection.execute(f"SELECT * FROM {town.schema}.import_runs WHERE state = 'refused'")
    ]
    if len(refused) > damaged:
        verdict.wrong.append(f"{damaged} files were damaged, {len(refused)} refused: " + "; ".join(refused))


def grosze(row: dict[str, Any]) -> int:
    """An operation's three amounts together; PUMA writes "1234.56"."""
    return sum(int(str(row[part]).replace(".", "")) for part in ("principal", "interest", "costs"))
