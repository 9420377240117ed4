"""Amounts of money as people type them."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from skarbnik.money import ZERO, Money

SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})  # what stands between thousands
UNIT = "(?: ?(?:zł|zl|pln))?"
AMOUNT = re.compile(rf"([0-9]{{1,10}}|[0-9]{{1,3}}(?: [0-9]{{3}}){{1,3}})(?:[.,]([0-9]{{1,2}}))?{UNIT}", re.IGNORECASE)
TOO_FINE = re.compile(rf"[0-9 ]+[.,][0-9]{{3,}}{UNIT}", re.IGNORECASE)
BELOW = re.compile(r"[-−–] ?[0-9].*")


class WrongAmount(ValueError):
    """What was typed is no amount; the message says what is expected."""


def read_amount(text: str) -> Money:
    """`1234,56`, `1 234.5 zł`, `1234`; more than nothing. WrongAmount for what could mean two things, too."""
    text = text.translate(SPACES).strip()
    if TOO_FINE.fullmatch(text):  # 12,345 may be twelve and a bit, or twelve thousand
        raise WrongAmount(_("An amount has at most two digits after the comma, such as 50,25."))
    found = AMOUNT.fullmatch(text)
    if found is None and not BELOW.fullmatch(text):
        raise WrongAmount(_("Enter an amount, such as 50 or 50,25."))
    amount = Money(int(found[1].replace(" ", "") + f"{found[2] or '':0<2}")) if found else ZERO
    if not amount:
        raise WrongAmount(_("The amount must be more than zero."))
    return amount


def as_typed(amount: Money) -> str:
    """`1234,50`: as one would type it."""
    return str(amount).replace(".", ",")
