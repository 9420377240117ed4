"""Amounts of money as people type them, at home and in the office. What could mean two things is refused."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from skarbnik.money import Money

SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})  # what stands between thousands
UNIT = "(?: ?(?:zł|zl|pln))?"
AMOUNT = re.compile(rf"([0-9]{{1,10}}|[0-9]{{1,3}}(?: [0-9]{{3}}){{1,3}})(?:[.,]([0-9]{{1,2}}))?{UNIT}", re.IGNORECASE)
TOO_FINE = re.compile(rf"[0-9 ]+[.,][0-9]{{3,}}{UNIT}", re.IGNORECASE)
BELOW = re.compile(r"[-−–] ?[0-9].*")


class WrongAmount(ValueError):
    """What was typed is no amount; the message says what is expected."""


def read_amount(text: str) -> Money:
    """`1234,56`, `1 234.5 zł`, `1234`; more than nothing. WrongAmount for what could mean two things, too."""
    amount = read_amount_or_zero(text)
    if not amount:
        raise WrongAmount(_("The amount must be more than zero."))
    return amount


def read_amount_or_zero(text: str) -> Money:
    """The same, where nothing of something may be meant: `0` is zero. WrongAmount for an empty text and below zero."""
    text = text.translate(SPACES).strip()
    if TOO_FINE.fullmatch(text):  # 12,345 may be twelve and a bit, or twelve thousand
        raise WrongAmount(_("An amount has at most two digits after the comma, such as 50,25."))
    if BELOW.fullmatch(text):
        raise WrongAmount(_("The amount must be more than zero."))
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise WrongAmount(_("Enter an amount, such as 50 or 50,25."))
    return Money(int(found[1].replace(" ", "") + f"{found[2] or '':0<2}"))


def as_typed(amount: Money) -> str:
    """`1234,50`: as one would type it."""
    return str(amount).replace(".", ",")
