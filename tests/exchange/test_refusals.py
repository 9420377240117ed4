"""A file that is not whole and right is refused: every reason is listed, and nothing has changed."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest
import structlog

from skarbnik.exchange import tasks
from skarbnik.exchange.checks import check_totals
from skarbnik.exchange.states import RunState
from skarbnik.exchange.tasks import spool_of
from skarbnik.plugin_api import LiabilityRow, Totals
from skarbnik_puma.rows import Walk
from skarbnik_puma.system import PumaFinanceSystem


@pytest.fixture
def filled(receive, words):
    """File 1 was read."""
    assert receive(words.Export(payers=(words.payer("P-1"), words.payer("P-2")))).state is RunState.APPLIED


@pytest.fixture
def refused(receive, checksum, tenant):
    """The report of a file that must be refused, with everything that goes with a refusal."""

    def go(export):
        before = checksum()
        with structlog.testing.capture_logs() as logged:
            run = receive(export)
        assert run.state is RunState.REFUSED
        assert checksum() == before
        assert run.message
        assert run.finished_at is not None
        assert [entry["event"] for entry in logged if entry["log_level"] == "warning"] == ["import.refused"]
        spool = spool_of(tenant, "puma")
        assert (spool.root / "refused" / run.file_name).is_file()
        assert not spool.has_arrivals()
        return {problem.code for problem in run.problems}, run

    return go


def test_a_truncated_file_at_any_place(refused, filled, words):
    body = words.Export(number=2).body()
    for end in (60, len(body) // 3, len(body) // 2, body.index(b"</receivables>"), len(body) - 12):
        codes, run = refused(body[:end])
        assert codes
        assert all(problem.line for problem in run.problems)


@pytest.mark.parametrize(("number", "code"), [(1, "old-number"), (3, "missing-number"), (99, "missing-number")])
def test_a_file_out_of_order(refused, filled, words, number, code):
    assert refused(words.Export(number=number, kind="incremental"))[0] == {code}


def test_the_very_same_file_a_second_time(refused, filled, words):
    assert refused(words.Export(payers=(words.payer("P-1"), words.payer("P-2"))))[0] == {"old-number"}


def test_a_first_file_that_is_not_full(refused, words):
    assert refused(words.Export(kind="incremental"))[0] == {"first-not-full"}


def test_a_file_of_another_gmina(refused, filled, words):
    codes, run = refused(words.Export(number=2, tenant="PL-DEBINA"))

    assert codes
    assert "DEBINA" not in run.message or "gmin" in run.message.lower()


@pytest.mark.parametrize("encoding", ["windows-1250", "iso-8859-2", "utf-16"])
def test_a_file_in_another_encoding(refused, filled, words, encoding):
    text = words.Export(number=2, payers=(words.payer("P-1", "Żółć"),)).body().decode()
    for body in (text.encode(encoding, "replace"), text.replace("UTF-8", encoding, 1).encode(encoding, "replace")):
        assert refused(body)[0]


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE export [<!ENTITY a "aaaa">]>',
        '<!DOCTYPE export SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE export [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>',
    ],
)
def test_a_file_with_a_document_type(refused, filled, words, dtd):
    body = words.Export(number=2).body().replace(b"?>\n", f"?>\n{dtd}\n".encode(), 1)

    assert refused(body)[0]


@pytest.mark.parametrize(
    "said",
    [{"payers": 3}, {"kinds": 1}, {"receivables": 0}, {"liabilities": 2}, {"instalments": 2}, {"operations": 1},
     {"overpayments": 1}, {"principal": "100.01"}, {"interest": "0.01"}, {"costs": "1.00"},
     {"operations-amount": "-1.00"}, {"overpayments-amount": "0.01"}],
)  # fmt: skip
def test_a_file_that_does_not_hold_what_it_says(refused, filled, words, said):
    codes, run = refused(words.Export(number=2, said=said))

    assert codes == {"totals"}
    assert len(run.problems) == 1


def test_a_file_with_many_wrong_totals_names_them_all(refused, filled, words):
    _codes, run = refused(words.Export(number=2, said={"payers": 9, "principal": "9.00", "costs": "9.00"}))

    assert len(run.problems) == 3


def dangling(words):
    """One file for each way to refer to something that is not there."""
    owner, part = words.liability("P-1"), words.instalment("I-1")
    make = words.receivable
    elsewhere = words.operation("O-1", "1.00", instalment="I-77")
    astray = words.operation("O-1", "1.00", instalment="I-1")  # of R-1, in R-2
    one_leg = words.operation("O-1", "5.00", kind="rebooking", counterpart="O-2")
    return {
        "unknown-kind": {"receivables": (make("R-1", owner, part, kind="NIEMA"),)},
        "unknown-parent": {"receivables": (make("R-1", owner, part, parent="R-77"),)},
        "unknown-payer": {"receivables": (make("R-1", words.liability("P-77"), part),)},
        "nobody-liable": {"receivables": (make("R-1", part),)},
        "unknown-merged": {"payers": (words.payer("P-1", merged_into="P-77"),)},
        "unknown-instalment": {"receivables": (make("R-1", owner, part, elsewhere),)},
        "instalment-of-another": {"receivables": (make("R-1", owner, part), make("R-2", owner, astray))},
        "overpayment-payer": {"overpayments": (words.overpayment("NP-1", "P-77", "1.00"),)},
        "overpayment-receivable": {"overpayments": (words.overpayment("NP-1", "P-1", "1.00", receivable="R-77"),)},
        "foreign-row": {"receivables": (make("R-2", owner, part), make("R-1", owner, words.instalment("I-5")))},
        "one-sided-rebooking": {
            "receivables": (make("R-1", owner, part, one_leg),)
        },
        "duplicate": {"payers": (words.payer("P-1"), words.payer("P-1", "Inna"))},
    }  # fmt: skip


KINDS_OF_DANGLING = [
    "unknown-kind", "unknown-parent", "unknown-payer", "nobody-liable", "unknown-merged", "unknown-instalment",
    "instalment-of-another", "overpayment-payer", "overpayment-receivable", "foreign-row", "one-sided-rebooking",
    "duplicate",
]  # fmt: skip


def test_an_operation_that_names_an_instalment_of_another_receivable_we_already_have(refused, filled, words):
    stray = words.receivable("R-2", words.liability("P-1"), words.operation("O-1", "1.00", instalment="I-1"))
    codes, run = refused(words.Export(number=2, kind="incremental", receivables=(stray,)))

    assert codes == {"instalment-of-another"}
    assert run.problems[0].message == "Operacja O-1: rata I-1 należy do innej należności niż R-2."


@pytest.mark.parametrize("code", KINDS_OF_DANGLING)
def test_a_file_that_refers_to_what_is_not_there(refused, filled, words, code):
    codes, run = refused(words.Export(number=2, **dangling(words)[code]))

    assert code in codes
    assert all(problem.line for problem in run.problems)


@pytest.mark.parametrize(
    "table",
    ["kinds", "payers", "receivables", "liabilities", "instalments", "operations", "overpayments"],
)
def test_a_file_with_the_same_id_twice(refused, filled, words, table):
    owner, part, paid = words.liability("P-1"), words.instalment("I-1"), words.operation("O-1", "-1.00")
    doubled = {
        "kinds": {"kinds": words.KINDS + words.KINDS[:1]},
        "payers": {"payers": (words.payer("P-1"),) * 2},
        "receivables": {"receivables": (words.receivable("R-1", owner, part), words.receivable("R-1", owner))},
        "liabilities": {"receivables": (words.receivable("R-1", owner, owner, part),)},
        "instalments": {"receivables": (words.receivable("R-1", owner, part, part),)},
        "operations": {"receivables": (words.receivable("R-1", owner, part, paid, paid),)},
        "overpayments": {"overpayments": (words.overpayment("NP-1", "P-1", "1.00"),) * 2},
    }[table]

    codes, run = refused(words.Export(number=2, **doubled))
    assert "duplicate" in codes
    assert all(problem.line for problem in run.problems)


@pytest.mark.parametrize(("first", "second"), [("5.00", "-4.00"), ("5.00", "5.00")], ids=["not-to-zero", "both-raise"])
def test_a_rebooking_whose_sides_do_not_cancel(refused, filled, words, first, second):
    legs = (
        words.operation("O-1", first, kind="rebooking", counterpart="O-2"),
        words.operation("O-2", second, kind="rebooking", counterpart="O-1"),
    )
    codes, _run = refused(
        words.Export(
            number=2, receivables=(words.receivable("R-1", words.liability("P-1"), words.instalment("I-1"), *legs),)
        )
    )

    assert codes == {"one-sided-rebooking"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'due="2026-11-15"', b'due="2026-02-30"'),
        (b'charged="100.00"', b'charged="1e5"'),
        (b'charged="100.00"', b'charged="-100.00"'),
        (b'part="1"', b'part="2"'),
        (b'part="1"', b'part="0"'),
        (b'role="owner"', b'role="boss"'),
        (b'id="P-1"', b'id=""'),
        (b'id="P-1"', b'id="P 1"'),
        (b'name="Kowalska Anna"', b'name="' + b"x" * 300 + b'"'),
        (b'name="Kowalska Anna"', b'name="a" pesel="44051401358"'),
        (b"<payers>", b"<payers><stranger/>"),
        (b'number="2"', b'number="2" extra="1"'),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_right(refused, filled, words, old, new):
    body = words.Export(number=2).body()
    assert old in body
    codes, run = refused(body.replace(old, new, 1))

    assert codes
    assert any(problem.line for problem in run.problems)


def test_every_problem_of_a_file_is_listed_with_its_line(refused, filled, words):
    many = tuple(
        words.receivable(f"R-{n}", words.liability(f"P-{n + 70}"), words.instalment(f"I-{n}"), kind="NIEMA")
        for n in range(5)
    )
    export = words.Export(number=2, receivables=many)
    _codes, run = refused(export)

    lines = export.body().decode().splitlines()
    assert len(run.problems) == 10
    for problem in run.problems:
        what = "liability" if problem.code == "unknown-payer" else "receivable"
        assert lines[problem.line - 1].startswith(f"<{what} ")
    assert [problem.line for problem in run.problems] == sorted(problem.line for problem in run.problems)


def test_a_refusal_names_ids_and_never_people(refused, filled, words):
    export = words.Export(
        number=2, payers=(words.payer("P-1", "Tajemnicza Zofia", pesel="44051401359", merged_into="P-77"),)
    )
    _codes, run = refused(export)
    said = run.message + "".join(problem.message for problem in run.problems)

    assert "P-77" in said
    assert not re.search(r"Tajemnicza|44051401359", said)


@pytest.mark.parametrize("body", [b"", b"not xml", b"<other/>", b"\0" * 100, b'<?xml version="1.0"?><export/>'])
def test_something_else_entirely(refused, filled, body):
    refused(body)


@pytest.mark.parametrize("change", [{"role": "uncle"}, {"share_part": 3, "share_whole": 2}, {"role": "u" * 30}])
@pytest.mark.parametrize("number", [1, 2])
def test_a_row_of_a_plugin_that_the_database_will_not_have(refused, receive, words, monkeypatch, change, number):
    """It is that file's fault: repeated again and again, it would keep all files behind it waiting."""
    if number == 2:
        receive(words.Export())
    read = Walk.rows_of

    def spoilt(self, node):
        return (row._replace(**change) if isinstance(row, LiabilityRow) else row for row in read(self, node))

    monkeypatch.setattr(Walk, "rows_of", spoilt)
    corrected = words.receivable("R-1", words.liability("P-1"), words.instalment("I-1"), title="Korekta")

    codes, _run = refused(words.Export(number=number, receivables=(corrected,)))

    assert codes == {"does-not-fit"}


def test_after_a_refusal_the_right_file_is_read(refused, filled, receive, words):
    refused(words.Export(number=2, said={"payers": 9}))

    assert receive(words.Export(number=2)).state is RunState.APPLIED


def test_a_file_that_vanished_from_the_folder_is_no_reason_to_stop(lay, tenant, report, words, receive):
    run_id = lay(words.Export().body())
    next(spool_of(tenant, "puma").incoming.glob("*.xml")).unlink()
    tasks.read_file(tenant, run_id)

    assert report(run_id).state is RunState.REFUSED
    assert receive(words.Export()).state is RunState.APPLIED


def test_only_what_a_file_says_is_compared_with_what_is_in_it():
    counted = Totals(*range(12))

    assert check_totals(Totals(), counted) == []
    assert check_totals(Totals(principal=7), counted) == []
    (problem,) = check_totals(Totals(principal=8, interest=8), counted)
    assert problem.message == "Suma należności głównych: plik zapowiada 0,08 zł, a zawiera 0,07 zł."


def test_a_file_tells_of_payments_in_one_way_only(refused, receive, words, monkeypatch):
    receive(words.Export())
    read = PumaFinanceSystem.read_manifest
    monkeypatch.setattr(
        PumaFinanceSystem, "read_manifest", lambda self, stream: replace(read(self, stream), batches_included=0)
    )
    echo = words.operation("O-1", "-10.00", booking=str(uuid4()))
    whole = words.receivable("R-1", words.liability("P-1"), words.instalment("I-1"), echo)

    codes, _run = refused(words.Export(number=2, receivables=(whole,)))

    assert "two-echoes" in codes
    assert receive(words.Export(number=2)).state is RunState.APPLIED
