"""Amounts as files write them."""

from __future__ import annotations

import re

WRITTEN = re.compile(r"(-?)([0-9]{1,15})\.([0-9]{2})")


def written(grosze: int) -> str:
    sign = "-" if grosze < 0 else ""
    return f"{sign}{abs(grosze) // 100}.{abs(grosze) % 100:02d}"


def read(text: str) -> int:
    match = WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError("an amount is written as 1234.56")
    grosze = int(match[2] + match[3])
    return -grosze if match[1] else grosze
