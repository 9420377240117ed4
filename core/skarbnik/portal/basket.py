"""What somebody chose to pay, and how much of each: read from an address or a form, so that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from flask import abort
from flask_babel import gettext as _

from skarbnik.money import Amounts, Money
from skarbnik.payments.models import OrderLine
from skarbnik.payments.ordering import MOST_LINES, Chosen
from skarbnik.plugin_api import Regime
from skarbnik.portal.debts import ToPay
from skarbnik.receivables.parts import smallest_part, split_part
from skarbnik.web.amounts import WrongAmount, as_typed, read_amount
from skarbnik.web.formats import money

LONGEST_TYPED = 40


class Words(Protocol):
    """The words of an address or the fields of a form, each perhaps more than once."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class BasketLine:
    """One chosen instalment: what was typed, what follows, and what is wrong with it."""

    row: ToPay
    paid: Amounts  # all that is left while the typed amount cannot be used
    typed: str = ""
    problem: str = ""

    @property
    def is_part(self) -> bool:
        return self.paid.total != self.row.total

    @property
    def part(self) -> Money | None:
        """As an order wants it."""
        return self.paid.total if self.is_part else None

    @property
    def shown(self) -> str:
        """What stands in the field of the amount."""
        return self.typed if self.problem else as_typed(self.paid.total)

    @property
    def rest(self) -> Money:
        return self.row.total - self.paid.total


@dataclass(frozen=True)
class Basket:
    lines: Sequence[BasketLine]

    @property
    def ids(self) -> set[UUID]:
        return {line.row.id for line in self.lines}

    @property
    def amounts(self) -> Amounts:
        return Amounts.sum(line.paid for line in self.lines)

    @property
    def has_problems(self) -> bool:
        return any(line.problem for line in self.lines)

    def words(self, *more: ToPay) -> dict[str, Any]:
        """The same as words of an address, with other instalments before these."""
        words: dict[str, Any] = {"i": [str(row.id) for row in (*more, *(each.row for each in self.lines))]}
        words |= {f"a-{line.row.id}": line.shown for line in self.lines if line.is_part or line.problem}
        return words

    def narrowed(self, accounts: set[UUID]) -> Basket:
        """Only what goes online to one of these bank accounts."""
        return Basket([line for line in self.lines if line.row.online and line.row.creditor_account_id in accounts])


def read_basket(words: Words, rows: Sequence[ToPay]) -> Basket:
    """The chosen ones of these debts, in their order. `i` names them, `a-<id>` says how much of one is paid."""
    wanted = set(words.getlist("i")[: MOST_LINES + 1])
    return Basket([_line(row, words.getlist(f"a-{row.id}")) for row in rows if str(row.id) in wanted and row.grosze])


def _line(row: ToPay, typed: list[str]) -> BasketLine:
    if not typed or not (row.takes_parts and row.online):
        return BasketLine(row, row.amounts)
    text = typed[-1][:LONGEST_TYPED]
    try:
        wanted = read_amount(text)
    except WrongAmount as wrong:
        return BasketLine(row, row.amounts, text, str(wrong))
    if wanted > row.total:
        problem = _("That is more than is left to pay: %(amount)s.", amount=money(row.total))
    elif wanted < smallest_part(row.total):
        problem = _("The smallest part that can be paid is %(amount)s.", amount=money(smallest_part(row.total)))
    else:
        return BasketLine(row, split_part(Regime(row.regime), row.amounts, wanted), text)
    return BasketLine(row, row.amounts, text, problem)


def read_chosen(form: Words) -> list[Chosen]:
    """What a form says was shown: `i` are ids, `p`, `n`, `k` the grosze of principal, interest and costs that were
    left, `c` what is paid of them, where that may be less. 400 for a form that is none of ours."""
    fields = [form.getlist(name) for name in ("i", "p", "n", "k")]
    counted = form.getlist("c") or [""] * len(fields[0])
    if len({len(each) for each in (*fields, counted)}) != 1 or not fields[0]:
        abort(400)
    chosen = []
    for instalment_id, paid, *parts in zip(fields[0], counted, *fields[1:], strict=True):
        if not all(_is_number(each) for each in (*parts, paid or "0")):
            abort(400)
        left = Amounts(*(Money(int(part)) for part in parts))
        part = None if paid in {"", str(left.total.grosze)} else Money(int(paid))
        chosen.append(Chosen(uuid_of(instalment_id), left, part))
    return chosen


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def uuid_of(value: str | None) -> UUID:
    """400 for what is no id."""
    try:
        return UUID(value or "")
    except ValueError:
        abort(400)


def has_new_amounts(basket: Basket, chosen: Sequence[Chosen]) -> bool:
    """Whether somebody typed another amount than was counted and shown beside it."""
    counted = {each.instalment_id: each.part or each.amounts.total for each in chosen}
    return any(
        line.typed and line.row.id in counted and line.paid.total != counted[line.row.id] for line in basket.lines
    )


def paper_words(lines: Iterable[OrderLine]) -> dict[str, Any]:
    """Lines of an order as words of an address, for a transfer order of the same amounts."""
    lines = list(lines)
    words: dict[str, Any] = {"i": [str(line.instalment_id) for line in lines]}
    return words | {f"a-{line.instalment_id}": as_typed(line.amounts.total) for line in lines if line.is_part}
