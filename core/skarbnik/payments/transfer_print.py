"""Transfer orders on paper: the filled form of ZBP as PDF, tagged (PDF/UA), with its 2D code."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import segno
import typst

from skarbnik.payments.transfers import TransferOrder

TITLE = "Polecenie przelewu / wpłata gotówkowa"
QUIET_ZONE = 4  # modules around the code, ISO/IEC 18004
TRANSFER = "P"  # polecenie przelewu; cash (W) is what the post strikes through itself


def print_orders(orders: Sequence[TransferOrder]) -> bytes:
    """A PDF of one page for each order."""
    try:
        return _compile(orders, format="pdf", pdf_standards=["ua-1"])
    except typst.TypstError:  # a letter no font of ours has is shown as a box, which PDF/UA forbids
        return _compile(orders, format="pdf")


def draw_page(order: TransferOrder) -> bytes:
    """The same page as PNG, at 150 dots an inch."""
    return _compile([order], format="png", ppi=150)


def _compile(orders: Sequence[TransferOrder], **options: Any) -> bytes:
    words = {"title": TITLE, "orders": [words_of(order) for order in orders]}
    inputs = {"data": json.dumps(words, ensure_ascii=False)}
    made = typst.compile(read_form(), sys_inputs=inputs, ignore_system_fonts=True, **options)
    assert isinstance(made, bytes)
    return made


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
