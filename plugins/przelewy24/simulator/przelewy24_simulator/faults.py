"""Everything that may go wrong, by probability or for the next few times, for all points of sale or for one."""

from __future__ import annotations

import random
import sqlite3

# name -> (what `value` is when nobody says, what happens)
KNOWN: dict[str, tuple[float | None, str]] = {
    "delay_register": (5, "rejestracja trwa `value` sekund dłużej"),
    "timeout_after_register": (40, "transakcja powstaje, odpowiedź nie nadchodzi; po `value` s połączenie się zrywa"),
    "error_after_register": (None, "transakcja powstaje, odpowiedzią jest błąd 500"),
    "drop_register": (None, "transakcja nie powstaje, połączenie się zrywa"),
    "timeout_after_charge": (40, "kod BLIK zostaje przyjęty, odpowiedź nie nadchodzi"),
    "timeout_after_verify": (40, "wpłata zostaje zweryfikowana, odpowiedź nie nadchodzi"),
    "error_after_verify": (None, "wpłata zostaje zweryfikowana, odpowiedzią jest błąd 500"),
    "drop_verify": (None, "wpłata nie zostaje zweryfikowana, połączenie się zrywa"),
    "timeout_after_refund": (40, "zwrot zostaje przyjęty, odpowiedź nie nadchodzi"),
    "error_500": (None, "błąd 500 zamiast wykonania wywołania"),
    "html_error": (None, "błąd 502 ze stroną HTML zamiast wykonania wywołania"),
    "maintenance": (None, "strona HTML o przerwie technicznej ze statusem 200 zamiast wykonania wywołania"),
    "rate_limit": (None, "odpowiedź 429 zamiast wykonania wywołania"),
    "unauthorized": (None, "odpowiedź 401, jakby klucz przestał być ważny"),
    "slow_get": (5, "odczyt trwa `value` sekund dłużej"),
    "stale_get": (2, "po wpłacie odczyt jeszcze przez `value` s jej nie pokazuje"),
    "lose_notification": (None, "powiadomienie nigdy nie zostaje wysłane"),
    "double_notification": (None, "powiadomienie zostaje wysłane dwa razy"),
    "late_notification": (5, "powiadomienie wychodzi `value` sekund później"),
    "reorder_notifications": (2, "powiadomienie o wpłacie wychodzi jeszcze raz `value` s po powiadomieniu o zwrocie"),
    "forge_notification": (None, "dodatkowe powiadomienie podpisane złym kluczem"),
    "foreign_notification": (None, "dodatkowe powiadomienie innego punktu, podpisane jego kluczem"),
    "changed_notification": (None, "dodatkowe powiadomienie z kwotą zmienioną po podpisaniu"),
    "text_notification": (None, "dodatkowe powiadomienie z liczbami zapisanymi jako teksty"),
    "wrong_amount": (100, "płacący wpłaca kwotę o `value` groszy inną niż zarejestrowana"),
    "wrong_currency": (None, "wpłata przychodzi w EUR"),
    "late_payment": (1, "płacący wraca bez zapłaty, a po `value` s pieniądze jednak przychodzą, także po terminie"),
    "no_balance": (None, "zwrot zostaje odrzucony z braku środków"),
    "concurrent_refund": (None, "zwrot nie zostaje przyjęty, bo inne wywołanie właśnie trwa"),
    "report_missing": (None, "w stronie raportu brakuje pierwszego wiersza"),
    "report_wrong_amount": (100, "pierwsza wpłata na stronie raportu ma kwotę o `value` groszy inną niż wpłacona"),
    "report_doubled": (None, "pierwszy wiersz strony raportu jest w niej dwa razy"),
    "report_reversed": (None, "wiersze strony raportu są w odwrotnej kolejności, a liczby są tekstami"),
    "refund_rejected": (None, "zwrot przyjęty do realizacji zostaje odrzucony"),
}
OPERATIONS = ("", "test", "register", "charge", "verify", "get", "refund", "get_refund", "methods", "report")


class Faults:
    """Dice with a seed: the same calls in the same order have the same luck."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._dice = random.Random(seed)

    def draw(self, db: sqlite3.Connection, name: str, pos_id: int, operation: str = "") -> float | None:
        """The fault's value when it strikes now (0 for one without), None when it does not."""
        default, _ = KNOWN[name]
        rows = db.execute(
            "SELECT * FROM faults WHERE name = ? AND pos_id IN (?, '') AND operation IN ('', ?) ORDER BY pos_id DESC",
            (name, str(pos_id), operation),
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
    if pos_id and db.execute("SELECT 1 FROM points WHERE pos_id = ?", (pos_id,)).fetchone() is None:
        raise ValueError(f"there is no point {pos_id}")
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
