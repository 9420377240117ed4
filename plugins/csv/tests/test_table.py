"""What an ordinary spreadsheet saves is read, however it saves it."""

from io import BytesIO
from pathlib import Path

import pytest

from skarbnik.plugin_api import (
    BrokenFile,
    FileKind,
    ImportKind,
    InstalmentRow,
    LiabilityRole,
    LiabilityRow,
    PayerRow,
    ReceivableRow,
    Totals,
)


def of(kind, rows):
    return [row for row in rows if isinstance(row, kind)]


def without_lines(rows):
    return [row[1:] for row in rows]


def test_the_sample_says_what_it_is(spreadsheet, sample):
    body = sample("naleznosci-000017")
    manifest = spreadsheet.read_manifest(BytesIO(body))

    assert (manifest.number, manifest.kind, manifest.tenant_code) == (17, ImportKind.FULL, "LIPOWO")
    assert manifest.totals == Totals(principal=46_250, interest=300, costs=1_600)
    assert manifest.batches_included == 2
    assert manifest.as_of.isoformat() == "2026-11-23T02:00:00+01:00"


def test_the_example_for_the_clerk_holds_what_it_says(spreadsheet, read):
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = readme.split("```\n")[1].encode()
    rows, broken = read(example)

    assert broken is None
    assert sum(row.principal for row in of(InstalmentRow, rows)) == 24_050
    assert spreadsheet.read_manifest(BytesIO(example)).totals == Totals(principal=24_050)


def test_things_are_rows_at_the_first_line_that_names_them(read, sample):
    rows, broken = read(sample("naleznosci-000017"))

    assert broken is None
    sums = [sum(getattr(row, part) for row in of(InstalmentRow, rows)) for part in ("principal", "interest", "costs")]
    assert sums == [46_250, 300, 1_600]
    assert [(type(row).__name__, row.line) for row in rows] == [
        ("KindRow", 11), ("PayerRow", 11), ("ReceivableRow", 11), ("LiabilityRow", 11), ("InstalmentRow", 11),
        ("InstalmentRow", 12),
        ("PayerRow", 13), ("LiabilityRow", 13),
        ("KindRow", 14), ("ReceivableRow", 14), ("LiabilityRow", 14), ("InstalmentRow", 14),
        ("KindRow", 15), ("PayerRow", 15), ("ReceivableRow", 15), ("LiabilityRow", 15), ("InstalmentRow", 15),
        ("InstalmentRow", 16),
    ]  # fmt: skip


def test_an_instalment_has_its_amounts_in_grosze(read, table):
    rows, _ = read(table().line(odsetki="3", rata="2"))

    (instalment,) = of(InstalmentRow, rows)
    assert instalment[1:4] == ("N-1/2", "N-1", 2)
    assert instalment[5:] == (12_050, 12_050, 300, 0, False)


def test_a_line_without_an_instalment_names_one_more_who_is_liable(read, table):
    rows, broken = read(table().line().owner().line(rata="2").owner(kontrahent="P-3", rola="poręczyciel"))

    assert broken is None
    assert [(row.payer, row.role) for row in of(LiabilityRow, rows)] == [
        ("P-1", LiabilityRole.OWNER),
        ("P-2", LiabilityRole.CO_OWNER),
        ("P-3", LiabilityRole.GUARANTOR),
    ]
    assert [row.external_id for row in of(InstalmentRow, rows)] == ["N-1/1", "N-1/2"]


def test_who_is_liable_may_come_before_the_instalments(read, table):
    rows, broken = read(table().owner().line())

    assert broken is None
    assert len(of(ReceivableRow, rows)) == 1


@pytest.mark.parametrize("separator", [",", "\t"])
def test_the_header_says_what_separates_cells(read, table, separator):
    cells = {"należność_główna": "120.50", "przypisano": "120.50"}
    said = {"należność główna": "120.50"}
    expected, _ = read(table(said=said).line(**cells))
    rows, broken = read(table(separator=separator, said=said).line(**cells))

    assert broken is None
    assert rows == expected


def spreadsheet_padding(text):
    lines = [line + ";" * (15 - line.count(";")) for line in text.splitlines()]
    return "\r\n".join([*lines, ";" * 15, ""]).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\r\n", "\n").encode(),
        lambda text: text.replace("kontrahent;", '"kontrahent";').replace("P-1;", '"P-1";').encode(),
        lambda text: text.replace("#plik", '"#plik"').encode(),
        lambda text: (
            text.replace("należność główna", "Naleznosc_Glowna").replace("rodzaj należ", "RODZAJ NALEŻ").encode()
        ),
        lambda text: (text + "\r\n;;;\r\n").replace("kontrahent;", "\r\nkontrahent;").encode(),
        spreadsheet_padding,
        lambda text: f"#kodowanie;windows-1250\r\n{text}".encode("cp1250"),
        lambda text: f"#kodowanie;WINDOWS-1250;;;\r\n{text}".encode("cp1250"),
        lambda text: f"#kodowanie;utf-8\r\n{text}".encode(),
        lambda text: text.replace("Kowalska Anna", "  Kowalska Anna ").encode(),
    ],
    ids=[
        "mark",
        "unix",
        "quotes",
        "quoted head",
        "names",
        "empty lines",
        "padding",
        "cp1250",
        "cp1250 padded",
        "utf-8",
        "spaces",
    ],
)
def test_one_table_is_the_same_however_it_was_saved(read, table, change):
    expected, _ = read(table())
    rows, broken = read(change(table().text()))

    assert broken is None
    assert without_lines(rows) == without_lines(expected)


def test_columns_come_in_any_order_and_optional_ones_may_be_missing(read, table):
    expected, _ = read(table().line())
    mixed = table().line()
    mixed.lines = [
        dict(reversed([(k, v) for k, v in line.items() if k not in ("rola", "odsetki")])) for line in mixed.lines
    ]
    rows, broken = read(mixed)

    assert broken is None
    assert rows == expected


def test_cells_at_the_end_of_a_line_may_be_left_out(read, table):
    text = table().text()
    assert text.endswith(";120,50;\r\n")
    assert read(text.removesuffix(";\r\n").encode() + b"\r\n")[1] is None


def test_text_that_looks_like_a_formula_is_text(read, table):
    rows, _ = read(table().line(nazwa="=HYPERLINK(1)", tytuł="-2+3"))

    assert of(PayerRow, rows)[0].name == "=HYPERLINK(1)"
    assert of(ReceivableRow, rows)[0].title == "-2+3"


def test_quotation_marks_and_separators_belong_to_quoted_text(read, table):
    rows, _ = read(table().line(nazwa='"Firma ""Kłos""; spółka"'))

    assert of(PayerRow, rows)[0].name == 'Firma "Kłos"; spółka'


def test_a_file_says_which_sort_it_is(spreadsheet, sample):
    assert spreadsheet.classify(BytesIO(sample("naleznosci-000017"))) is FileKind.IMPORT
    assert spreadsheet.classify(BytesIO(sample("wplaty-000003"))) is FileKind.ACKNOWLEDGEMENT
    with pytest.raises(BrokenFile):
        spreadsheet.read_acknowledgement(sample("naleznosci-000017"))
    with pytest.raises(BrokenFile):
        spreadsheet.read_manifest(BytesIO(sample("wplaty-000003")))


@pytest.mark.parametrize("written", ["K7QP2M9XW4AB", "K7QP 2M9X W4AB", "k7qp-2m9x-w4ab"])
def test_a_payment_code_is_taken_without_what_stands_between_its_letters(read, table, written):
    rows, broken = read(table().line(**{"kod płatności": written}))

    assert broken is None
    assert [row.payment_code for row in of(ReceivableRow, rows)] == ["K7QP2M9XW4AB"]


@pytest.mark.parametrize("written", ["K7QP2M9", "A" * 33, "KODŻÓŁTY1"])
def test_what_is_no_payment_code_is_told_with_its_column(read, table, written):
    _rows, broken = read(table().line(**{"kod płatności": written}))

    assert [problem.code for problem in broken.problems] == ["payment_code"]
