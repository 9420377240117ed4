"""What changed for one payer between two files: new, changed, closed, come back, and nobody else's."""

from sqlalchemy import select, text

from skarbnik.exchange.changes import compare
from skarbnik.money import Money
from skarbnik.payers.models import Payer
from skarbnik.receivables.models import Kind


def compared(tenant, older, newer, payer="P-1"):
    with tenant.session() as session:
        payer_id = session.scalars(select(Payer.id).where(Payer.external_id == payer)).one()
        return compare(session, payer_id, older=older, newer=newer)


def two_payers(words, *instalments, number, kind="full", **more):
    return words.Export(
        payers=(words.payer("P-1"), words.payer("P-2")),
        receivables=(
            words.receivable("R-1", words.liability("P-1"), *instalments, **more),
            words.receivable("R-2", words.liability("P-2"), words.instalment("I-2", principal=f"{number}.00")),
        ),
        number=number,
        kind=kind,
    )


def test_a_payer_sees_what_their_own_instalments_were_before(receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(two_payers(words, words.instalment("I-1", principal="60.00", due="2026-12-15"), number=2))

    (part,) = compared(tenant, 1, 2).parts

    (change,) = part.instalments
    assert (change.before.principal, change.after.principal) == (Money(10_000), Money(6_000))
    assert (str(change.before.due_on), str(change.after.due_on)) == ("2026-11-15", "2026-12-15")
    assert part.difference == Money(-4_000)
    assert compared(tenant, 1, 2, "P-2").difference == Money(100)


def test_files_in_between_are_skipped_and_what_came_back_is_no_change(receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(two_payers(words, words.instalment("I-1", principal="60.00"), number=2))
    receive(two_payers(words, words.instalment("I-1"), number=3))

    assert compared(tenant, 1, 3).parts == []
    assert compared(tenant, 2, 3).difference == Money(4_000)
    assert compared(tenant, 1, 2).difference == Money(-4_000)


def test_new_closed_and_renamed(receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(two_payers(words, words.instalment("I-9", number=2), number=2, title="Podatek 2026 po zmianie"))

    (part,) = compared(tenant, 1, 2).parts

    assert (part.itself.before.title, part.itself.after.title) == (
        "Podatek od nieruchomości 2026",
        "Podatek 2026 po zmianie",
    )
    closed, new = sorted(part.instalments, key=lambda each: each.before is None)
    assert (closed.before.closed, closed.after.closed, new.before, new.after.closed) == (False, True, None, False)
    assert part.difference == Money(0)


def test_operations_overpayments_and_a_change_of_owner(receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(
        words.Export(
            payers=(words.payer("P-1"), words.payer("P-2")),
            receivables=(
                words.receivable(
                    "R-1", words.liability("P-2"), words.instalment("I-1", principal="50.00"),
                    words.operation("O-1", "-50.00"),
                ),
            ),
            overpayments=(words.overpayment("NP-1", "P-1", "7.00"),),
            number=2,
        )
    )  # fmt: skip

    former, present = compared(tenant, 1, 2, "P-1"), compared(tenant, 1, 2, "P-2")

    assert [each.amount for each in former.parts[0].operations] == [Money(-5_000)]
    assert former.parts[0].liable == "ended"
    assert [each.after.principal for each in former.overpayments] == [Money(700)]
    assert {part.external_id: part.liable for part in present.parts}["R-1"] == "new"


def test_a_full_file_that_forgets_a_receivable_is_told_as_closing_it(receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(words.Export(
        payers=(words.payer("P-1"),), receivables=(), number=2))  # fmt: skip

    (part,) = compared(tenant, 1, 2).parts

    assert part.itself.after.closed
    assert [each.after.closed for each in part.instalments] == [True]


def test_what_was_replaced_two_years_ago_is_forgotten(receive, tenant, words, clean):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(two_payers(words, words.instalment("I-1", principal="60.00"), number=2))
    with tenant.session() as session:  # as if the second file had come long ago: ids tell the time
        session.execute(text("UPDATE replaced_rows SET replaced_by = '00000000-0000-7000-8000-000000000000'"))

    receive(two_payers(words, words.instalment("I-1"), number=3))

    with tenant.session() as session:
        kept = session.execute(text("SELECT count(*), max(principal) FROM replaced_rows WHERE principal < 9000")).one()
    assert kept == (2, 6_000)  # of the third file: P-1's and P-2's


def test_who_works_with_other_kinds_is_told_of_no_change(receive, tenant, words):
    receive(two_payers(words, words.instalment("I-1"), number=1))
    receive(
        words.Export(
            payers=(words.payer("P-1"),),
            receivables=(
                words.receivable(
                    "R-1", words.liability("P-1"), words.instalment("I-1", principal="50.00"),
                    words.operation("O-1", "-50.00"), title="Podatek po zmianie",
                ),
            ),
            overpayments=(words.overpayment("NP-1", "P-1", "7.00"),),
            number=2,
        )
    )  # fmt: skip
    with tenant.session() as session:
        payer_id = session.scalars(select(Payer.id).where(Payer.external_id == "P-1")).one()
        kinds = list(session.scalars(select(Kind.id)))
        nothing = compare(session, payer_id, older=1, newer=2, kinds=[])
        known = compare(session, payer_id, older=1, newer=2, kinds=kinds)
        everything = compare(session, payer_id, older=1, newer=2)
    assert (nothing.parts, nothing.overpayments) == ([], [])
    assert known.parts == everything.parts != []
    assert known.overpayments == [] != everything.overpayments  # it is of no receivable, so of no kind
