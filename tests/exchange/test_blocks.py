"""A receivable that a full file says as the one before is only named; whatever came between makes it be looked at."""

import sys
from array import array
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.exchange import staging
from skarbnik.exchange.blocks import Blocks
from skarbnik.exchange.states import RunState
from skarbnik.plugin_api import OverpaymentRow
from skarbnik_puma.rows import Walk, Whole
from skarbnik_puma.system import PumaFinanceSystem

DAY = date(2026, 6, 1)
DIGESTS = st.lists(st.binary(min_size=16, max_size=16), max_size=40)
ALIKE = st.lists(st.sampled_from([bytes(8), b"\xff" * 8]).flatmap(
    lambda head: st.binary(min_size=8, max_size=8).map(lambda tail: head + tail)), max_size=20)  # fmt: skip


def known(digests):
    halves = array("Q", b"".join(sorted(set(digests))))
    if sys.byteorder == "little":
        halves.byteswap()
    return Blocks(halves[0::2], halves[1::2])


@given(st.one_of(DIGESTS, ALIKE), DIGESTS)
def test_a_digest_is_known_when_it_was_there_and_only_then(digests, others):
    blocks = known(digests)

    assert all(each in blocks for each in digests)
    assert [each in blocks for each in others] == [each in set(digests) for each in others]


def test_nothing_is_known_of_an_empty_gmina():
    assert bytes(16) not in known([])


@pytest.fixture
def receive(receive, words):
    """Files after a first load, which is in a hurry and leaves the digests to the next full one."""
    receive(words.Export(receivables=()))
    return lambda export: receive(replace(export, number=export.number + 1))


@pytest.fixture
def staged(monkeypatch):
    """Rows that were looked at, by the table they stand in."""
    seen = []
    take = staging.Stage._take

    def look(self, piece, early):
        seen.append({table: len(texts) for table, texts in piece.items() if texts})
        return take(self, piece, early)

    monkeypatch.setattr(staging.Stage, "_take", look)
    return lambda: {table: number for piece in seen[-1:] for table, number in piece.items()}


def two(words, *, number, kind="full", principal="100.00", second="40.00", **more):
    return words.Export(
        receivables=(
            words.receivable("R-1", words.liability("P-1"), words.instalment("I-1", principal=principal)),
            words.receivable("R-2", words.liability("P-1"), words.instalment("I-2", principal=second)),
        ),
        number=number,
        kind=kind,
        **more,
    )


def left(rows):
    return dict(rows("SELECT external_id, principal FROM instalments WHERE closed_at IS NULL"))


def test_what_is_known_is_not_looked_at_again(receive, rows, words, staged):
    receive(two(words, number=1))

    run = receive(two(words, number=2, second="50.00"))

    assert staged() == {"kinds": 2, "payers": 1, "receivables": 1, "liabilities": 1, "instalments": 1, "same": 1}
    assert run.counts == {"instalments": {"changed": 1}}
    assert left(rows) == {"I-1": 10_000, "I-2": 5_000}


def test_what_an_incremental_file_changed_is_looked_at_by_the_next_full_one(receive, rows, words):
    """The full file says what the full file before it said, and not what was said in between."""
    receive(two(words, number=1))
    receive(two(words, number=2, kind="incremental", principal="70.00"))
    assert left(rows)["I-1"] == 7_000

    receive(two(words, number=3))

    assert left(rows) == {"I-1": 10_000, "I-2": 4_000}


def test_what_vanished_comes_back_as_it_was(receive, rows, words):
    receive(two(words, number=1))
    receive(words.Export(receivables=two(words, number=2).receivables[:1], number=2))
    assert left(rows) == {"I-1": 10_000}

    receive(two(words, number=3))

    assert left(rows) == {"I-1": 10_000, "I-2": 4_000}


def test_what_is_known_may_not_be_named_twice(receive, words):
    receive(two(words, number=1))
    one, other = two(words, number=2).receivables

    run = receive(words.Export(receivables=(one, other, one), number=2))
    assert [(each.code, "R-1" in each.message) for each in run.problems] == [("duplicate", True)]


def test_totals_count_what_is_only_named(receive, words):
    receive(two(words, number=1))

    assert receive(two(words, number=2, said={"principal": "140.01"})).problems[0].code == "totals"
    assert receive(two(words, number=2, said={"instalments": 1})).problems[0].code == "totals"
    assert receive(two(words, number=2)).state is RunState.APPLIED


def test_totals_of_what_is_only_named_hold_all_that_stands_in_it(receive, words):
    """Closed instalments, operations and documents too: the file has them, whatever the gmina's tables make of them."""

    def file(number, **said):
        paid = words.instalment("I-2", principal="0.00", interest="0.07", costs="11.60", closed="true")
        parts = (words.liability("P-1"), words.instalment("I-1"), paid, words.operation("O-1", "-3.50"))
        whole = words.receivable("R-1", *parts, words.document("D-1"))
        return words.Export(receivables=(whole,), number=number, said=said)

    receive(file(1))
    right = {
        "receivables": 1, "liabilities": 1, "instalments": 2, "operations": 1, "documents": 1,
        "principal": "100.00", "interest": "0.07", "costs": "11.60", "operations-amount": "-3.50",
    }  # fmt: skip
    wrong = {name: value + 1 if isinstance(value, int) else "5.55" for name, value in right.items()}

    for name in right:
        run = receive(file(2, **{name: wrong[name]}))
        assert [problem.code for problem in run.problems] == ["totals"], name
    assert receive(file(2, **right)).counts == {}


def test_the_other_leg_of_a_rebooking_may_stand_in_a_known_receivable(receive, words):
    def legs(number, title="Podatek 2026"):
        one = words.operation("O-1", "-10.00", kind="rebooking", counterpart="O-2", document="PK 1")
        other = words.operation("O-2", "10.00", kind="rebooking", counterpart="O-1", document="PK 1")
        return words.Export(
            receivables=(
                words.receivable("R-1", words.liability("P-1"), words.instalment("I-1"), one, title=title),
                words.receivable("R-2", words.liability("P-1"), words.instalment("I-2"), other),
            ),
            number=number,
        )

    receive(legs(1))

    assert receive(legs(2, title="Podatek 2026, korekta")).state is RunState.APPLIED


def test_an_operation_that_is_gone_inside_a_changed_receivable_is_closed(receive, rows, words):
    def file(number, *operations):
        whole = words.receivable("R-1", words.liability("P-1"), words.instalment("I-1"), *operations)
        return words.Export(receivables=(whole,), number=number)

    receive(file(1, words.operation("O-1", "-10.00"), words.operation("O-2", "-5.00")))
    receive(file(2, words.operation("O-1", "-10.00")))

    assert rows("SELECT external_id FROM operations WHERE closed_at IS NULL") == [("O-1",)]


@pytest.mark.parametrize("mixed", [
    lambda head, *parts: (*parts, head),
    lambda head, *parts: (head._replace(external_id="R-1"), *parts),
    lambda head, liability, instalment: (head, liability, instalment._replace(receivable="R-1")),
    lambda head, *parts: (head, *parts, OverpaymentRow(head.line, "NP-1", "P-1", head.external_id, 500, DAY, False)),
])  # fmt: skip
def test_a_plugin_that_breaks_its_promise_harms_its_file_only(receive, rows, words, monkeypatch, mixed):
    receive(two(words, number=1))
    read = Walk.rows_of
    monkeypatch.setattr(Walk, "rows_of", lambda self, node: iter(mixed(*read(self, node))))

    run = receive(two(words, number=2, second="50.00"))
    assert (run.state, run.message) == (RunState.REFUSED, "Wtyczka nie umiała przeczytać tego pliku.")
    assert left(rows)["I-2"] == 4_000


def test_a_block_that_is_known_under_another_name_harms_its_file_only(receive, rows, words, monkeypatch):
    receive(two(words, number=1))
    monkeypatch.setattr(Whole, "external_id", property(lambda self: "R-9", lambda self, value: None))

    assert receive(two(words, number=2)).state is RunState.REFUSED
    assert left(rows) == {"I-1": 10_000, "I-2": 4_000}


def test_a_release_that_reads_otherwise_looks_at_everything_again(receive, rows, words, staged, monkeypatch):
    receive(two(words, number=1))
    monkeypatch.setattr(PumaFinanceSystem, "reading", PumaFinanceSystem.reading + 1)

    receive(two(words, number=2))
    assert staged()["receivables"] == 2
    assert "same" not in staged()

    receive(two(words, number=3))
    assert staged()["same"] == 2


def test_other_columns_make_everything_be_looked_at_again(receive, words, staged, monkeypatch):
    receive(two(words, number=1))
    monkeypatch.setitem(staging.TABLES, "documents", staging.TABLES["documents"] + ", another varchar")

    receive(two(words, number=2))

    assert staged()["receivables"] == 2
    assert "same" not in staged()


def assigned(words, number, where, kind="full", names=("R-1", "R-2"), **titles):
    """A file in which O-1 and D-1 stand in `where`, if anywhere."""
    parts = (words.operation("O-1", "-10.00"), words.document("D-1"))
    return words.Export(
        receivables=tuple(
            words.receivable(
                own,
                words.liability("P-1"),
                words.instalment(f"I-{own}"),
                *(parts if own == where else ()),
                title=titles.get(own.replace("-", ""), "Podatek 2026"),
            )
            for own in names
        ),
        number=number,
        kind=kind,
    )


def places(rows):
    return {
        table: rows(
            f"SELECT r.external_id, d.closed_at IS NULL FROM {table} d JOIN receivables r ON r.id = d.receivable_id"
        )
        for table in ("operations", "documents")
    }


def test_what_an_incremental_file_took_elsewhere_comes_back_with_the_next_full_one(receive, rows, words):
    """It named only where they went; the receivable they left says as before what it had, and is looked at."""
    receive(assigned(words, 1, "R-1"))
    receive(assigned(words, 2, "R-2", kind="incremental", names=("R-2",)))
    assert places(rows) == {"operations": [("R-2", True)], "documents": [("R-2", True)]}

    receive(assigned(words, 3, "R-1"))

    assert places(rows) == {"operations": [("R-1", True)], "documents": [("R-1", True)]}


def test_what_was_taken_off_a_receivable_may_be_put_on_another_later(receive, rows, words):
    receive(assigned(words, 1, "R-1"))
    receive(assigned(words, 2, None))
    assert places(rows) == {"operations": [("R-1", False)], "documents": [("R-1", False)]}

    run = receive(assigned(words, 3, "R-2"))

    assert [problem.message for problem in run.problems] == []
    assert places(rows) == {"operations": [("R-2", True)], "documents": [("R-2", True)]}


def rebooked(words, number, one, other):
    """A re-booking of which the file has one leg, the other, or both. None: not even the receivable."""
    parts = {
        "R-1": (one, words.operation("O-1", "-10.00", kind="rebooking", counterpart="O-2", document="PK 1")),
        "R-2": (other, words.operation("O-2", "10.00", kind="rebooking", counterpart="O-1", document="PK 1")),
    }
    return words.Export(
        receivables=tuple(
            words.receivable(own, words.liability("P-1"), words.instalment(f"I-{own}"), *([leg] if has else []))
            for own, (has, leg) in parts.items()
            if has is not None
        ),
        number=number,
    )


def test_the_other_leg_of_a_rebooking_must_not_be_one_that_is_gone(receive, words):
    receive(rebooked(words, 1, True, True))
    assert receive(rebooked(words, 2, False, False)).state is RunState.APPLIED

    run = receive(rebooked(words, 3, False, True))

    assert [(problem.code, problem.message[:19]) for problem in run.problems] == [
        ("one-sided-rebooking", "Przeksięgowanie O-2")
    ]


@pytest.mark.parametrize("other", [False, None])
def test_the_leg_in_a_known_receivable_must_not_be_left_alone(receive, words, other):
    receive(rebooked(words, 1, True, True))

    run = receive(rebooked(words, 2, True, other))

    assert [(problem.code, problem.message[:19]) for problem in run.problems] == [
        ("one-sided-rebooking", "Przeksięgowanie O-1")
    ]
    assert run.problems[0].line is not None
    assert receive(rebooked(words, 2, True, True)).state is RunState.APPLIED
    assert receive(rebooked(words, 3, False, other)).state is RunState.APPLIED
