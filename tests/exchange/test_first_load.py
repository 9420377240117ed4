"""The first file of a source goes into the gmina while it is being read; what it says comes out the same."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from skarbnik import clock
from skarbnik.exchange import checks, staging
from skarbnik.exchange.merge import Merge
from skarbnik.plugin_api import (
    ImportKind,
    InstalmentRow,
    KindRow,
    LiabilityRole,
    LiabilityRow,
    OperationKind,
    OperationRow,
    PayerKind,
    PayerRow,
    ReceivableRow,
    Regime,
)

TODAY = clock.today()


@pytest.fixture(autouse=True)
def each_row_a_piece(monkeypatch):
    monkeypatch.setattr(staging, "PIECE", 1)


@pytest.fixture
def load(tenant, session):
    """`load(rows)`: stage, check and merge them in the test's transaction. The problems, or what became new."""

    def take(rows):
        connection = session.connection().connection.driver_connection
        run_id = uuid4()
        stage = staging.Stage(connection, tenant, "puma")
        merge = Merge(connection, source="puma", run_id=run_id, now=clock.now(), owner="Gmina", key_version=1)
        assert merge.is_first
        stage.fill(rows, early=merge.take_early)
        problems = checks.check_stage(connection, "puma", run_id, ImportKind.FULL)
        return problems or merge.finish(ImportKind.FULL, stage.counted.numbers).counts

    return take


def payer(line, external_id):
    return PayerRow(line, external_id, PayerKind.PERSON, "Kowalska Anna", *[None] * 9)


def receivable(line, external_id, parent=None):
    return ReceivableRow(line, external_id, "POD", parent, "Podatek", *[None] * 5, False)


def liable(line, external_id, payer_id="P-1"):
    return LiabilityRow(line, external_id, payer_id, LiabilityRole.OWNER, 1, 1, None, None)


def instalment(line, external_id, receivable_id):
    return InstalmentRow(line, external_id, receivable_id, 1, TODAY, 100, 100, 0, 0, False)


def charge(line, external_id, receivable_id, instalment_id):
    amounts = (100, 0, 0)
    return OperationRow(
        line, external_id, receivable_id, instalment_id, OperationKind.CHARGE, TODAY, TODAY, "D", *amounts, None, None
    )


KIND = KindRow(1, "POD", "Podatek", Regime.TAX, None)


def test_rows_that_name_later_ones_find_them(load, session):
    counts = load(
        [
            liable(2, "R-2"),
            instalment(3, "I-2", "R-2"),
            charge(4, "O-1", "R-2", "I-2"),
            receivable(5, "R-1", parent="R-2"),
            liable(6, "R-1"),
            instalment(7, "I-1", "R-1"),
            receivable(8, "R-2"),
            payer(9, "P-1"),
            KIND,
        ]
    )

    assert {table: numbers["new"] for table, numbers in counts.items()} == {
        "payers": 1,
        "receivables": 2,
        "liabilities": 2,
        "instalments": 2,
        "operations": 1,
    }
    found = session.execute(
        text("SELECT i.external_id FROM operations o JOIN instalments i ON i.id = o.instalment_id")
    ).scalars()
    assert list(found) == ["I-2"]
    parent = text("SELECT p.external_id FROM receivables r JOIN receivables p ON p.id = r.parent_id")
    assert session.execute(parent).scalars().all() == ["R-2"]


def test_a_receivable_that_comes_twice_is_listed_with_its_parts(load):
    twice = [
        receivable(3, "R-1"),
        liable(4, "R-1"),
        receivable(5, "R-1"),
        liable(6, "R-1"),
        instalment(7, "I-1", "R-1"),
    ]

    problems = load([KIND, payer(2, "P-1"), *twice])

    assert [(problem.line, problem.code) for problem in problems] == [(3, "duplicate"), (4, "duplicate")]


def test_a_kind_and_a_payer_nobody_described_are_listed(load):
    problems = load([receivable(3, "R-1"), liable(4, "R-1"), instalment(5, "I-1", "R-1")])

    assert [(problem.line, problem.code) for problem in problems] == [(3, "unknown-kind"), (4, "unknown-payer")]


def test_a_first_load_leaves_the_digests_to_the_next_full_file(receive, words, rows):
    learnt = "SELECT count(*) FILTER (WHERE block IS NULL), count(*) FROM receivables"
    receive(words.Export())
    assert rows(learnt) == [(1, 1)]

    assert receive(words.Export(number=2)).counts == {}
    assert rows(learnt) == [(0, 1)]
