"""A list as a file: the same figures in each, and nothing of it is a formula or a command."""

import csv
import io
from datetime import date

import openpyxl
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skarbnik.money import Money
from skarbnik.web.tables import FORMULA, Column, FileFormat, Table, as_csv, as_file, as_pdf, as_xlsx

COLUMNS = [Column("Dzień", 6), Column("Za co", 20), Column("Kwota", 8, right=True), Column("Raty", 4, right=True)]
ROWS = [
    (date(2026, 11, 27), "Zażółć gęślą jaźń", Money(123_456_789), 4),
    (date(2026, 1, 2), '=HYPERLINK("http://evil.example")', Money(-5), 0),
    (None, '#read("/etc/passwd") $x$ <b> "cudzysłów"; średnik', Money(0), 1),
]


def table(rows=ROWS):
    return Table(title="Operacje księgowe", lines=["Gmina Łódź, Kowalska Anna"], columns=COLUMNS, rows=rows)


def of_csv(body):
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))


def of_xlsx(body):
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows()]


def test_a_spreadsheet_in_polish_opens_the_csv_and_takes_no_text_for_a_formula():
    head, *rows = of_csv(as_csv(table()))

    assert head == ["Dzień", "Za co", "Kwota", "Raty"]
    assert rows[0] == ["2026-11-27", "Zażółć gęślą jaźń", "1234567,89", "4"]
    assert rows[1] == ["2026-01-02", "'" + ROWS[1][1], "-0,05", "0"]
    assert rows[2] == ["", ROWS[2][1], "0,00", "1"]


def test_an_xlsx_has_amounts_to_reckon_with_and_texts_that_are_texts():
    head, *rows = of_xlsx(as_xlsx(table()))

    assert [cell.value for cell in head] == ["Dzień", "Za co", "Kwota", "Raty"]
    assert [cell.value for cell in rows[0]][1:] == ["Zażółć gęślą jaźń", 1234567.89, 4]
    assert rows[0][0].value.date() == date(2026, 11, 27)
    assert (rows[1][1].value, rows[1][1].data_type) == (ROWS[1][1], "s")
    assert all(cell.data_type != "f" for row in rows for cell in row)


def test_a_pdf_is_tagged_has_a_title_and_letters_that_can_be_copied():
    body = as_pdf(table())
    reader = pypdf.PdfReader(io.BytesIO(body))
    text = " ".join(page.extract_text() for page in reader.pages)

    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "pl"
    assert reader.metadata.title == "Operacje księgowe"
    for words in ("Zażółć gęślą jaźń", "27.11.2026", "Gmina Łódź, Kowalska Anna", "#read", "$x$"):
        assert words in text
    assert "1234567,89zł" in "".join(text.split())


def test_a_pdf_of_nothing_is_a_page_with_its_head():
    assert "Kwota" in pypdf.PdfReader(io.BytesIO(as_pdf(table([])))).pages[0].extract_text()


@pytest.mark.parametrize("wanted", list(FileFormat))
def test_a_file_is_kept_by_its_name_and_by_nobody_else(wanted):
    answer = as_file(table(), wanted, "operacje-2026-11-27")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="operacje-2026-11-27.{wanted}"'
    assert answer.headers["Cache-Control"] == "no-store"


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)
lines = st.lists(st.tuples(texts, st.integers(-(10**12), 10**12)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(lines)
def test_whatever_a_file_of_the_finance_system_says_comes_back_as_it_was(rows):
    made = Table("T", [], [Column("a"), Column("b")], [(text, Money(amount)) for text, amount in rows])

    found = of_csv(as_csv(made))[1:]

    for (text, amount), (shown, sum_of) in zip(rows, found, strict=True):
        assert shown == (f"'{text}" if text.startswith(FORMULA) else text)
        assert int(sum_of.replace(",", "")) == amount
    assert as_pdf(made).startswith(b"%PDF-")


def test_a_letter_no_font_has_is_no_reason_to_give_no_file():
    assert as_pdf(table([(None, "\u0671\u4e2d", Money(1), 1)])).startswith(b"%PDF-")
