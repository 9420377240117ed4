"""Amounts in whole grosze, and the three parts every debt and payment is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering

PLN = "PLN"  # all that is ordered and booked; money of another currency may come, and only goes back
DECIMAL = re.compile(r"(-?)(\d{1,13})\.(\d{2})", re.ASCII)


@total_ordering
@dataclass(frozen=True, slots=True, eq=True)
class Money:
    """An amount in Polish grosze (1/100 PLN). Never a float; adding anything but Money is an error."""

    grosze: int = 0

    def __post_init__(self) -> None:
        if type(self.grosze) is not int:
            raise TypeError(f"Money takes whole grosze as int, not {type(self.grosze).__name__}")

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read `1234.56` (always two decimals, as xs:decimal writes them). ValueError for anything else."""
        match = DECIMAL.fullmatch(text)
        if match is None:
            raise ValueError("an amount is written as 1234.56")
        sign, whole, rest = match.groups()
        grosze = int(whole + rest)
        return cls(-grosze if sign else grosze)

    @classmethod
    def total(cls, amounts: Iterable[Money]) -> Money:
        return cls(sum(amount.grosze for amount in amounts))

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.grosze + other.grosze)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.grosze - other.grosze)

    def __neg__(self) -> Money:
        return Money(-self.grosze)

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.grosze < other.grosze

    def __bool__(self) -> bool:
        return self.grosze != 0

    def __str__(self) -> str:
        """Plain `1234.56`, as files and gateways write it; pages use the `money` filter."""
        sign = "-" if self.grosze < 0 else ""
        whole, rest = divmod(abs(self.grosze), 100)
        return f"{sign}{whole}.{rest:02d}"


ZERO = Money(0)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Principal (należność główna), interest (odsetki) and costs (koszty): kept apart everywhere."""

    principal: Money = ZERO
    interest: Money = ZERO
    costs: Money = ZERO

    @property
    def total(self) -> Money:
        return Money(self.principal.grosze + self.interest.grosze + self.costs.grosze)

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.principal + other.principal, self.interest + other.interest, self.costs + other.costs)

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(self.principal - other.principal, self.interest - other.interest, self.costs - other.costs)

    def not_below_zero(self) -> Amounts:
        """What can still be asked for: a part that is already overpaid counts as nothing left."""
        return Amounts(max(self.principal, ZERO), max(self.interest, ZERO), max(self.costs, ZERO))

    def __neg__(self) -> Amounts:
        return Amounts(-self.principal, -self.interest, -self.costs)

    def split(self, total: Money) -> Amounts:
        """The part of these amounts that comes to `total`, in proportion and to the grosz (as art. 55 § 2 Ordynacji
        podatkowej credits what is too little). None of its parts is larger than the whole's.

        ValueError unless 0 <= total <= self.total. Grosze that are left go to the largest remainders, and where these
        are equal to the principal first, then to the interest.
        """
        parts = (self.principal.grosze, self.interest.grosze, self.costs.grosze)
        whole = sum(parts)
        if min(parts) < 0 or not 0 <= total.grosze <= whole:
            raise ValueError(f"{total} is no part of {self}")
        if not whole:
            return Amounts()
        shares = [divmod(part * total.grosze, whole) for part in parts]
        over = total.grosze - sum(share for share, _remainder in shares)
        first = sorted(range(3), key=lambda place: (-shares[place][1], place))[:over]
        return Amounts(*(Money(share + (place in first)) for place, (share, _remainder) in enumerate(shares)))

    @classmethod
    def sum(cls, many: Iterable[Amounts]) -> Amounts:
        principal = interest = costs = 0
        for amounts in many:
            principal += amounts.principal.grosze
            interest += amounts.interest.grosze
            costs += amounts.costs.grosze
        return cls(Money(principal), Money(interest), Money(costs))
