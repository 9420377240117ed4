"""What a gateway takes for a payment. It never touches what is ordered: the gateway adds it on its own page."""

from __future__ import annotations

from skarbnik.money import Money

WHOLE = 100 * 100  # a rate of 0.99 % is written as 99


def commission_on(amount: Money, *, rate: int, fixed: Money) -> Money:
    """`rate` hundredths of a per cent of an amount, to the grosz with halves up, and a fixed sum."""
    return Money((2 * amount.grosze * rate + WHOLE) // (2 * WHOLE)) + fixed
