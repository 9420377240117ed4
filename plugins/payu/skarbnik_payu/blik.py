"""BLIK with a code that was typed on our page: what PayU says when the code does not pay.

PayU takes the order first and looks at the code a moment later; why it refused stands with the order's transactions.
"""

from __future__ import annotations

from typing import Any

from skarbnik.plugin_api import BlikProblem
from skarbnik_payu.answers import text

# Words of `resultCode`; BLIK's own (ER_TIC_…) are taken too. What else refuses a payment is told when the order ends.
PROBLEMS = {
    "AUTH_CODE_EXPIRED": BlikProblem.EXPIRED,
    "AUTH_CODE_CANCELLED": BlikProblem.CANCELLED,
    "AUTH_CODE_USED": BlikProblem.USED,
    "AUTH_CODE_INVALID": BlikProblem.WRONG,
    "ER_TIC_EXPIRED": BlikProblem.EXPIRED,
    "ER_TIC_STS": BlikProblem.CANCELLED,
    "ER_TIC_USED": BlikProblem.USED,
    "ER_WRONG_TICKET": BlikProblem.WRONG,
}


def find_problem(body: dict[str, Any]) -> BlikProblem | None:
    """Why the code of an order does not pay, as far as PayU says it."""
    listed = body.get("transactions")
    for transaction in listed if isinstance(listed, list) else ():
        problem = problem_of(text(transaction, "resultCode") or "")
        if problem is not None:
            return problem
    return None


def problem_of(words: str) -> BlikProblem | None:
    return next((problem for word, problem in PROBLEMS.items() if word in words), None)
