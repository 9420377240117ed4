"""Check digits of Polish numbers, given as digits of the right length.

Plain loops: a file has millions of them; python-stdnum agrees in the tests.
"""

from __future__ import annotations

from datetime import date

PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
NIP_WEIGHTS = (6, 5, 7, 2, 3, 4, 5, 6, 7)
REGON_WEIGHTS = (8, 9, 2, 3, 4, 5, 6, 7)
LONG_REGON_WEIGHTS = (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)
CENTURIES = (1900, 2000, 2100, 2200, 1800)  # by the tens of the month of a PESEL, two by two


def weighted(number: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def is_pesel(number: str) -> bool:
    """Eleven digits: the day of birth with the century in the month, four digits, the check digit."""
    if weighted(number, PESEL_WEIGHTS) % 10:
        return False
    try:
        birth_of(number)
    except ValueError:
        return False
    return True


def birth_of(pesel: str) -> date:
    """The day of birth in a PESEL. ValueError when there is no such day."""
    century, month = divmod(int(pesel[2:4]), 20)
    return date(CENTURIES[century] + int(pesel[:2]), month, int(pesel[4:6]))


def is_nip(number: str) -> bool:
    return weighted(number, NIP_WEIGHTS) % 11 == int(number[9])


def is_regon(number: str) -> bool:
    """Nine digits, or fourteen that begin with a valid nine."""
    if weighted(number, REGON_WEIGHTS) % 11 % 10 != int(number[8]):
        return False
    return len(number) == 9 or weighted(number, LONG_REGON_WEIGHTS) % 11 % 10 == int(number[13])


def is_nrb(number: str) -> bool:
    """A bank account of 26 digits is an IBAN whose country is known to be PL (2521)."""
    return int(number[2:] + "2521" + number[:2]) % 97 == 1
