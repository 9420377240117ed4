"""Compares what really happened with what Skarbnik believes.

What really happened stands in the simulators' own ledgers. Skarbnik is asked by plain SQL and the view
`money_equation`; no code of the product takes part, so that one mistake cannot sit on both sides.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row
from tests.torture.healing import ENDLESS

from skarbnik.testing.stack import Stack, Town
from skarbnik.testing.visitor import call

COMES_AND_GOES = 15.0  # seconds an errand may be there that nobody has to worry about
TRUE = {"true", "copy"}  # kinds of notifications the gateway really means


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
    """Money as the ledger of a gateway has it, of one payment there."""

    gateway: str
    point: str
    payment: str
    amount: int
    currency: str


@dataclass(frozen=True)
class Told:
    """A notification as the ledger of a gateway has it."""

    gateway: str
    point: str
    key: str  # as the product keeps it; empty for what it must not keep
    kind: str  # true, copy, forged, foreign ...
    was_taken: bool  # answered with 200


def check(stack: Stack, *, damaged_exports: int = 0) -> Verdict:
    """Judge a stack that has come to rest."""
    verdict = Verdict()
    money, told = [*_payu_money(stack), *_przelewy24_money(stack)], [*_payu_told(stack), *_przelewy24_told(stack)]
    back = [*_payu_money(stack, "refund"), *_przelewy24_money(stack, "refund")]
    with stack.connect() as connection:
        connection.row_factory = dict_row
        for town in stack.towns.values():
            one = _Town(stack, town, connection, verdict)
            one.captures([each for each in money if one.owns(each)])
            one.notifications([each for each in told if one.owns(each)])
            one.equation([each for each in money if one.owns(each)])
            one.refunds([each for each in back if one.owns(each)])
            one.bookings()
            one.states()
            one.suspense()
            one.confirmations()
            one.files()
        _errands(connection, verdict)
        _refused_files(stack, connection, verdict, damaged_exports)
    for each in told:
        if each.kind not in TRUE and each.was_taken:
            verdict.wrong.append(f"a {each.kind} notification of {each.gateway} was answered with 200: {each.key}")
    verdict.stuck += [f"an advance at Przelewy24 was not confirmed: {row}" for row in _unconfirmed(stack)]
    return verdict


def _read(stack: Stack, ledger: str, query: str) -> list[sqlite3.Row]:
    db = sqlite3.connect(f"file:{stack.folder / ledger}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def _payu_money(stack: Stack, kind: str = "payment") -> list[Money]:
    rows = _read(stack, "payu.sqlite", f"SELECT * FROM money WHERE kind = '{kind}'")
    return [Money("payu", row["pos_id"], row["order_id"], row["amount"], row["currency"]) for row in rows]


def _przelewy24_money(stack: Stack, kind: str = "payment") -> list[Money]:
    """What was confirmed; before that it is the payer's advance."""
    rows = _read(stack, "przelewy24.sqlite", f"SELECT * FROM money WHERE kind = '{kind}'")
    return [Money("przelewy24", str(row["pos_id"]), row["session_id"], row["amount"], row["currency"]) for row in rows]


def _unconfirmed(stack: Stack) -> list[str]:
    """Advances that are exactly what was ordered and never became the gmina's: the payer would get them back."""
    rows = _read(
        stack,
        "przelewy24.sqlite",
        "SELECT session_id FROM transactions WHERE status = 1 AND (paid_amount, paid_currency) = (amount, currency)",
    )
    return [row["session_id"] for row in rows]


def _payu_told(stack: Stack) -> list[Told]:
    rows = _read(
        stack,
        "payu.sqlite",
        "SELECT n.pos_id, n.order_id, n.event, n.kind, max(a.status = 200) AS taken"
        " FROM notifications n JOIN answers a ON a.notification = n.number GROUP BY n.number",
    )
    found = []
    for row in rows:
        kind, _, status = row["event"].partition(" ")
        key = f"order:{row['order_id']}:{status}" if kind == "order" else ""
        found.append(Told("payu", row["pos_id"], key, row["kind"], bool(row["taken"])))
    return found


def _przelewy24_told(stack: Stack) -> list[Told]:
    rows = _read(
        stack,
        "przelewy24.sqlite",
        "SELECT n.pos_id, n.event, n.kind, t.order_id, max(a.status = 200) AS taken FROM notifications n"
        " JOIN answers a ON a.notification = n.number JOIN transactions t ON t.session_id = n.session_id"
        " GROUP BY n.number",
    )
    return [
        Told(
            "przelewy24",
            str(row["pos_id"]),
            f"payment:{row['order_id']}" if row["event"] == "payment" else "",
            row["kind"],
            bool(row["taken"]),
        )
        for row in rows
    ]


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

    def owns(self, each: Money | Told) -> bool:
        return each.point in (self.town.points if each.gateway == "payu" else self.town.przelewy24_points)

    def captures(self, money: list[Money]) -> None:
        """Transaction by transaction, to the grosz: nothing lost, nothing double, nothing of a neighbour."""
        really = {each.payment: each for each in money}
        kept = Counter[str]()
        for row in self.ask(
            "SELECT c.external_id, c.amount, c.currency, m.merchant FROM captures c"
            " JOIN merchant_accounts m ON m.id = c.merchant_account_id"
        ):
            kept[row["external_id"]] += 1
            true = really.get(row["external_id"])
            if true is None:
                self.verdict.wrong.append(f"{self.town.slug}: {row['external_id']} captured, not at the gateway")
            elif (row["amount"], row["currency"], row["merchant"]) != (true.amount, true.currency, true.point):
                self.verdict.wrong.append(f"{self.town.slug}: {row['external_id']} captured as {row}, really {true}")
        self.verdict.double += [f"{self.town.slug}: {key} captured {n} times" for key, n in kept.items() if n > 1]
        self.verdict.lost += [f"{self.town.slug}: {key}" for key in really if key not in kept]

    def notifications(self, told: list[Told]) -> None:
        """What we answered with 200 we have."""
        kept = {row["key"] for row in self.ask("SELECT key FROM notifications")}
        self.verdict.lost += [
            f"{self.town.slug}: notification {each.key} was answered and not kept"
            for each in told
            if each.kind in TRUE and each.was_taken and each.key and each.key not in kept
        ]

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
                    f" parts {parts}, at the gateway {really[row['merchant']]}"
                )

    def refunds(self, money: list[Money]) -> None:
        """What went back at the gateway went back here, payment by payment; nothing more, and nothing is on its way."""
        really, ours = Counter[str](), Counter[str]()
        for each in money:
            really[each.payment] += abs(each.amount)
        for row in self.ask(
            "SELECT r.id::text, r.state, r.amount, c.external_id, c.amount AS came FROM refunds r"
            " JOIN captures c ON c.id = r.capture_id"
        ):
            if row["state"] == "completed":
                ours[row["external_id"]] += row["amount"]
                if ours[row["external_id"]] > row["came"]:
                    self.verdict.double.append(f"{self.town.slug}: more went back of {row['external_id']} than came")
            elif row["state"] in {"approved", "sent"}:
                self.verdict.stuck.append(f"{self.town.slug}: refund {row['id']} is {row['state']}")
        for payment in sorted(really.keys() | ours.keys()):
            if really[payment] != ours[payment]:
                self.verdict.wrong.append(
                    f"{self.town.slug}: of {payment} {really[payment]} went back, here {ours[payment]}"
                )

    def bookings(self) -> None:
        """Each line is booked once, with its sum, under its own booking id, and its echo was seen."""
        booked = {row["booking"]: row for row in self.books["operations"] if row["booking"]}
        if len(booked) != self.books["sums"]["bookings"]:
            self.verdict.double.append(f"{self.town.slug}: PUMA booked a booking id twice")
        proposed = {
            row["id"]
            for row in self.ask(
                "SELECT l.id::text FROM booking_lines l JOIN refunds r ON r.id = l.refund_id WHERE r.state = 'proposed'"
            )
        }
        lines = self.ask(
            "SELECT l.id::text, l.state, l.seen_at, l.principal + l.interest + l.costs AS amount,"
            " (SELECT count(*) FROM batch_lines b WHERE b.booking_line_id = l.id) AS batches FROM booking_lines l"
        )
        for line in lines:
            name = f"{self.town.slug}: booking line {line['id']}"
            operation = booked.pop(line["id"], None)
            if line["state"] in {"waiting", "sent", "refused", "planned"} and line["id"] not in proposed:
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
            told = {True: {"paid", "refunded"}, False: {"created", "started", "abandoned", "partly_paid", "refunded"}}
            unpaid = {"created", "started", "abandoned"}
            if row["state"] not in told[row["whole"]] or (row["some"] and row["state"] in unpaid):
                self.verdict.wrong.append(f"{self.town.slug}: order {row['number']} is {row['state']}: {row}")
        for row in self.ask("SELECT id FROM transactions WHERE state = 'unknown'"):
            self.verdict.stuck.append(f"{self.town.slug}: transaction {row['id']} is unknown")

    def suspense(self) -> None:
        """A person decides about money that is not what was ordered, and about no other; and is told of it."""
        for row in self.ask(
            "SELECT c.external_id, c.state, (c.amount, c.currency) = (t.amount, 'PLN') AS fits, EXISTS ("
            " SELECT FROM differences d WHERE d.subject_id = c.id AND d.closed_at IS NULL) AS told"
            " FROM captures c JOIN transactions t ON t.id = c.transaction_id"
        ):
            if (row["state"] == "in_suspense") == row["fits"] or row["told"] == row["fits"]:
                self.verdict.wrong.append(f"{self.town.slug}: capture {row['external_id']}: {row}")

    def confirmations(self) -> None:
        """Who paid was written to, who was refunded too, and nobody else."""
        caught = call(f"{self.stack.mail_url}/_sim/messages")
        mine = {each["message_id"] for each in caught if each["to"][0].endswith(f"@{self.town.slug}.example")}
        paid = self.ask(
            "SELECT o.number, m.id::text, m.state FROM payment_orders o"
            " LEFT JOIN mails m ON m.subject_id = o.id AND m.cause = 'payment.paid'"
            " WHERE o.state = 'paid' OR (o.state = 'refunded' AND m.id IS NOT NULL)"
        )
        parts = self.ask(
            "SELECT o.number, m.id::text, m.state FROM captures c JOIN transactions t ON t.id = c.transaction_id"
            " JOIN payment_orders o ON o.id = t.order_id AND o.state = 'partly_paid'"
            " LEFT JOIN mails m ON m.subject_id = c.id AND m.cause = 'payment.part_paid' WHERE c.state = 'allocated'"
            " UNION SELECT o.number, m.id::text, m.state FROM mails m JOIN captures c ON c.id = m.subject_id"
            " JOIN transactions t ON t.id = c.transaction_id JOIN payment_orders o ON o.id = t.order_id"
            " WHERE m.cause = 'payment.part_paid' AND o.state IN ('paid', 'refunded')"
        )
        sent_back = self.ask(
            "SELECT o.number, m.id::text, m.state FROM refunds r JOIN captures c ON c.id = r.capture_id"
            " JOIN transactions t ON t.id = c.transaction_id JOIN payment_orders o ON o.id = t.order_id"
            " LEFT JOIN mails m ON m.subject_id = r.id AND m.cause = 'payment.refunded' WHERE r.state = 'completed'"
        )
        others = self.ask(
            "SELECT m.cause AS number, m.id::text, m.state FROM mails m WHERE m.cause NOT LIKE 'payment.%'"
        )
        paid = [*paid, *parts, *sent_back, *others]
        host = self.stack.environment["SKARBNIK_PUBLIC_URL"].partition("://")[2].partition(":")[0]
        wanted = {f"<{row['id']}@{self.town.slug}.{host}>" for row in paid}
        if mine != wanted:
            self.verdict.wrong.append(
                f"{self.town.slug}: {len(wanted - mine)} e-mails missing, {len(mine - wanted)} too many"
            )
        for row in paid:
            if row["state"] != "sent":
                self.verdict.stuck.append(f"{self.town.slug}: the e-mail about {row['number']} is {row['state']}")

    def files(self) -> None:
        """Each came to its end, and none that PUMA damaged was taken."""
        damaged = set(self.books["damaged"])
        for row in self.ask("SELECT file_name, sha256 FROM import_runs WHERE state = 'applied'"):
            if row["sha256"] in damaged:
                self.verdict.wrong.append(f"{self.town.slug}: {row['file_name']} was damaged and taken")
        for row in self.ask("SELECT file_name, state FROM import_runs WHERE finished_at IS NULL"):
            self.verdict.stuck.append(f"{self.town.slug}: file {row['file_name']} is {row['state']}")


def _errands(connection: psycopg.Connection[Any], verdict: Verdict) -> None:
    """What stays is stuck. Przelewy24 goes on repeating news of what we do not confirm: one may have come just now."""
    there = f"SELECT * FROM work.outbox WHERE parked_at IS NOT NULL OR topic NOT IN ({ENDLESS})"
    stuck = {row["id"]: row for row in connection.execute(there)}
    deadline = time.monotonic() + COMES_AND_GOES
    while any(row["parked_at"] is None for row in stuck.values()) and time.monotonic() < deadline:
        time.sleep(1.0)
        stuck = {row["id"]: row for row in connection.execute(there) if row["id"] in stuck}
    for row in stuck.values():
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
