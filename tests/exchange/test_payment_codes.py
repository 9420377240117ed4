"""The code printed on a decision comes with its receivable, and belongs to one at a time."""

import pytest
from sqlalchemy import text

from skarbnik.exchange.states import RunState

CODE, OTHER = "K7QP2M9XW4AB", "ZZZZ2222YYYY"


@pytest.fixture
def codes(tenant):
    """Code by receivable, of those that have one."""

    def read():
        with tenant.session() as session:
            found = session.execute(text("SELECT external_id, payment_code FROM receivables ORDER BY 1"))
            return {each.external_id: each.payment_code for each in found if each.payment_code}

    return read


@pytest.fixture
def debt(words):
    def make(own, code=None, **more):
        rows = (words.liability("P-1"), words.instalment(f"{own}-1"))
        return words.receivable(own, *rows, payment_code=code, **more)

    return make


@pytest.fixture
def file(words):
    def make(*receivables, **more):
        return words.Export(receivables=receivables, **more)

    return make


def test_a_code_comes_changes_and_goes_with_its_receivable(receive, file, debt, codes):
    receive(file(debt("R-1", CODE), debt("R-2")))
    assert codes() == {"R-1": CODE}
    receive(file(debt("R-1", OTHER), debt("R-2"), number=2))
    assert codes() == {"R-1": OTHER}
    receive(file(debt("R-1"), debt("R-2"), number=3))
    assert codes() == {}


def test_receivables_swap_their_codes(receive, file, debt, codes):
    receive(file(debt("R-1", CODE), debt("R-2", OTHER)))
    run = receive(file(debt("R-1", OTHER), debt("R-2", CODE), number=2))

    assert run.state is RunState.APPLIED
    assert codes() == {"R-1": OTHER, "R-2": CODE}


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_a_new_receivable_gets_the_code_of_one_that_is_closed_in_the_same_file(receive, file, debt, codes, kind):
    receive(file(debt("R-1", CODE)))
    more = {"kinds": (), "payers": ()} if kind == "incremental" else {}
    run = receive(file(debt("R-1", closed="true"), debt("R-2", CODE), number=2, kind=kind, **more))

    assert run.state is RunState.APPLIED
    assert codes() == {"R-2": CODE}


def test_a_full_file_gives_on_the_code_of_what_it_no_longer_has(receive, file, debt, codes):
    receive(file(debt("R-1", CODE), debt("R-3"), debt("R-4"), debt("R-5")))
    run = receive(file(debt("R-2", CODE), debt("R-3"), debt("R-4"), debt("R-5"), number=2))

    assert run.state is RunState.APPLIED
    assert codes() == {"R-2": CODE}


@pytest.mark.parametrize("first", [True, False])
def test_two_receivables_with_one_code_are_refused(receive, file, debt, codes, first):
    number = 1 if first else 2
    if not first:
        receive(file(debt("R-9")))
    run = receive(file(debt("R-1", CODE), debt("R-2", CODE), number=number))

    assert run.state is RunState.REFUSED
    assert [each.code for each in run.problems] == ["payment-code-twice"]
    assert CODE not in run.problems[0].message
    assert codes() == {}


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_a_code_that_another_open_receivable_has_is_refused(receive, file, debt, codes, kind):
    """In a full file the other one stands unchanged, so nobody looks into it."""
    receive(file(debt("R-1", CODE)))
    same = (debt("R-1", CODE),) if kind == "full" else ()
    more = {"kinds": (), "payers": ()} if kind == "incremental" else {}
    run = receive(file(*same, debt("R-2", CODE), number=2, kind=kind, **more))

    assert run.state is RunState.REFUSED
    assert [each.code for each in run.problems] == ["payment-code-twice"]
    assert codes() == {"R-1": CODE}


@pytest.mark.parametrize("code", ["SHORT12", "A" * 33, "k7qp2m9xw4ab", "K7QP 2M9X", "K7QP-2M9X", "ŻÓŁĆŻÓŁĆ", ""])
def test_what_is_no_code_is_refused_with_its_line(receive, file, debt, code):
    run = receive(file(debt("R-1", code)))

    assert run.state is RunState.REFUSED
    assert [each.code for each in run.problems] == ["payment_code"]
