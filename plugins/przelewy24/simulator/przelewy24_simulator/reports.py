"""The reports: what there was in some days, and what a payout paid out. Served in small pages, as nastily as may be."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, g, jsonify, request

from przelewy24_simulator import answers, refunds, transactions
from przelewy24_simulator.api import blueprint
from przelewy24_simulator.context import simulator

PAGE = 5
LONGEST_REPORT = timedelta(days=31)
KINDS = ("batch", "transaction", "refund")


@blueprint.get("/report/history")
def read_report() -> Response:
    first, last = (_day(request.args.get(name, "")) for name in ("dateFrom", "dateTo"))
    kind = request.args.get("type", "")
    if first is None or last is None or not timedelta(0) <= last - first <= LONGEST_REPORT or kind not in ("", *KINDS):
        return answers.refuse(400, "Invalid input data")
    return _report(first, last, kind, 0)


@blueprint.get("/report/history/<token>")
def read_report_page(token: str) -> Response:
    parts = token.split("-")
    days = [_day(part) for part in parts[:2]]
    if len(parts) != 4 or None in days or not parts[3].isdigit():
        return answers.refuse(400, "Invalid input data")
    return _report(days[0], days[1], parts[2], int(parts[3]))


@blueprint.get("/report/batch/details")
def read_batch() -> Response:
    number, token = request.args.get("batch", type=int), request.args.get("token", "0")
    with simulator().ledger.read() as db:
        batch = db.execute(
            "SELECT * FROM batches WHERE number = ? AND pos_id = ?", (number, g.point["pos_id"])
        ).fetchone()
        if batch is None or not token.isdigit():
            return answers.refuse(400, "Value for field batch is invalid")
        inside = db.execute(
            "SELECT kind, number FROM paid_out WHERE batch = ? ORDER BY kind, number", (number,)
        ).fetchall()
        told = [_row(db, each["kind"], each["number"]) for each in inside]
    page = told[int(token) : int(token) + PAGE]
    parts = {f"{kind}s": [row for row in page if row["type"] == kind] for kind in KINDS[1:]}
    return _answer({"overall": _batch(batch), **parts}, told, int(token), lambda following: str(following))


def _report(first: date, last: date, kind: str, offset: int) -> Response:
    """Transactions by the day they were paid or made, refunds by that of the request, batches by that they left."""
    pos_id = g.point["pos_id"]
    with simulator().ledger.read() as db:
        paid = db.execute("SELECT * FROM transactions WHERE pos_id = ? ORDER BY number", (pos_id,)).fetchall()
        back = db.execute("SELECT * FROM refunds WHERE pos_id = ? ORDER BY number", (pos_id,)).fetchall()
        out = db.execute("SELECT * FROM batches WHERE pos_id = ? ORDER BY number", (pos_id,)).fetchall()
        dated = [(_local_day(each["paid_at"]), _batch(each)) for each in out]
        dated += [(_local_day(each["paid_at"] or each["created_at"]), _transaction(each)) for each in paid]
        dated += [(_local_day(each["created_at"]), _refund(each)) for each in back]
    told = [row for day, row in dated if first <= day <= last and kind in {"", row["type"]}]
    page = _spoilt(told[offset : offset + PAGE])
    return _answer(page, told, offset, lambda following: f"{first:%Y%m%d}-{last:%Y%m%d}-{kind}-{following}")


def _answer(data: Any, told: list[Any], offset: int, token: Any) -> Response:
    following = offset + PAGE
    body: dict[str, Any] = {"data": data, "responseCode": 0, "token": token(following) if following < len(told) else ""}
    on_page = len(told[offset:following])
    body["pageInformation"] = {"recordsOnPage": on_page, "recordsAll": len(told), "pageCount": -(-len(told) // PAGE)}
    return jsonify(body)


def _spoilt(page: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sim, pos_id = simulator(), g.point["pos_id"]
    with sim.ledger.change() as db:
        if page and sim.faults.draw(db, "report_doubled", pos_id) is not None:
            page = [*page, page[0]]
        paid = next((row for row in page if row["type"] == "transaction" and row["details"][0]["status"] == 2), None)
        if paid is not None and (more := sim.faults.draw(db, "report_wrong_amount", pos_id)) is not None:
            page = [row | {"amount": row["amount"] + int(more)} if row is paid else row for row in page]
        if page and sim.faults.draw(db, "report_missing", pos_id) is not None:
            page = page[1:]
        if sim.faults.draw(db, "report_reversed", pos_id) is not None:
            page = [_as_texts(row) for row in reversed(page)]
    return page


def _as_texts(row: dict[str, Any]) -> dict[str, Any]:
    """Statuses stay numbers: what is a number in one answer and a text in another are amounts, fees and ids."""
    details = [
        {name: str(value) if isinstance(value, int) and name != "status" else value for name, value in each.items()}
        for each in row["details"]
    ]
    return row | {"amount": str(row["amount"]), "details": details}


def _row(db: sqlite3.Connection, kind: str, number: int) -> dict[str, Any]:
    table = {"transaction": "transactions", "refund": "refunds"}[kind]
    row = db.execute(f"SELECT * FROM {table} WHERE number = ?", (number,)).fetchone()  # one of two names
    return {"transaction": _transaction, "refund": _refund}[kind](row)


def _transaction(row: sqlite3.Row) -> dict[str, Any]:
    """Their own spelling."""
    shown = transactions.shown(row)
    names = ("sessionId", "status", "date", "dateOfTransaction", "description", "paymentMethod", "statement")
    fee = transactions.fee_of(shown["amount"])
    details = {"ordrId": shown["orderId"], "settledAmount": shown["amount"] - fee, "fee": fee}
    details |= {name: shown[name] for name in names}
    return _around("transaction", shown["amount"], shown["currency"], details)


def _refund(row: sqlite3.Row) -> dict[str, Any]:
    details = {
        "refundId": row["number"],
        "orderId": row["order_id"],
        "requestId": row["request_id"],
        "dateIn": _second(row["created_at"]),
        "dateOut": _second(row["created_at"]) if row["status"] == refunds.COMPLETED else "",
        "status": row["status"],
        "description": row["description"],
    }
    return _around("refund", row["amount"], row["currency"], details)


def _batch(row: sqlite3.Row) -> dict[str, Any]:
    details = {name: row[name] for name in ("commision", "charge", "refund")}
    moment = _second(row["paid_at"])
    return _around(
        "batch",
        row["amount"],
        row["currency"],
        {"dateIn": moment, "dateOut": moment, "batchId": row["number"], **details},
    )


def _around(kind: str, amount: int, currency: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "amount": amount, "currency": currency, "details": [details]}


def _second(at: float) -> str:
    return datetime.fromtimestamp(at, transactions.WARSAW).strftime("%Y-%m-%d %H:%M:%S")


def _local_day(at: float) -> date:
    return datetime.fromtimestamp(at, transactions.WARSAW).date()


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=transactions.WARSAW).date()
    except ValueError:
        return None
