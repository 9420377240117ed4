"""The good file, what a broken one is made with, and answers to a batch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

CODE = "PL-LIPOWO"
EXPORT = "urn:skarbnik:exchange:export:1"
MEGABYTE = 1024 * 1024

GOOD = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="{EXPORT}">
<manifest number="2" kind="full" tenant="{CODE}" as-of="2026-11-23T02:00:00+01:00" created="2026-11-23T02:04:11+01:00" system="PUMA 7.2" format="1">
<totals payers="4" kinds="2" receivables="3" liabilities="4" instalments="5" operations="5" overpayments="1" principal="390.50" interest="3.00" costs="16.00" operations-amount="256.50" overpayments-amount="12.00"/>
</manifest>
<kinds>
<kind code="PODN" title="Podatek od nieruchomości" regime="tax" account="61109010140000071219812874"/>
<kind code="UPOMN" title="Koszty upomnienia" regime="none"/>
</kinds>
<payers>
<payer id="P-1" kind="person" name="Kowalska Anna" pesel="44051401359" street="Lipowa 7/2" postal-code="11-100" city="Lipowo" email="anna@example.org" phone="+48 600 100 200"/>
<payer id="P-2" kind="person" name="Kowalski Jan"/>
<payer id="P-3" kind="company" name="Tartak Żabno" nip="9990000014" regon="123456785"/>
<payer id="P-9" kind="person" name="Kowalska A." merged-into="P-1"/>
</payers>
<receivables>
<receivable id="R-1" kind="PODN" title="Podatek 2026" number="FN.3120.1.2026" from="2026-01-01" until="2026-12-31" basis="grunty 1200 m²">
<liability payer="P-1" role="co_owner" part="1" whole="2" from="2019-05-01" until="2030-12-31"/>
<liability payer="P-2" role="co_owner" part="1" whole="2"/>
<instalment id="I-1" number="1" due="2026-09-15" charged="120.50" principal="120.50" interest="3.00" costs="0.00"/>
<instalment id="I-2" number="2" due="2026-11-15" charged="140.00" principal="120.00" interest="0.00" costs="0.00"/>
<operation id="O-1" kind="charge" booked="2026-02-02" happened="2026-02-02" document="PK 12/2026" principal="260.50" interest="0.00" costs="0.00"/>
<operation id="O-2" instalment="I-1" kind="payment" booked="2026-09-16" happened="2026-09-15" document="WB 181/2026" principal="-20.00" interest="0.00" costs="0.00"/>
<operation id="O-3" instalment="I-1" kind="rebooking" booked="2026-09-20" happened="2026-09-20" document="PK 90/2026" principal="20.00" interest="0.00" costs="0.00" counterpart="O-4"/>
<operation id="O-4" instalment="I-2" kind="rebooking" booked="2026-09-20" happened="2026-09-20" document="PK 90/2026" principal="-20.00" interest="0.00" costs="0.00" counterpart="O-3"/>
</receivable>
<receivable id="R-2" kind="UPOMN" parent="R-1" title="Koszty upomnienia">
<liability payer="P-1" role="owner" part="1" whole="1"/>
<instalment id="I-3" number="1" due="2026-10-14" charged="0.00" principal="0.00" interest="0.00" costs="16.00"/>
<operation id="O-5" instalment="I-3" kind="charge" booked="2026-10-07" happened="2026-10-07" document="UP 33/2026" principal="0.00" interest="0.00" costs="16.00"/>
</receivable>
<receivable id="R-3" kind="PODN" title="Podatek spółki 2026" account="61109010140000071219812874">
<liability payer="P-3" role="user" part="1" whole="1"/>
<instalment id="I-4" number="1" due="2026-09-15" charged="100.00" principal="100.00" interest="0.00" costs="0.00"/>
<instalment id="I-5" number="2" due="2026-12-15" charged="50.00" principal="50.00" interest="0.00" costs="0.00"/>
</receivable>
</receivables>
<overpayments>
<overpayment id="NP-1" payer="P-2" receivable="R-1" amount="12.00" arose="2026-06-01"/>
</overpayments>
</export>
"""  # noqa: E501  # one element a line: problems are told by lines


@dataclass(frozen=True)
class Portal:
    """What a portal that read the good file has: two bookings, of I-4 and I-5, in a batch the finance system got."""

    bookings: tuple[str, str] = ("0192b000-0000-7000-8000-000000000001", "0192b000-0000-7000-8000-000000000002")
    batch: int = 1
    sha256: str = "0" * 64


Place = tuple[str, int | None]  # code and line


@dataclass(frozen=True)
class Broken:
    """One broken file and everything a clerk must be told about it, in the order of lines."""

    name: str
    group: str
    how: str
    places: tuple[Place, ...]
    make: Callable[[Portal], bytes]
    fresh: bool = False  # it comes to a source that has read nothing yet


def good(number: int = 2) -> bytes:
    return GOOD.replace('number="2" kind="full"', f'number="{number}" kind="full"').encode()


def line(old: str, text: str = GOOD) -> int:
    """Where something stands. Only what stands once can be told by its line."""
    assert text.count(old) == 1, (old, text.count(old))
    return text[: text.index(old)].count("\n") + 1


def swap(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text


def recount(text: str) -> str:
    """The file with totals that are right again, so that it is broken in one way only."""
    tags = re.findall(r"<(\w+)( [^>]*)/?>", text)
    found = Counter(name for name, _ in tags)
    plurals = {"liabilities": "liability"}
    names = ("payers", "kinds", "receivables", "liabilities", "instalments", "operations", "overpayments")
    parts = ("principal", "interest", "costs")

    def total(element: str, *names: str) -> str:
        amounts = re.findall(r'([\w-]+)="([^"]*)"', "".join(words for name, words in tags if name == element))
        return f"{sum((Decimal(value) for name, value in amounts if name in names), Decimal(0)):.2f}"

    words = {name: str(found[plurals.get(name, name[:-1])]) for name in names}
    words |= {part: total("instalment", part) for part in parts}
    words["operations-amount"] = total("operation", *parts)
    words["overpayments-amount"] = total("overpayment", "amount")
    totals = " ".join(f'{name}="{value}"' for name, value in words.items())
    return re.sub(r"<totals [^>]*/>", f"<totals {totals}/>", text, count=1)


def broken(name: str, group: str, how: str, places: list[Place], text: str | bytes, **more: bool) -> Broken:
    body = text if isinstance(text, bytes) else text.encode()
    return Broken(name, group, how, tuple(places), lambda _portal: body, **more)


def one(group: str, name: str, code: str, old: str, new: str, *, at: str | None = None) -> Broken:
    """A good file with one thing in it replaced, and wrong in the line where that stood."""
    where = line(at or old)
    return broken(name, group, f"{old[:60]!r} → {new[:60]!r}", [(code, where)], swap(GOOD, (old, new)))


def counted(group: str, name: str, places: list[Place], *changes: tuple[str, str]) -> Broken:
    """A good file with rows changed, and with the totals of what is in it then."""
    how = "; ".join(f"{old[:40]!r} → {new[:60]!r}" for old, new in changes)
    return broken(name, group, how, places, recount(swap(GOOD, *changes)))


def row(name: str) -> str:
    """A whole line of the good file, by what it begins with."""
    (found,) = [each for each in GOOD.splitlines(keepends=True) if each.startswith(name)]
    return found


def section(name: str) -> str:
    return GOOD[GOOD.index(f"<{name}>\n") : GOOD.index(f"</{name}>\n")] + f"</{name}>\n"


def operation(
    own_id: str, principal: str, *, kind: str = "payment", document: str = "WB 1/2026", costs: str = "0.00", **more: str
) -> str:
    words = "".join(f' {name}="{value}"' for name, value in more.items())
    return (
        f'<operation id="{own_id}" kind="{kind}" booked="2026-11-20" happened="2026-11-20" document="{document}"'
        f' principal="{principal}" interest="0.00" costs="{costs}"{words}/>\n'
    )


def behind(old: str, *rows: str) -> tuple[str, str]:
    """Rows behind a row: the first of them stands where `behind_line` says."""
    return row(old), row(old) + "".join(rows)


LAST = '<instalment id="I-5"'  # behind it, operations of R-3
NEW = line(LAST) + 1


def answer(portal: Portal, *lines: str, **changes: str) -> bytes:
    words = {"batch": portal.batch, "tenant": CODE, "sha256": portal.sha256, "created": "2026-11-23T03:00:00+01:00"}
    head = "".join(f' {name}="{value}"' for name, value in (words | changes).items())
    body = "\n".join(lines)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<acknowledgement xmlns="urn:skarbnik:exchange:acknowledgement:1"'
        f'{head} system="PUMA 7.2" format="1">\n{body}\n</acknowledgement>\n'
    ).encode()


def booked(booking: str, day: str = "2026-11-23") -> str:
    return f'<booked booking="{booking}" reference="WB 231/2026" on="{day}"/>'


STRANGER = "0192b000-dead-7000-8000-000000000001"
