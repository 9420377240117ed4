"""Transfer orders on paper: the filled form of ZBP as PDF, tagged (PDF/UA), with its 2D code."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import segno

from skarbnik.payments.transfers import TransferOrder
from skarbnik.web.printing import typeset

TITLE = "Polecenie przelewu / wpłata gotówkowa"
QUIET_ZONE = 4  # modules around the code, ISO/IEC 18004
TRANSFER = "P"  # polecenie przelewu; cash (W) is what the post strikes through itself


def print_orders(orders: Sequence[TransferOrder]) -> bytes:
    """A PDF of one page for each order."""
    return typeset(read_form(), {"title": TITLE, "orders": [words_of(order) for order in orders]})


def words_of(order: TransferOrder) -> dict[str, object]:
    return {
        "payee": order.payee.rows,
        "nrb": order.nrb,
        "way": TRANSFER,
        "amount": order.amount_in_boxes,
        "words": order.words,
        "payer": order.payer.rows,
        "title": order.title_rows,
        "code": None if order.code is None else draw_code(order.code),
    }


@lru_cache(maxsize=1)
def read_form() -> bytes:
    return (files("skarbnik.payments") / "forms" / "transfer_order.typ").read_bytes()


@lru_cache(maxsize=2_000)
def draw_code(text: str) -> str:
    """The 2D code as SVG: QR, level L, UTF-8, as the recommendation has it."""
    drawn = io.BytesIO()
    code = segno.make_qr(text, error="l", boost_error=False, encoding="utf-8")
    code.save(drawn, kind="svg", border=QUIET_ZONE, xmldecl=False, nl=False)
    return drawn.getvalue().decode()
