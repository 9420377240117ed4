"""A big valid export, streamed: for measuring, not for telling a story.

`changed` tells in how many per cent of the receivables the amount is another one: a file with one more than the file
before differs from it in one per cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from puma_simulator.money import written
from puma_simulator.numbers import nrb, pesel
from puma_simulator.xml import element

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<export xmlns="urn:skarbnik:exchange:export:1">\n'
ACCOUNT = nrb("10901014", 1)
DUES = ("2026-03-15", "2026-05-15", "2026-09-15", "2026-11-15")


def generate(out: Path, *, tenant: str, receivables: int, number: int, created: str, changed: int = 0) -> None:
    payers = max(1, receivables // 5)
    with out.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        file.write(
            f'<manifest number="{number}" kind="full" tenant="{tenant}" as-of="{created}" created="{created}"'
            f' system="PUMA-symulator 1.0" format="1">\n{totals(receivables, payers, changed)}</manifest>\n<kinds>\n'
        )
        file.write(element("kind", code="PODN-OF", title="Podatek od nieruchomości", regime="tax", account=ACCOUNT))
        file.write("</kinds>\n<payers>\n")
        file.writelines(payer_lines(payers, tenant))
        file.write("</payers>\n<receivables>\n")
        file.writelines(receivable_lines(receivables, payers, tenant, changed))
        file.write("</receivables>\n<overpayments/>\n</export>\n")


def principal(place: int, changed: int) -> int:
    return 10_000 + place * 37 % 250_000 + (100 if place % 100 < changed else 0)


def interest(place: int) -> int:
    return place % 7 * 100


def totals(receivables: int, payers: int, changed: int) -> str:
    return element(
        "totals",
        payers=payers,
        kinds=1,
        receivables=receivables,
        liabilities=receivables,
        instalments=receivables,
        operations=0,
        overpayments=0,
        principal=written(sum(principal(place, changed) for place in range(receivables))),
        interest=written(sum(map(interest, range(receivables)))),
        costs="0.00",
        operations_amount="0.00",
        overpayments_amount="0.00",
    )


def payer_lines(payers: int, tenant: str) -> Iterator[str]:
    for place in range(payers):
        birth = date(1940, 1, 1) + timedelta(days=place // 10_000)
        yield (
            f'<payer id="P-{place:07d}" kind="person" name="Płatnik {tenant} {place}" pesel="{pesel(birth, place)}"'
            f' street="Długa {place}" postal-code="11-100" city="Lipowo"/>\n'
        )


def receivable_lines(receivables: int, payers: int, tenant: str, changed: int) -> Iterator[str]:
    for place in range(receivables):
        amount = written(principal(place, changed))
        yield (
            f'<receivable id="N-{place:07d}" kind="PODN-OF" title="Podatek od nieruchomości 2026"'
            f' number="FN.3120.{place}.2026.{tenant}" from="2026-01-01" until="2026-12-31"'
            f' basis="grunty {place % 4000} m²" account="{nrb("10901014", 10**15 + place)}">\n'
            f'<liability payer="P-{place % payers:07d}" role="owner" part="1" whole="1" from="2020-01-01"/>\n'
            f'<instalment id="N-{place:07d}-1" number="1" due="{DUES[place % 4]}" charged="{amount}"'
            f' principal="{amount}" interest="{written(interest(place))}" costs="0.00"/>\n</receivable>\n'
        )
