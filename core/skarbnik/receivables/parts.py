"""How a part of what is owed is divided into principal, interest and costs: what the law does with less than the whole.

Tax law: the costs of a reminder come first (art. 62 § 1a Ordynacji podatkowej); the rest pays principal and interest in
the proportion in which they stand on the day of payment (art. 55 § 2). Civil law: costs and interest first, then the
principal (art. 451 § 1 Kodeksu cywilnego). What bears no interest is divided as civil law does.
"""

from __future__ import annotations

from skarbnik.errors import Invalid
from skarbnik.money import ZERO, Amounts, Money
from skarbnik.plugin_api import Regime

SMALLEST_PART = Money(100)  # a gateway takes no less; whoever owes less pays all of it


class NoSuchPart(Invalid):
    """Less than the smallest part, or more than is left."""


def smallest_part(left: Money) -> Money:
    """The least that may be paid of what is left."""
    return min(SMALLEST_PART, left)


def check_part(left: Money, wanted: Money) -> None:
    """NoSuchPart when this much of what is left cannot be paid."""
    if not ZERO < smallest_part(left) <= wanted <= left:
        raise NoSuchPart(f"{wanted} is no part of {left}")


def split_part(regime: Regime, left: Amounts, wanted: Money) -> Amounts:
    """The three parts of a payment of `wanted`; their sum is exactly that, and none is above what is left of it.

    NoSuchPart when this much cannot be paid.
    """
    check_part(left.total, wanted)
    return divide(regime, left, wanted)


def divide(regime: Regime, left: Amounts, wanted: Money) -> Amounts:
    """The same of money that came, however little; at most what is left."""
    costs = min(left.costs, wanted)
    rest = wanted - costs
    if regime is Regime.TAX:
        interest = _share(rest, left.interest, of=left.principal + left.interest)
    else:
        interest = min(left.interest, rest)
    return Amounts(rest - interest, interest, costs)


def _share(amount: Money, part: Money, *, of: Money) -> Money:
    """What of an amount is the part's in proportion, to the grosz, halves up; never above the part."""
    if not of:
        return ZERO
    above, below = amount.grosze * part.grosze, of.grosze
    return Money((2 * above + below) // (2 * below))
