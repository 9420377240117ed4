"""Makes Polish numbers whose check digits are right."""

from __future__ import annotations

import base64
import hashlib
from datetime import date

PESEL = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
NIP = (6, 5, 7, 2, 3, 4, 5, 6, 7)
REGON = (8, 9, 2, 3, 4, 5, 6, 7)
MONTHS = {18: 80, 19: 0, 20: 20, 21: 40}


def weigh(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def pesel(birth: date, serial: int) -> str:
    month = birth.month + MONTHS[birth.year // 100]
    digits = f"{birth.year % 100:02d}{month:02d}{birth.day:02d}{serial % 10_000:04d}"
    return f"{digits}{-weigh(digits, PESEL) % 10}"


def nip(base: int) -> str:
    """The first valid NIP at or after a base of nine digits."""
    while (check := weigh(f"{base:09d}", NIP) % 11) == 10:
        base += 1
    return f"{base:09d}{check}"


def regon(base: int) -> str:
    return f"{base:08d}{weigh(f'{base:08d}', REGON) % 11 % 10}"


def nrb(bank: str, account: int) -> str:
    """An account of 26 digits: check digits, eight of the bank, sixteen of ours."""
    body = f"{bank}{account:016d}"
    return f"{98 - int(body + '252100') % 97:02d}{body}"


def payment_code(gmina: str, receivable: str) -> str:
    """Twelve letters and digits that say nothing of their neighbours; the same for the same receivable each time."""
    digest = hashlib.sha256(f"code {gmina} {receivable}".encode()).digest()
    return base64.b32encode(digest).decode()[:12]
