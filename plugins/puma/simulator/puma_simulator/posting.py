"""What the books do with money: accrue interest, place a payment, keep what is too much as an overpayment."""

from __future__ import annotations

from datetime import date

from puma_simulator.bookings import Line
from puma_simulator.interest import accrued
from puma_simulator.ledger import Ledger, Parts


class Misfit(Exception):
    """A line that cannot be placed; the message goes into the acknowledgement."""


def left_to_pay(ledger: Ledger, instalment, regime: str, day: date) -> Parts:
    """What is left of an instalment on a day; a credit balance counts as nothing."""
    balance = ledger.balance(instalment["id"])
    fresh = accrued(regime, balance.principal, date.fromisoformat(instalment["accrued_until"]), day)
    return Parts(max(balance.principal, 0), max(balance.interest + fresh, 0), max(balance.costs, 0))


def regime_of(ledger: Ledger, receivable: str) -> str:
    row = ledger.one(
        "SELECT k.regime FROM receivables r JOIN kinds k ON k.gmina = r.gmina AND k.code = r.kind"
        " WHERE r.gmina = :gmina AND r.id = :id",
        id=receivable,
    )
    return row["regime"]


def place(ledger: Ledger, line: Line, *, booked: date) -> str:
    """Book one line once; the answer is the number of the voucher."""
    known = ledger.one("SELECT document FROM operations WHERE gmina = :gmina AND booking = :id", id=line.booking)
    if known is not None:
        return known["document"]
    receivable = ledger.one("SELECT * FROM receivables WHERE gmina = :gmina AND id = :id", id=line.receivable)
    if receivable is None:
        raise Misfit("Nie ma takiej należności")
    if receivable["closed"]:
        raise Misfit("Należność jest zamknięta")
    instalment = ledger.one("SELECT * FROM instalments WHERE gmina = :gmina AND id = :id", id=line.instalment)
    if instalment is None or instalment["receivable"] != line.receivable:
        raise Misfit("Nie ma takiej raty w tej należności")
    if instalment["closed"]:
        raise Misfit("Rata jest zamknięta")
    if ledger.one("SELECT 1 FROM payers WHERE gmina = :gmina AND id = :id", id=line.payer) is None:
        raise Misfit("Nie ma takiego kontrahenta")
    return pay(
        ledger,
        instalment,
        payer=line.payer,
        parts=line.parts,
        happened=line.paid_on,
        booked=booked,
        booking=line.booking,
    )


def pay(ledger, instalment, *, payer, parts, happened, booked, booking=None, series="WB") -> str:
    """Book money that came (or, negative, went back)."""
    receivable = instalment["receivable"]
    charge_interest(ledger, instalment, happened=happened, booked=booked)
    balance = ledger.balance(instalment["id"])
    if parts.total >= 0:
        costs = min(parts.costs, max(balance.costs, 0))
        interest = min(parts.interest, max(balance.interest, 0))
        parts = Parts(parts.total - costs - interest, interest, costs)
    document = ledger.document(series, booked)
    ledger.post(
        receivable=receivable,
        instalment=instalment["id"],
        kind="payment" if parts.total >= 0 else "refund",
        happened=happened,
        booked=booked,
        document=document,
        parts=Parts(-parts.principal, -parts.interest, -parts.costs),
        booking=booking,
    )
    keep_overpayment(ledger, instalment, payer=payer, day=happened)
    return document


def charge_interest(ledger: Ledger, instalment, *, happened: date, booked: date) -> None:
    """Interest is booked when money comes, and runs anew from that day."""
    regime = regime_of(ledger, instalment["receivable"])
    since = date.fromisoformat(instalment["accrued_until"])
    fresh = accrued(regime, ledger.balance(instalment["id"]).principal, since, happened)
    if not fresh:
        return
    ledger.post(
        receivable=instalment["receivable"],
        instalment=instalment["id"],
        kind="charge",
        happened=happened,
        booked=booked,
        document=ledger.document("PO", booked),
        parts=Parts(interest=fresh),
    )
    ledger.db.execute(
        "UPDATE instalments SET accrued_until = ? WHERE gmina = ? AND id = ?",
        (happened.isoformat(), ledger.gmina, instalment["id"]),
    )


def keep_overpayment(ledger: Ledger, instalment, *, payer: str, day: date) -> None:
    """The credit balance of an instalment is an overpayment (nadpłata), closed when it is used up."""
    credit = -ledger.balance(instalment["id"]).principal
    own_id = f"NP-{instalment['id']}"
    if ledger.one("SELECT 1 FROM overpayments WHERE gmina = :gmina AND id = :id", id=own_id):
        ledger.db.execute(
            "UPDATE overpayments SET amount = CASE WHEN ?1 > 0 THEN ?1 ELSE amount END, closed = ?1 <= 0, exported = 0"
            " WHERE gmina = ?2 AND id = ?3",
            (credit, ledger.gmina, own_id),
        )
    elif credit > 0:
        ledger.add(
            "overpayments",
            id=own_id,
            payer=payer,
            receivable=instalment["receivable"],
            amount=credit,
            arose_on=day.isoformat(),
        )
