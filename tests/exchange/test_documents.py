"""Documents of a receivable: what a file names is there, what a later one does not name is withdrawn."""

import pytest


def export(words, *documents, number=1, receivable="R-1", **more):
    whole = words.receivable(receivable, words.liability("P-1"), words.instalment("I-1"), *documents)
    return words.Export(receivables=(whole,), number=number, **more)


def later(words, *documents, number=2):
    return export(words, *documents, number=number, kind="incremental", payers=(), kinds=())


KEPT = "SELECT external_id, title, left(sha256, 1), closed_at IS NULL FROM documents ORDER BY external_id"


def test_a_document_of_the_first_file_is_there_with_its_run(receive, words, rows):
    run = receive(export(words, words.document("D-1", size=122_880)))

    assert run.counts["documents"] == {"new": 1}
    assert rows(
        "SELECT r.external_id, d.title, d.issued_on::text, d.sha256, d.size, d.run_id, d.arrived_at FROM documents d"
        " JOIN receivables r ON r.id = d.receivable_id"
    ) == [("R-1", "Decyzja wymiarowa", "2026-01-20", "a" * 64, 122_880, run.id, None)]


def test_one_that_a_whole_receivable_does_not_name_any_more_is_withdrawn_and_may_come_back(receive, words, rows):
    receive(export(words, words.document("D-1"), words.document("D-2")))
    assert receive(later(words, words.document("D-2"))).counts["documents"] == {"closed": 1}
    assert rows(KEPT) == [("D-1", "Decyzja wymiarowa", "a", False), ("D-2", "Decyzja wymiarowa", "a", True)]

    assert receive(later(words, words.document("D-1"), words.document("D-2"), number=3)).counts["documents"] == {
        "changed": 1
    }
    assert all(is_open for *_, is_open in rows(KEPT))


def test_a_full_file_withdraws_what_it_does_not_name(receive, words, rows):
    receive(export(words, words.document("D-1")))
    receive(export(words, number=2))

    assert [is_open for *_, is_open in rows(KEPT)] == [False]


def test_other_bytes_are_waited_for_and_another_title_is_not(receive, words, rows, tenant):
    receive(export(words, words.document("D-1"), words.document("D-2")))
    rows("UPDATE documents SET arrived_at = now() RETURNING id")
    receive(later(words, words.document("D-1", "b" * 64), words.document("D-2", title="Decyzja zmieniająca")))

    assert rows("SELECT external_id, title, left(sha256, 1), arrived_at IS NOT NULL FROM documents ORDER BY 1") == [
        ("D-1", "Decyzja wymiarowa", "b", False),
        ("D-2", "Decyzja zmieniająca", "a", True),
    ]


def test_the_same_file_again_changes_no_document(receive, words, checksum):
    receive(export(words, words.document("D-1")))
    before = checksum()["documents"]
    run = receive(export(words, words.document("D-1"), number=2))

    assert "documents" not in run.counts
    assert checksum()["documents"] == before


def test_a_document_named_twice_is_refused(receive, words, rows):
    run = receive(export(words, words.document("D-1"), words.document("D-1", "b" * 64)))

    assert [(each.code, each.message) for each in run.problems] == [
        ("duplicate", "Dokumenty: identyfikator D-1 występuje więcej niż raz.")
    ]
    assert rows(KEPT) == []


def test_a_file_that_counts_its_documents_wrongly_is_refused(receive, words):
    run = receive(export(words, words.document("D-1"), said={"documents": 2}))

    assert [each.message for each in run.problems] == ["Dokumenty: plik zapowiada 2, a zawiera 1."]


def test_a_file_that_does_not_count_them_is_taken(receive, words, rows):
    receive(export(words, words.document("D-1"), said={"documents": None}))

    assert len(rows(KEPT)) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"sha256": "../../etc/passwd"}, "sha256"), ({"size": 20 * 1024**2 + 1}, "size"), ({"issued": "x"}, "day")],
)
def test_a_broken_one_is_refused_with_its_line_and_reason(receive, words, wrong, code):
    body = export(words, words.document("D-1", **wrong)).body()
    run = receive(body)

    (problem,) = run.problems
    assert (problem.code, problem.line) == (code, body[: body.index(b"<document")].count(b"\n") + 1)
    assert problem.message.startswith("Dokument D-1: atrybut")
