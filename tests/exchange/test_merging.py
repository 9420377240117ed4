"""What the finance system says becomes what the gmina shows, and what the office has decided stays."""

import pytest
from sqlalchemy import text

from skarbnik.exchange.states import RunState


@pytest.fixture
def town(words):
    """Two co-owners, two instalments, a reminder with its cost, a payer merged into another, a re-booking."""
    return words.Export(
        payers=(
            words.payer("P-1", "Kowalska Anna", street="Lipowa 7", postal_code="11-100", city="Lipowo"),
            words.payer("P-2", "Kowalski Jan"),
            words.payer("P-9", "Kowalska A.", merged_into="P-1"),
        ),
        receivables=(
            words.receivable(
                "R-1",
                words.liability("P-1", "co_owner", 1, 2),
                words.liability("P-2", "co_owner", 1, 2),
                words.instalment("I-1", "120.50", interest="3.00"),
                words.instalment("I-2", "140.00", number=2, due="2026-12-15"),
                words.operation("O-1", "260.50", kind="charge"),
                words.operation("O-3", "20.00", kind="rebooking", instalment="I-1", counterpart="O-4"),
                words.operation("O-4", "-20.00", kind="rebooking", instalment="I-2", counterpart="O-3"),
            ),
            words.receivable(
                "R-2",
                words.liability("P-1"),
                words.instalment("I-3", "0.00", costs="16.00"),
                kind="UPOMN",
                parent="R-1",
            ),
        ),
        overpayments=(words.overpayment("NP-1", "P-2", "12.00"),),
    )


def test_a_merged_payer_names_who_it_became(receive, town, rows):
    receive(town)

    assert rows(
        "SELECT p.external_id, m.external_id FROM payers p LEFT JOIN payers m ON m.id = p.merged_into ORDER BY 1"
    ) == [("P-1", None), ("P-2", None), ("P-9", "P-1")]


MERGED = "SELECT p.external_id, m.external_id FROM payers p JOIN payers m ON m.id = p.merged_into ORDER BY 1"
KNOWN_AS = """
    SELECT p.external_id, array_agg(f.external_id ORDER BY f.external_id)
    FROM payers p JOIN payers f ON f.id = ANY (p.merged_from) GROUP BY 1 ORDER BY 1
"""


def test_a_chain_of_merges_is_one_step_to_its_end(receive, words, rows):
    chain = (words.payer("P-7", merged_into="P-8"), words.payer("P-8", merged_into="P-9"))
    receive(words.Export(payers=(words.payer("P-1"), *chain, words.payer("P-9", merged_into="P-1"))))

    assert rows(MERGED) == [("P-7", "P-1"), ("P-8", "P-1"), ("P-9", "P-1")]
    assert rows(KNOWN_AS) == [("P-1", ["P-7", "P-8", "P-9"])]


def test_a_later_merge_takes_along_who_was_merged_before(receive, words, rows):
    receive(words.Export(payers=(words.payer("P-1"), words.payer("P-8"), words.payer("P-9", merged_into="P-8"))))
    receive(
        words.Export(
            payers=(words.payer("P-8", merged_into="P-1"),), receivables=(), kinds=(), number=2, kind="incremental"
        )
    )

    assert rows(MERGED) == [("P-8", "P-1"), ("P-9", "P-1")]
    assert rows(KNOWN_AS) == [("P-1", ["P-8", "P-9"])]


def test_a_merge_that_was_a_mistake_is_undone(receive, words, rows):
    first = words.payer("P-9", merged_into="P-8")
    receive(words.Export(payers=(words.payer("P-1"), words.payer("P-8", merged_into="P-1"), first)))
    receive(words.Export(payers=(words.payer("P-1"), words.payer("P-8"), first), number=2))

    assert rows(MERGED) == [("P-9", "P-8")]
    assert rows(KNOWN_AS) == [("P-8", ["P-9"])]


@pytest.mark.parametrize(
    ("later", "ends"),
    [(None, [("P-9", "P-8")]), ("P-2", [("P-8", "P-2"), ("P-9", "P-2")])],
    ids=["taken back", "moved"],
)
def test_a_step_taken_back_takes_along_who_was_merged_before_it(receive, words, rows, later, ends):
    people = (words.payer("P-1"), words.payer("P-2"), words.payer("P-8", merged_into="P-1"))
    receive(words.Export(payers=(*people, words.payer("P-9", merged_into="P-8"))))
    for number in (2, 3):
        changed = words.payer("P-8", merged_into=later)
        receive(words.Export(payers=(changed,), receivables=(), kinds=(), number=number, kind="incremental"))

        assert rows(MERGED) == ends
    assert rows(KNOWN_AS) == [(ends[-1][1], [external_id for external_id, _ in ends])]


def test_a_payer_who_is_no_longer_exported_stays_merged(receive, words, rows):
    receive(words.Export(payers=(words.payer("P-1"), words.payer("P-9", merged_into="P-1"))))
    receive(words.Export(payers=(words.payer("P-1"),), number=2))

    assert rows(MERGED) == [("P-9", "P-1")]


def test_payers_merged_in_a_circle_are_refused(receive, words, rows, checksum):
    receive(words.Export(payers=(words.payer("P-1"), words.payer("P-8"), words.payer("P-9", merged_into="P-8"))))
    before = checksum()
    run = receive(
        words.Export(
            payers=(words.payer("P-8", merged_into="P-9"), words.payer("P-9", merged_into="P-8")),
            receivables=(),
            kinds=(),
            number=2,
            kind="incremental",
        )
    )

    assert [(problem.code, problem.line) for problem in run.problems] == [
        ("merged-in-a-circle", line) for line in sorted(problem.line for problem in run.problems)
    ]
    assert len(run.problems) == 2
    assert "koło" in run.problems[0].message
    assert checksum() == before


def test_a_rebooking_nets_to_zero(receive, town, rows):
    receive(town)

    assert rows("SELECT count(*), sum(principal)::int FROM operations WHERE kind = 'rebooking'") == [(2, 0)]


def test_an_incremental_file_changes_what_it_names_and_leaves_the_rest(receive, town, rows, words):
    owner, cheaper = words.liability("P-1"), words.instalment("I-3", "0.00", costs="10.00")
    receive(town)
    run = receive(
        words.Export(
            payers=(),
            receivables=(words.receivable("R-2", owner, cheaper, kind="UPOMN", parent="R-1"),),
            kinds=(),
            number=2,
            kind="incremental",
        )
    )  # fmt: skip

    assert run.counts == {"instalments": {"changed": 1}}
    assert rows("SELECT external_id, costs FROM instalments WHERE costs > 0") == [("I-3", 1_000)]
    assert rows("SELECT count(*) FROM receivables WHERE closed_at IS NULL") == [(2,)]


def test_a_new_owner_takes_over_and_the_old_one_is_closed(receive, words, rows):
    payers = (words.payer("P-1"), words.payer("P-2", "Nowak Piotr"))
    receive(words.Export(payers=payers))
    receive(
        words.Export(
            payers=payers,
            receivables=(words.receivable("R-1", words.liability("P-2"), words.instalment("I-1")),),
            number=2,
        )
    )

    assert rows(
        "SELECT p.external_id, l.closed_at IS NULL FROM liabilities l JOIN payers p ON p.id = l.payer_id ORDER BY 1"
    ) == [("P-1", False), ("P-2", True)]


def test_the_order_and_switches_the_office_gave_a_kind_stay(receive, town, rows, tenant):
    receive(town)
    with tenant.session() as session:
        session.execute(text("UPDATE kinds SET online = false, position = 5 WHERE code = 'PODN'"))
    town.number, town.kinds = 2, tuple(kind.replace("Podatek od", "Podatek nowy od") for kind in town.kinds)
    receive(town)

    assert rows("SELECT title, online, position FROM kinds WHERE code = 'PODN'") == [
        ("Podatek nowy od nieruchomości", False, 5)
    ]


def test_the_account_the_office_gave_a_kind_stays_until_the_finance_system_names_another(receive, town, rows, tenant):
    """Money goes where the office said last, or the finance system: not back with every file that says nothing new."""
    said, other = "61109010140000071219812874", "27114020040000300201355387"
    chosen = (
        "SELECT a.nrb FROM kinds k LEFT JOIN creditor_accounts a ON a.id = k.creditor_account_id WHERE k.code = 'PODN'"
    )
    receive(town)
    assert rows(chosen) == [(said,)]
    with tenant.session() as session:
        session.execute(text("UPDATE kinds SET creditor_account_id = NULL WHERE code = 'PODN'"))

    town.number, town.kinds = 2, tuple(kind.replace("Podatek od", "Podatek nowy od") for kind in town.kinds)
    receive(town)
    assert rows(chosen) == [(None,)]

    town.number, town.kinds = 3, tuple(kind.replace(said, other) for kind in town.kinds)
    receive(town)
    assert rows(chosen) == [(other,)]


def test_a_letter_that_means_something_to_the_database_is_only_a_letter(receive, words, rows):
    name = "O'Brien \\ \\N {x} %s"
    receive(words.Export(payers=(words.payer("P-1", name),)))

    assert rows("SELECT name FROM payers") == [(name,)]


def test_an_operation_assigned_anew_is_shown_where_it_is_now(receive, words, rows):
    owner = words.liability("P-1")

    def books(number, first, second):
        return words.Export(
            receivables=(
                words.receivable("R-1", owner, words.instalment("I-1"), *first),
                words.receivable("R-2", owner, words.instalment("I-2"), *second),
            ),
            overpayments=(words.overpayment("NP-1", "P-1", "5.00", receivable="R-1" if first else "R-2"),),
            number=number,
        )

    receive(books(1, (words.operation("O-1", "-5.00"),), ()))
    receive(books(2, (), (words.operation("O-1", "-5.00", instalment="I-2"),)))

    assert rows(
        "SELECT r.external_id, i.external_id FROM operations o JOIN receivables r ON r.id = o.receivable_id"
        " LEFT JOIN instalments i ON i.id = o.instalment_id"
    ) == [("R-2", "I-2")]
    assert rows("SELECT r.external_id FROM overpayments o JOIN receivables r ON r.id = o.receivable_id") == [("R-2",)]


@pytest.mark.parametrize("title", ["Podatek od nieruchomości 2026", "Korekta"])
def test_a_payer_who_is_left_out_and_still_named_is_not_closed(receive, words, rows, title):
    """Whether the receivable that names them is a known block or is looked at."""

    def file(number, *payers, names=("P-1", "P-2")):
        liable = [words.receivable(f"R-{each}", words.liability(each), title=title) for each in names]
        return words.Export(payers=tuple(map(words.payer, payers)), receivables=tuple(liable), number=number)

    still = "SELECT external_id FROM payers WHERE closed_at IS NULL ORDER BY 1"
    receive(words.Export())
    receive(file(2, "P-1", "P-2"))
    assert receive(file(3, "P-1")).state is RunState.APPLIED
    assert rows(still) == [("P-1",), ("P-2",)]

    receive(file(4, "P-1", names=("P-1",)))
    assert rows(still) == [("P-1",)]
