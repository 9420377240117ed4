"""BLIK with a code that was typed on our page: what Przelewy24 says when the code does not pay.

The numbers are not in Przelewy24's documentation; they are those of its own plugins for shops.
"""

from __future__ import annotations

from skarbnik.plugin_api import BlikProblem

NUMBERS = {
    28: BlikProblem.WRONG,
    29: BlikProblem.WRONG,
    65: BlikProblem.WRONG,
    30: BlikProblem.EXPIRED,
    33: BlikProblem.CANCELLED,
    35: BlikProblem.USED,
}
WORDS = {
    "ER_WRONG_TICKET": BlikProblem.WRONG,
    "ER_TIC_EXPIRED": BlikProblem.EXPIRED,
    "ER_TIC_STS": BlikProblem.CANCELLED,
    "ER_TIC_USED": BlikProblem.USED,
}


def problem_of(number: int | None, words: str) -> BlikProblem:
    """Refused when nobody says why."""
    if number in NUMBERS:
        return NUMBERS[number]
    return next((problem for word, problem in WORDS.items() if word in words), BlikProblem.REFUSED)
