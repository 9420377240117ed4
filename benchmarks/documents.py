"""`documents`: transfer orders as PDF, from what somebody owes to the bytes, against typst alone on the same words.

Ours composes titles, rows, words and the 2D code of each order, which is another one each time but for its account and
payee; codes seen before are kept. The reference gets the words of each order ready. Both make tagged PDF/UA.
"""

from __future__ import annotations

import json

import typst
from _rows import Target, interleave, leave, timed

from skarbnik.money import Money
from skarbnik.payments import transfer_print
from skarbnik.payments.transfers import Due, Party, TransferOrder, compose

ORDERS = 200
OFFICE = Party("Gmina Przykładowo", "ul. Źródlana 1, 00-001 Przykładowo")
PAYER = Party("Kowalska Anna", "ul. Łąkowa 3/5, 11-111 Lipowo")
DUES = [Due("40999900000000739000012345", OFFICE, f"FN.3120.{n}.2026", (), Money(12_345 + n)) for n in range(ORDERS)]


def ours() -> None:
    for due in DUES:
        transfer_print.print_orders(compose([due], payer=PAYER))


def made(order: TransferOrder) -> str:
    words = {"title": transfer_print.TITLE, "orders": [transfer_print.words_of(order)]}
    return json.dumps(words, ensure_ascii=False)


def main() -> None:
    form = transfer_print.read_form()
    ready = [made(order) for due in DUES for order in compose([due], payer=PAYER)]

    def bare() -> None:
        for words in ready:
            typst.compile(
                form, format="pdf", sys_inputs={"data": words}, ignore_system_fonts=True, pdf_standards=["ua-1"]
            )

    ours(), bare()
    product, reference = interleave(lambda: timed(ours), lambda: timed(bare))
    print(f"  {ORDERS / product:.0f} orders a second, {ORDERS / reference:.0f} by typst alone", flush=True)
    leave(Target("documents", 0.8, least=True).close(reference / product))


if __name__ == "__main__":
    main()
