"""A file that was damaged, or says two things, is refused whole; every place is named, and no cell is repeated."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skarbnik.plugin_api import BrokenFile
from skarbnik_csv import lines
from skarbnik_csv.lines import LONGEST

HEADER, FIRST = 8, 9  # lines of the small table


def said(**words):
    return {"said": {name.replace("_", " "): value for name, value in words.items()}}


HEADS = [
    (said(plik=None), ("not_ours", None)),
    (said(plik="faktury"), ("not_ours", None)),
    (said(gmina=None), ("missing", None)),
    (said(gmina="DEBOWO"), ("other_tenant", None)),
    (said(numer="0"), ("number", 3)),
    (said(numer="17a"), ("number", 3)),
    (said(stan_na="2026-02-30"), ("moment", 4)),
    (said(paczki=None), ("missing", None)),
    (said(paczki=""), ("missing", 5)),
    (said(wiersze="2"), ("truncated", None)),
    (said(należność_główna=None), ("missing", None)),
    (said(należność_główna="120.500"), ("amount", 7)),
    (said(autor="x"), ("unknown", 8)),
    (said(odsetki="1;2"), ("missing", 8)),
    ({"add": "numer buta"}, ("unknown", HEADER)),
    ({"add": "PESEL"}, ("duplicate", HEADER)),
]


@pytest.mark.parametrize(("changes", "problem"), HEADS, ids=[str(each[0]) for each in HEADS])
def test_a_head_that_cannot_be_right_is_refused(problems, table, changes, problem):
    assert problems(table(**changes)) == [problem]


CELLS = [
    ({"kontrahent": ""}, "missing"),
    ({"kontrahent": "P 1"}, "identifier"),
    ({"kontrahent": "44051401359"}, "identifier"),
    ({"osoba_czy_firma": "kobieta"}, "choice"),
    ({"nazwa": "x" * 201}, "text"),
    ({"PESEL": "44051401358"}, "pesel"),
    ({"PESEL": "4405140135"}, "pesel"),
    ({"kod_rodzaju": "PODATEK ROLNY"}, "identifier"),
    ({"rodzaj_odsetek": "tak"}, "choice"),
    ({"rachunek": "61109010140000071219812875"}, "account"),
    ({"rachunek": "6,1109E+25"}, "account"),
    ({"należność": "N" * 55}, "identifier"),
    ({"należność": "#N/D!"}, "identifier"),
    ({"rola": "sąsiad"}, "choice"),
    ({"rata": "pierwsza"}, "number"),
    ({"rata": ""}, "missing"),
    ({"termin": "15.09.26"}, "day"),
    ({"przypisano": ""}, "missing"),
    ({"należność_główna": "-120,50"}, "amount"),
    ({"należność_główna": "1.120,50"}, "amount"),
    ({"odsetki": "trzy"}, "amount"),
    ({"nazwa": "Anna\u202eavokswoK"}, "characters"),
    ({"nazwa": "Anna\u200bKowalska"}, "characters"),
    ({"nazwa": "Anna\x00"}, "characters"),
    ({"nazwa": "Anna\x1b[31m"}, "characters"),
    ({"nazwa": "Anna\tKowalska"}, "characters"),
    ({"nazwa": "Anna\rKowalska"}, "characters"),
    ({"nazwa": '"Anna'}, "quotes"),
    ({"nazwa": '"Anna" Kowalska'}, "quotes"),
    ({"odsetki": ";;1"}, "cells"),
]


@pytest.mark.parametrize(("cells", "code"), CELLS, ids=[f"{code}-{number}" for number, (_, code) in enumerate(CELLS)])
def test_a_cell_that_cannot_be_right_is_named_with_its_line_and_not_repeated(read, table, cells, code):
    rows, broken = read(table().line(**cells))

    assert [(problem.code, problem.line) for problem in broken.problems] == [(code, FIRST)]
    assert rows == []
    (value,) = cells.values()
    assert len(value) < 3 or value not in broken.problems[0].message


CONTRADICTIONS = [
    ({"rata": "2", "nazwa": "Kowalska Maria"}, "kontrahent P-1"),
    ({"rata": "2", "PESEL": ""}, "kontrahent P-1"),
    ({"rata": "2", "rodzaj_należności": "Podatek rolny"}, "rodzaj należności PODN"),
    ({"rata": "2", "rachunek": ""}, "rodzaj należności PODN"),
    ({"rata": "2", "tytuł": "Podatek 2025"}, "należność N-1"),
    ({"rata": "2", "rola": "użytkownik"}, "kontrahent P-1 ma w należności N-1 inną rolę"),
    ({}, "rata 1 należności N-1"),
    ({"rata": "2", "kontrahent": "P-2", "PESEL": ""}, "innego kontrahenta"),
]


@pytest.mark.parametrize(("cells", "words"), CONTRADICTIONS)
def test_lines_that_contradict_each_other_are_both_named(read, table, cells, words):
    _, broken = read(table().line().line(**cells))

    (problem,) = broken.problems
    assert (problem.code, problem.line) == ("contradiction", FIRST + 1)
    assert problem.message.startswith(f"Wiersze {FIRST} i {FIRST + 1} sobie przeczą: ")
    assert words in problem.message
    assert "Kowalska" not in problem.message


def test_a_receivable_without_instalments_is_refused(problems, table):
    assert problems(table().line().owner(należność="N-2")) == [("instalment", FIRST + 1)]


def test_a_period_that_ends_before_it_begins_is_refused(problems, table):
    line = {"okres_od": "2026-12-31", "okres_do": "2026-01-01"}
    assert problems(table().line(**line)) == [("period", FIRST)]


def test_everything_wrong_is_listed_together_up_to_a_thousand(read, table):
    file = table()
    for number in range(1, 1_502):
        file.line(rata=str(number), termin="kiedyś")
    _, broken = read(file)

    assert len(broken.problems) == 1000
    assert "1501" in str(broken)
    assert [problem.line for problem in broken.problems[:3]] == [FIRST, FIRST + 1, FIRST + 2]


def test_a_missing_column_is_named(read, table):
    file = table().line()
    del file.lines[0]["termin"]
    _, broken = read(file)

    assert "„termin”" in broken.problems[0].message


@pytest.mark.parametrize(("amount", "code"), [("120", "header"), ("120,50", "separator")])
def test_data_where_the_names_of_columns_should_be_is_not_repeated(read, table, amount, code):
    file = table().line(przypisano=amount, należność_główna=amount)
    text = "\r\n".join(line for line in file.text().splitlines() if not line.startswith("kontrahent")) + "\r\n"
    _, broken = read(text.encode())

    assert [(problem.code, problem.line) for problem in broken.problems] == [(code, HEADER)]
    assert "Kowalska" not in repr(broken.problems)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"\r\n;;\r\n", "not_ours"),
        (b"#plik;\r\n", "not_ours"),
        (b"#a;b\r\n" * 100, "not_ours"),
        (b"kontrahent;nazwa\r\nP-1;Anna\r\n", "not_ours"),
        (b"#plik;x\r\nkontrahent\r\n", "separator"),
        (b"#plik;x\r\nkontrahent;nazwa,PESEL\r\n", "separator"),
        (b"PK\x03\x04\n", "separator"),
        (b"<?xml version='1.0'?>\n", "separator"),
    ],
)
def test_something_else_is_not_read(spreadsheet, body, code):
    with pytest.raises(BrokenFile) as caught:
        spreadsheet.classify(BytesIO(body))
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("cp1250"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: f"#kodowanie;iso-8859-2\r\n{text}".encode("iso-8859-2"),
        lambda text: b"\xef\xbb\xbf" + f"#kodowanie;windows-1250\r\n{text}".encode("cp1250"),
        lambda text: b"#kodowanie;windows-1250\r\n" + text.encode("cp1250").replace(b"Anna", b"Ann\x81"),
        lambda text: text.encode().replace(b"Anna", b"Ann\xff"),
        lambda text: text.encode().replace(b"Anna", b"Ann\xc0\xaf"),
    ],
)
def test_another_encoding_is_refused_and_said_so(read, table, change):
    rows, broken = read(change(table().text()))

    assert rows == []
    assert {problem.code for problem in broken.problems} & {"encoding", "characters"}


def test_a_tab_between_quotation_marks_is_no_letter_where_tabs_part_cells(read, table):
    """It would part columns once more on its way into the database."""
    rows, broken = read(table(separator="\t").line(nazwa='"Anna\tKowalska"'))

    assert rows == []
    assert [(problem.code, problem.line) for problem in broken.problems] == [("characters", 9)]


def test_an_encoding_named_below_the_first_line_comes_too_late(problems, table):
    assert problems(table(said={"kodowanie": "windows-1250"})) == [("unknown", 8)]


def test_a_line_without_end_is_not_kept_in_memory(spreadsheet, table):
    class Endless(BytesIO):
        taken = 0

        def readline(self, size=-1):
            assert 0 < size <= LONGEST + 1
            self.taken += 1
            return b"x" * size

    stream = Endless()
    with pytest.raises(BrokenFile) as caught:
        list(spreadsheet.read_rows(stream))
    assert (stream.taken, caught.value.problems[-1].code) == (1, "too_large")


def test_a_table_without_end_is_refused(problems, table, monkeypatch):
    monkeypatch.setattr(lines, "MOST", 20)
    file = table()
    for number in range(1, 20):
        file.line(rata=str(number))
    assert problems(file)[-1] == ("too_large", 21)


def test_a_truncated_table_is_refused_wherever_it_ends(read, sample):
    body = sample("naleznosci-000017")
    for end in range(len(body)):
        _, broken = read(body[:end])
        assert broken is not None, end
        assert broken.problems, end


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 5000), byte=st.integers(0, 255))
def test_one_wrong_byte_never_makes_rows_vanish(read, sample, at, byte):
    body = sample("naleznosci-000017")
    at %= len(body)
    rows, broken = read(body[:at] + bytes([byte]) + body[at + 1 :])

    assert broken is not None or len(rows) >= len(read(body)[0])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_stumble(read, table, noise):
    body = table().body()
    for spoiled in (noise, body + noise, body[:-20] + noise):
        read(spoiled)
