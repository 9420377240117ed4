"""Names of people, compared as a clerk compares them: without capitals, accents and order."""

from __future__ import annotations

import re
import unicodedata

_NOT_FOLDED = str.maketrans("łŁ", "lL")


def fold(text: str) -> str:
    """`Żółw` is `zolw`."""
    plain = unicodedata.normalize("NFKD", text.translate(_NOT_FOLDED))
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).lower()


def is_like(one: str, other: str) -> bool:
    """Whether two names may be one person's: every word of the shorter stands in the longer.

    `Kowalska Anna` is `Anna Maria Kowalska`, and `Anna Nowak` is `Anna Kowalska-Nowak`; of who took another name no
    two are alike, so a person has to look.
    """
    first, second = _words(one), _words(other)
    return bool(first and second) and (first <= second or second <= first)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", fold(name)))
