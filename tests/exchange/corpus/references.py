"""Rows that fit one by one and not together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.exchange.corpus.good import (
    GOOD,
    LAST,
    NEW,
    Broken,
    Place,
    Portal,
    behind,
    broken,
    counted,
    line,
    one,
    operation,
    recount,
    row,
    section,
    swap,
)


def references() -> Iterator[Broken]:
    def wrong(name: str, code: str, old: str, new: str) -> Broken:
        return counted("references", name, [(code, line(old))], (old, new))

    yield wrong("an unknown kind", "unknown-kind", '"R-3" kind="PODN"', '"R-3" kind="NIEMA"')
    yield wrong("an unknown parent", "unknown-parent", 'parent="R-1"', 'parent="R-77"')
    yield wrong("an unknown payer", "unknown-payer", 'payer="P-3" role', 'payer="P-77" role')
    yield wrong(
        "an unknown instalment", "unknown-instalment", 'id="O-5" instalment="I-3"', 'id="O-5" instalment="I-77"'
    )
    yield wrong(
        "an instalment of another receivable", "instalment-of-another",
        'id="O-5" instalment="I-3"', 'id="O-5" instalment="I-4"',
    )  # fmt: skip
    yield wrong("merged into nobody", "unknown-merged", 'merged-into="P-1"', 'merged-into="P-77"')
    yield wrong("an overpayment of nobody", "overpayment-payer", '"NP-1" payer="P-2"', '"NP-1" payer="P-77"')
    yield wrong(
        "an overpayment on nothing", "overpayment-receivable", 'receivable="R-1" amount', 'receivable="R-77" amount'
    )
    liable = row('<liability payer="P-3"')
    yield counted("references", "nobody liable", [("nobody-liable", line('<receivable id="R-3"'))], (liable, ""))
    moved = row('<instalment id="I-5"')
    yield counted(
        "references", "an instalment moved to a receivable", [("foreign-row", line('<instalment id="I-3"') + 1)],
        (moved, ""), behind('<instalment id="I-3"', moved),
    )  # fmt: skip
    yield one("references", "merged with itself", "merged_into", 'merged-into="P-1"', 'merged-into="P-9"')
    yield one("references", "its own parent", "parent", 'parent="R-1"', 'parent="R-2"')
    yield one("references", "its own counterpart", "counterpart", 'counterpart="O-4"', 'counterpart="O-3"')


def circles() -> Iterator[Broken]:
    first, second, last = (line(f'<payer id="P-{number}"') for number in (1, 2, 9))
    anna, jan = ('phone="+48 600 100 200"', 'name="Kowalski Jan"')
    yield counted(
        "references", "a circle of merges", [("merged-in-a-circle", each) for each in (first, second, last)],
        (anna, f'{anna} merged-into="P-2"'), (jan, f'{jan} merged-into="P-1"'),
    )  # fmt: skip
    above, below = ('<receivable id="R-1" kind="PODN"', '<receivable id="R-2" kind="UPOMN"')
    yield counted(
        "references", "a circle of parents", [("parents-in-a-circle", line(each)) for each in (above, below)],
        (above, f'{above} parent="R-2"'),
    )  # fmt: skip
    only = swap(GOOD, ('kind="full"', 'kind="incremental"'), (section("kinds"), "<kinds/>\n"))
    parts = row(above) + row('<liability payer="P-2"') + "</receivable>\n"
    alone = parts.replace('kind="PODN"', 'kind="PODN" parent="R-2"')
    text = recount(swap(only, (section("receivables"), f"<receivables>\n{alone}</receivables>\n")))
    places = [("parents-in-a-circle", line("<receivable ", text))]
    yield broken("a circle closed by a later file", "references", "R-1 under R-2, as R-2 is under R-1", places, text)


def rebookings() -> Iterator[Broken]:
    def pair(name: str, first: str, second: str, code: str = "one-sided-rebooking") -> Broken:
        places = [(code, NEW), (code, NEW + 1)] if code.startswith("one") else [(code, NEW)]
        return counted("references", name, places, behind(LAST, first, second))

    def leg(own_id: str, other: str, principal: str, **more: str) -> str:
        words = {"kind": "rebooking", "counterpart": other, "document": "PK 91/2026"} | more
        return operation(own_id, principal, **words)

    plus = leg("O-7", "O-8", "5.00")
    yield pair("a re-booking that is not zero", plus, leg("O-8", "O-7", "-4.99"))
    yield pair("a re-booking that moves principal into costs", plus, leg("O-8", "O-7", "0.00", costs="-5.00"))
    yield pair("a re-booking on two documents", plus, leg("O-8", "O-7", "-5.00", document="PK 92/2026"))
    places = [("one-sided-rebooking", NEW)]
    yield counted("references", "a re-booking of one side", places, behind(LAST, plus))
    nameless = operation("O-7", "5.00", kind="rebooking")
    yield counted("references", "a re-booking that names no other side", places, behind(LAST, nameless))
    strays = [("one-sided-rebooking", NEW), ("stray-counterpart", NEW + 1)]
    other = leg("O-8", "O-7", "-5.00", kind="payment")
    yield counted("references", "a re-booking against a payment", strays, behind(LAST, plus, other))
    stray = operation("O-7", "-5.00", counterpart="O-2")
    places = [("stray-counterpart", NEW)]
    yield counted("references", "a payment with another side", places, behind(LAST, stray))


def echoes() -> Iterator[Broken]:
    def echo(name: str, places: list[Place], *rows: Callable[[Portal], str]) -> Broken:
        def make(portal: Portal) -> bytes:
            return recount(swap(GOOD, behind(LAST, *(each(portal) for each in rows)))).encode()

        return Broken(name, "echoes", name, tuple(places), make)

    def first(own_id: str = "O-7", principal: str = "-100.00", **more: str) -> Callable[[Portal], str]:
        return lambda portal: operation(own_id, principal, instalment="I-4", booking=portal.bookings[0], **more)

    def nobody(_portal: Portal) -> str:
        return operation("O-7", "-100.00", booking="0192b000-dead-7000-8000-000000000001")

    yield echo("an echo of another sum", [("echo-amount", NEW)], first(principal="-100.01"))
    yield echo("an echo of another sign", [("echo-amount", NEW)], first(principal="100.00"))
    yield echo("an echo of nothing", [("unknown-booking", NEW)], nobody)
    yield echo("one echo too many", [("echoed-twice", NEW), ("echoed-twice", NEW + 1)], first(), first("O-8"))
    named = ('document="WB 181/2026"', 'document="WB 181/2026" booking="17"')
    yield one("echoes", "an echo of a number", "uuid", *named)


def changed_operations() -> Iterator[Broken]:
    """The good file was read before: what it booked stays, in a full file and in an incremental one."""
    at = line('<operation id="O-2"')
    paid = row('<operation id="O-2"')
    for name, old, new in (
        ("amount", 'principal="-20.00"', 'principal="-21.00"'),
        ("day", 'happened="2026-09-15"', 'happened="2026-09-14"'),
        ("kind", 'kind="payment"', 'kind="decrease"'), ("document", 'document="WB 181/2026"', 'document="WB 182/2026"'),
    ):  # fmt: skip
        other = (paid, swap(paid, (old, new)))
        yield counted("changed operations", f"another {name} (full)", [("changed-operation", at)], other)
        incremental = ('number="2" kind="full"', 'number="2" kind="incremental"')
        yield counted(
            "changed operations", f"another {name} (incremental)", [("changed-operation", at)], other, incremental
        )


def duplicates() -> Iterator[Broken]:
    for name in (
        '<kind code="PODN"', '<payer id="P-2"', '<liability payer="P-3"', '<instalment id="I-4"', '<operation id="O-5"',
        "<overpayment id",
    ):  # fmt: skip
        element = name.split()[0][1:]
        yield counted("duplicates", f"a {element} twice", [("duplicate", line(name))], behind(name, row(name)))
    whole = GOOD[GOOD.index('<receivable id="R-3"') : GOOD.index("</receivables>")]
    first = line('<receivable id="R-3"')
    yield counted("duplicates", "a known receivable twice", [("duplicate", first)], (whole, whole + whole))
    changed = whole.replace('title="', 'title="Nowy ')
    places = [("duplicate", first + number) for number in range(4)]
    yield counted("duplicates", "a changed receivable twice", places, (whole, changed + changed))
    yield counted("duplicates", "a receivable as it was and as it is", [("duplicate", first)], (whole, whole + changed))
    renamed = swap(row('<payer id="P-2"'), ("Kowalski Jan", "Nowak Piotr"))
    places = [("duplicate", line('<payer id="P-2"'))]
    yield counted("duplicates", "one number of two payers", places, behind('<payer id="P-2"', renamed))
