"""Everything that may go wrong, by probability or for the next few times, for all POS or for one."""

from __future__ import annotations

import random
import sqlite3

# name -> (what `value` is when nobody says, what happens)
KNOWN: dict[str, tuple[float | None, str]] = {
    "delay_create": (5, "tworzenie zamówienia trwa `value` sekund dłużej"),
    "timeout_after_create": (40, "zamówienie powstaje, odpowiedź nie nadchodzi; po `value` s połączenie się zrywa"),
    "error_after_create": (None, "zamówienie powstaje, odpowiedzią jest błąd 500"),
    "drop_create": (None, "zamówienie nie powstaje, połączenie się zrywa"),
    "error_500": (None, "błąd 500 zamiast wykonania wywołania"),
    "html_error": (None, "błąd 502 ze stroną HTML zamiast wykonania wywołania"),
    "bare_status": (None, "błąd 503, w którym `status` jest samą liczbą"),
    "rate_limit": (None, "odpowiedź 429 zamiast wykonania wywołania"),
    "token_expired": (None, "token przestaje być ważny przed wywołaniem (401)"),
    "slow_get": (5, "odczyt trwa `value` sekund dłużej"),
    "stale_get": (2, "po zapłacie odczyt jeszcze przez `value` s pokazuje PENDING"),
    "lose_notification": (None, "powiadomienie nigdy nie zostaje wysłane"),
    "double_notification": (None, "powiadomienie zostaje wysłane dwa razy"),
    "late_notification": (5, "powiadomienie wychodzi `value` sekund później"),
    "reorder_notifications": (2, "PENDING wychodzi `value` sekund po tym, co nastąpiło później"),
    "forge_notification": (None, "dodatkowe powiadomienie COMPLETED ze złym podpisem"),
    "foreign_notification": (None, "dodatkowe powiadomienie COMPLETED podpisane kluczem innego POS"),
    "wrong_amount": (100, "płacący wpłaca kwotę o `value` groszy inną niż zamówiona"),
    "wrong_currency": (None, "zapłata przychodzi w EUR"),
    "cancel_then_paid": (1, "najpierw CANCELED, a po `value` s pieniądze jednak przychodzą"),
    "cancel_twice": (None, "zamówienie czekające na potwierdzenie znika dopiero po drugim DELETE"),
    "no_balance": (None, "zwrot zostaje odrzucony z braku środków (9102)"),
    "refund_canceled": (None, "zwrot przyjęty do realizacji kończy się CANCELED"),
}
OPERATIONS = ("", "oauth", "create", "get", "cancel", "capture", "refund", "get_refund", "methods")


class Faults:
    """Dice with a seed: the same calls in the same order have the same luck."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._dice = random.Random(seed)

    def draw(self, db: sqlite3.Connection, name: str, pos_id: str, operation: str = "") -> float | None:
        """The fault's value when it strikes now (0 for one without), None when it does not."""
        default, _ = KNOWN[name]
        rows = db.execute(
            "SELECT * FROM faults WHERE name = ? AND pos_id IN (?, '') AND operation IN ('', ?) ORDER BY pos_id DESC",
            (name, pos_id, operation),
        ).fetchall()
        for row in rows:
            if row["next"] > 0:
                db.execute(
                    "UPDATE faults SET next = next - 1 WHERE name = ? AND pos_id = ?", (row["name"], row["pos_id"])
                )
            elif self._dice.random() >= row["probability"]:
                continue
            return row["value"] if row["value"] is not None else (default or 0)
        return None


def put_fault(db: sqlite3.Connection, wish: dict) -> None:
    """Take one fault as the control API describes it. ValueError when it cannot be meant."""
    unknown = set(wish) - {"name", "pos", "probability", "next", "value", "on"}
    name, pos_id, operation = wish.get("name"), wish.get("pos") or "", wish.get("on") or ""
    if unknown or name not in KNOWN or operation not in OPERATIONS:
        raise ValueError(f"unknown fault, operation or member: {sorted(unknown)} {name!r} {operation!r}")
    probability, count, value = wish.get("probability") or 0, wish.get("next") or 0, wish.get("value")
    numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in (probability, value or 0))
    if not numbers or not 0 <= probability <= 1 or type(count) is not int or count < 0:
        raise ValueError("probability lies between 0 and 1, next is a whole number, value is a number")
    if pos_id and db.execute("SELECT 1 FROM pos WHERE pos_id = ?", (pos_id,)).fetchone() is None:
        raise ValueError(f"there is no POS {pos_id}")
    db.execute("DELETE FROM faults WHERE name = ? AND pos_id = ?", (name, pos_id))
    if probability or count:
        db.execute("INSERT INTO faults VALUES (?, ?, ?, ?, ?, ?)", (name, pos_id, probability, count, value, operation))


def list_faults(db: sqlite3.Connection) -> list[dict]:
    rows = db.execute("SELECT * FROM faults ORDER BY name, pos_id").fetchall()
    return [
        {
            "name": row["name"],
            "pos": row["pos_id"] or None,
            "probability": row["probability"],
            "next": row["next"],
            "value": row["value"],
            "on": row["operation"] or None,
        }
        for row in rows
    ]
