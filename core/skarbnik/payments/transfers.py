"""Transfer orders (polecenie przelewu, wpłata gotówkowa): what stands in the boxes of the form, and in its 2D code.

The form has 27 boxes a row: two rows each for the payee, the payer and the title; 26 for the account, 12 for the
amount. The code follows "Rekomendacja Związku Banków Polskich dotycząca kodu dwuwymiarowego", version 1.0 of 3 December
2013: nine fields with `|` between them. A bank's application refuses a code it cannot read whole, so one that would
need more digits than the recommendation gives an amount is left out rather than stretched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from num2words import num2words

from skarbnik.money import Money

BOXES = 27
ROWS = 2
LONGEST_TITLE = 32  # of the code; a title the code cannot hold is not recognised when it comes back
LONGEST_PAYEE = 20
LARGEST_IN_CODE = 999_999  # grosze: six digits
AMOUNT_BOXES = 12
POLISH_L = str.maketrans("łŁ", "lL")  # the letter no normal form takes apart


@dataclass(frozen=True, order=True)
class Party:
    """Who gives or takes the money."""

    name: str
    address: str = ""

    @property
    def rows(self) -> tuple[str, str]:
        """The name in one row and the address below it; a long name takes both."""
        name = " ".join(self.name.split())
        return (name, in_rows(self.address)[0]) if len(name) <= BOXES else in_rows(name)


@dataclass(frozen=True)
class Due:
    """Something to pay by transfer: which account takes it, and by what the finance system will know it again."""

    nrb: str  # 26 digits
    payee: Party
    mark: str  # number of the decision or contract, else the title
    instalments: tuple[int, ...]  # their numbers, when only some of them are paid
    amount: Money


@dataclass(frozen=True)
class TransferOrder:
    """One form. Texts are whole; `*_rows` are what fits into its boxes."""

    nrb: str
    payee: Party
    payer: Party
    title: str
    amount: Money

    @property
    def title_rows(self) -> tuple[str, str]:
        return in_rows(self.title)

    @property
    def amount_in_boxes(self) -> str:
        """`=====1234,56`: nobody adds a digit in front."""
        whole, rest = divmod(self.amount.grosze, 100)
        return f"{whole},{rest:02d}".rjust(AMOUNT_BOXES, "=")

    @property
    def words(self) -> str:
        return amount_in_words(self.amount)

    @property
    def code(self) -> str | None:
        """What the 2D code says. None when the amount has more digits than the recommendation gives it."""
        if self.amount.grosze > LARGEST_IN_CODE:
            return None
        payee, title = _plain(self.payee.name, LONGEST_PAYEE), _plain(self.title, LONGEST_TITLE)
        return f"|PL|{self.nrb}|{self.amount.grosze:06d}|{payee}|{title}|||"


def compose(dues: Iterable[Due], *, payer: Party) -> list[TransferOrder]:
    """The fewest forms: one for each account, or more when its title cannot name all that is paid.

    ValueError for an amount that is not positive or does not fit into the boxes.
    """
    orders = []
    for (nrb, payee), same in groupby(sorted(dues, key=_receiver), _receiver):
        for title, amount in _titles(list(same)):
            if not 0 < amount.grosze < 10 ** (AMOUNT_BOXES - 1):
                raise ValueError(f"{amount} does not fit a transfer order")
            orders.append(TransferOrder(nrb, payee, payer, title, amount))
    return orders


def _receiver(due: Due) -> tuple[str, Party]:
    return due.nrb, due.payee


def _titles(dues: Sequence[Due]) -> list[tuple[str, Money]]:
    """As many dues in one title as it names whole."""
    packed: list[tuple[str, Money]] = []
    for due in dues:
        title = _title(due)
        if packed and len(f"{packed[-1][0]} {title}") <= LONGEST_TITLE:
            before, amount = packed.pop()
            packed.append((f"{before} {title}", amount + due.amount))
        else:
            packed.append((title, due.amount))
    return packed


def _title(due: Due) -> str:
    """`FN.3120.1.2026 R.2,3`; where the instalments would not fit, the number alone is recognised."""
    instalments = f" R.{','.join(map(str, due.instalments))}" if due.instalments else ""
    whole = f"{due.mark}{instalments}"
    if len(whole) <= LONGEST_TITLE:
        return whole
    return due.mark[: BOXES * ROWS].rstrip()


def amount_in_words(amount: Money) -> str:
    """`sto dwadzieścia trzy złote, pięć groszy`, in the grammar of Polish numerals."""
    figures = f"{amount.grosze // 100}.{amount.grosze % 100:02d}"
    found: str = num2words(figures, lang="pl", to="currency", currency="PLN")
    return found


def in_rows(text: str) -> tuple[str, str]:
    """A text in two rows of boxes, broken between words where there are any; what is left over is cut."""
    text = " ".join(text.split())
    if len(text) <= BOXES:
        return text, ""
    cut = text.rfind(" ", 0, BOXES + 1)
    if cut <= 0:
        cut = BOXES
    return text[:cut], text[cut:].strip()[:BOXES].rstrip()


def _plain(text: str, most: int) -> str:
    """Letters every bank's application reads, without the sign between the fields."""
    folded = unicodedata.normalize("NFKD", text.translate(POLISH_L)).encode("ascii", "ignore").decode()
    shown = "".join(each if each.isprintable() else " " for each in folded.replace("|", "/"))
    return " ".join(shown.split())[:most].rstrip()
