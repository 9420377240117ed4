"""What a resident chooses among the debts: read from an address anybody may have written."""

from datetime import date
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from skarbnik.portal.choices import Choice, read_choice
from skarbnik.portal.debts import ToPay

TODAY = date(2026, 11, 23)
TAX, WASTE = uuid4(), uuid4()


def row(title="Podatek", *, kind=TAX, due=TODAY, grosze=100, overdue=False, year=2026, decision=None):
    return ToPay(
        uuid4(), uuid4(), title, decision, kind, "k", True, None, 1, due, grosze, 0, 0, 0, None, None, overdue, year
    )


ROWS = [
    row("Podatek 2026", overdue=True, due=date(2026, 9, 15), grosze=300, decision="FN.1/2026"),
    row("Podatek 2025", year=2025, overdue=True, due=date(2025, 9, 15), grosze=100),
    row("Odpady", kind=WASTE, due=date(2026, 12, 7), grosze=200),
    row("Odpady", kind=WASTE, due=date(2026, 12, 8), grosze=400),
]


def chosen(**address):
    return [ROWS.index(each) for each in read_choice(address, ROWS).apply(ROWS, TODAY)]


def test_each_filter_and_order_does_what_it_says():
    assert chosen() == [0, 1, 2, 3]
    assert chosen(kind=str(WASTE)) == [2, 3]
    assert chosen(state="overdue") == [0, 1]
    assert chosen(state="soon") == [2]
    assert chosen(year="2025") == [1]
    assert chosen(q="odpady") == [2, 3]
    assert chosen(q="fn.1/") == [0]
    assert chosen(sort="due") == [1, 0, 2, 3]
    assert chosen(sort="amount") == [3, 0, 2, 1]
    assert chosen(kind=str(TAX), year="2026", sort="due") == [0]


def test_polish_marks_may_be_left_out_of_what_is_looked_for():
    dogs = row("Opłata od posiadania psów")

    assert Choice(q="oplata od posiadania PSOW").apply([dogs], TODAY) == [dogs]
    assert Choice(q="Opłata od posiadania psów").apply([dogs], TODAY) == [dogs]
    assert Choice(q="odpady").apply([dogs], TODAY) == []


def test_what_nobody_has_filters_nothing():
    assert chosen(kind=str(uuid4()), state="x", year="1999", sort="y") == [0, 1, 2, 3]
    assert read_choice({"kind": "x", "state": "x"}, ROWS) == Choice()


@given(st.dictionaries(st.sampled_from(["q", "kind", "state", "year", "sort"]), st.text(max_size=200)))
def test_no_address_breaks_it_and_nothing_is_shown_twice(address):
    choice = read_choice(address, ROWS)
    shown = choice.apply(ROWS, TODAY)
    assert len({each.id for each in shown}) == len(shown) <= len(ROWS)
    assert read_choice(choice.words, ROWS) == choice
