"""Writes the table of payments to be booked. The clerk fills its last columns and sends it back.

It opens with a double click in a Polish spreadsheet. Nothing in it becomes a formula: gateways and payers' programs
wrote some of its texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from skarbnik.plugin_api import WARSAW, BookingBatch, BookingItem, Money
from skarbnik_csv.shapes import PAYMENTS

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet takes for the beginning of one
LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # a spreadsheet takes 1234e567 for a number


def write(batch: BookingBatch) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerows(head(batch))
    writer.writerow(field.name for field in PAYMENTS.columns)
    for item in batch.items:
        writer.writerow(line(batch, item))
    return file.getvalue().encode("utf-8-sig")


def head(batch: BookingBatch) -> Iterator[tuple[str, str]]:
    yield "#plik", PAYMENTS.word
    yield "#gmina", batch.tenant_code
    yield "#paczka", str(batch.number)
    yield "#pozycje", str(len(batch.items))
    yield "#razem", written(Money.total(item.amounts.total for item in batch.items))
    yield "#utworzono", local(batch.created_at)


def line(batch: BookingBatch, item: BookingItem) -> list[str]:
    """The cells in the order of `PAYMENTS.columns`; the last three are the clerk's."""
    amounts = item.amounts
    return [
        str(item.booking_id),
        harmless(item.receivable),
        item.instalment.rpartition("/")[2],
        harmless(item.payer),
        written(amounts.principal),
        written(amounts.interest),
        written(amounts.costs),
        written(amounts.total),
        " ".join((item.account[:2], *(item.account[place : place + 4] for place in range(2, len(item.account), 4)))),
        local(item.paid_at),
        harmless(item.gateway),
        harmless(item.gateway_id),
        harmless(item.order_number),
        mark(batch.number, item.booking_id, amounts.total),
        "",
        "",
        "",
    ]


def mark(batch: int, booking_id: UUID, total: Money) -> str:
    """Eight letters that hold a booking, its amount and its batch together.

    A spreadsheet sorts one column without the others, and no sum of the table notices.
    """
    return sha256(f"{batch} {booking_id} {total}".encode()).hexdigest()[:8].translate(LETTERS)


def written(amount: Money) -> str:
    return str(amount).replace(".", ",")


def harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def local(moment: datetime) -> str:
    """A moment on Polish clocks, whatever zone it came with, so that equal moments are equal bytes."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be written")
    return moment.astimezone(WARSAW).strftime("%Y-%m-%d %H:%M:%S")
