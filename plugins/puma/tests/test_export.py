"""Reading exports: what is right becomes rows, what is wrong is listed with its line."""

from io import BytesIO

import pytest

from skarbnik.plugin_api import (
    BrokenFile,
    DocumentRow,
    FileKind,
    ImportKind,
    InstalmentRow,
    LiabilityRow,
    OperationRow,
    OverpaymentRow,
    PayerRow,
    ReceivableRow,
)


def test_the_sample_of_the_specification_becomes_rows_in_its_order(read, sample):
    rows, broken = read(sample("export"))

    assert broken is None
    kinds = [type(row) for row in rows]
    assert kinds.count(PayerRow) == 3
    assert kinds.index(LiabilityRow) == kinds.index(ReceivableRow) + 1
    assert kinds.count(InstalmentRow) == 3
    assert kinds.count(OperationRow) == 5
    assert kinds.count(DocumentRow) == 2
    assert kinds[-1] is OverpaymentRow


def test_totals_of_the_sample_are_the_sums_of_its_rows(puma, read, sample):
    totals = puma.read_manifest(BytesIO(sample("export"))).totals
    rows, _ = read(sample("export"))
    instalments = [row for row in rows if type(row) is InstalmentRow]
    operations = [row for row in rows if type(row) is OperationRow]

    assert totals.principal == sum(row.principal for row in instalments)
    assert totals.interest == sum(row.interest for row in instalments)
    assert totals.costs == sum(row.costs for row in instalments)
    assert totals.operations_amount == sum(row.principal + row.interest + row.costs for row in operations)
    assert totals.operations == len(operations)


def test_the_manifest_is_read_from_the_head_alone(puma, sample):
    head = sample("export")[: sample("export").index(b"<payers>")]

    manifest = puma.read_manifest(BytesIO(head))

    assert (manifest.number, manifest.kind, manifest.tenant_code) == (17, ImportKind.FULL, "LIPOWO")
    assert manifest.as_of.isoformat() == "2026-11-23T02:00:00+01:00"


def test_a_file_says_what_it_is_by_its_root(puma, sample):
    assert puma.classify(BytesIO(sample("export"))) is FileKind.IMPORT
    assert puma.classify(BytesIO(sample("ack"))) is FileKind.ACKNOWLEDGEMENT
    with pytest.raises(BrokenFile):
        puma.classify(BytesIO(sample("bookings")))


def test_a_file_of_another_gmina_is_refused_before_any_row(puma, sample):
    with pytest.raises(BrokenFile) as caught:
        puma.read_rows(BytesIO(sample("export").replace(b'tenant="LIPOWO"', b'tenant="DEBOWO"')))
    assert caught.value.problems[0].code == "other_tenant"


WRONG = [
    (b'pesel="44051401359"', b'pesel="44051401358"', "pesel"),
    (b'pesel="44051401359"', b'nip="1234567890"', "nip"),
    (b'pesel="44051401359"', b'regon="123456789"', "regon"),
    (b'account="61109010140000071219812874"', b'account="61109010140000071219812875"', "account"),
    (b'due="2026-09-15"', b'due="2026-02-30"', "day"),
    (b'due="2026-09-15"', b'due="15.09.2026"', "day"),
    (b'due="2026-09-15"', b'due="1026-09-15"', "day"),
    (b'due="2026-09-15" ', b"", "missing_attribute"),
    (b'due="2026-09-15"', b'due="2026-09-15" dni="3"', "unknown_attribute"),
    (b'due="2026-09-15"', b'due="2026-09-15" xmlns:x="urn:x" x:due="1"', "unknown_attribute"),
    (b'due="2026-09-15"', b'due="2026-09-15" :x="1"', "unknown_attribute"),
    (b'charged="120.50"', b'charged="120,50"', "amount"),
    (b'charged="120.50"', b'charged="120.5"', "amount"),
    (b'charged="120.50"', b'charged="-120.50"', "amount"),
    (b'charged="120.50"', "charged=\"١٢٠.50\"".encode(), "amount"),
    (b'charged="120.50"', b'charged="123456789012.00"', "amount"),
    (b'amount="12.00" arose', b'amount="0.00" arose', "amount"),
    (b'booking="0192a7c4-1f00-7abc-8def-0123456789ab"', b'booking="0192A7C4"', "uuid"),
    (b'role="owner"', b'role="heir"', "choice"),
    (b'part="1" whole="2"', b'part="3" whole="2"', "share"),
    (b'part="1" whole="2"', b'part="0" whole="2"', "number"),
    (b'from="2026-01-01" until="2026-12-31"', b'from="2026-12-31" until="2026-01-01"', "period"),
    (b'name="Kowalska Anna"', b'name="' + b"x" * 201 + b'"', "text"),
    (b'name="Kowalska Anna"', b'name="   "', "text"),
    (b'name="Kowalska Anna"', b'name=""', "text"),
    (b'name="Kowalska Anna"', b'name="Kowalska&#10;Anna"', "text"),
    (b'name="Kowalska Anna"', b'name="Kowalska &#x202E;annA"', "text"),
    (b'name="Kowalska Anna"', b'name="Kowalska&#x85;Anna"', "text"),
    (b'email="anna@example.org"', b'email="anna"', "email"),
    (b'email="anna@example.org"', b'email="' + b"a" * 120 + b'@example.org"', "email"),
    (b'postal-code="11-100"', b'postal-code="11100"', "postal_code"),
    (b'phone="+48 600 100 200"', b'phone="zadzwon"', "phone"),
    (b'merged-into="P-000001"', b'merged-into="P-000009"', "merged_into"),
    (b'id="N-1" kind', b'id="N 1" kind', "identifier"),
    (b'parent="N-1"', b'parent="N-2"', "parent"),
    (b'counterpart="O-4"', b'counterpart="O-3"', "counterpart"),
    (b'size="122880"', b'size="20971521"', "size"),
    (b'size="122880"', b'size="0"', "size"),
    (b'size="122880"', b'size="120 kB"', "size"),
    (b'file="3f79', b'file="3F79', "sha256"),
    (b'file="3f79', b'file="../', "sha256"),
    (b'issued="2026-01-20"', b'issued="2026-01-32"', "day"),
    (b'title="Decyzja wymiarowa 2026"', b'title="' + b"x" * 161 + b'"', "text"),
    (b'title="Decyzja wymiarowa 2026" ', b"", "missing_attribute"),
    (b'issued="2026-01-20"', b'issued="2026-01-20" name="decyzja.pdf"', "unknown_attribute"),
    (b'id="D-1"', b'id="D 1"', "identifier"),
    (b'<document id="D-1"', b'<document xmlns="" id="D-1"', "unknown_element"),
    (b"<payers>", b"<payers><person/>", "unknown_element"),
    (b"<payers>", b"<payers>text", "unexpected_content"),
    (b'<payers>', b'<payers all="true">', "unexpected_content"),
    (b'<instalment id="N-1-3"', b'<rata/><instalment id="N-1-3"', "unknown_element"),
    (b'<instalment id="N-1-3"', b'<instalment xmlns="" id="N-1-3"', "unknown_element"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "code"), WRONG)
def test_a_wrong_value_is_listed_with_its_line(read, sample, right, wrong, code):
    body = sample("export")
    assert right in body
    line = body[: body.index(right)].count(b"\n") + 1

    _, broken = read(body.replace(right, wrong, 1))

    assert broken is not None
    assert (code, line) in [(problem.code, problem.line) for problem in broken.problems]


@pytest.mark.parametrize(
    "place", [b"<kind code", b'<payer id="P-000002', b"<liability", b"<overpayment id", b"<totals"]
)
def test_text_between_elements_is_refused(puma, read, sample, place):
    body = sample("export").replace(place, b"text" + place, 1)
    with pytest.raises(BrokenFile) as caught:
        list(puma.read_rows(BytesIO(body)))
    assert [problem.code for problem in caught.value.problems] == ["unexpected_content"]


def test_a_wrong_row_is_left_out_and_the_others_still_come(read, sample):
    right, _ = read(sample("export"))
    rows, broken = read(sample("export").replace(b'id="N-1-3" number="3"', b'id="N-1-3" number="x"'))

    assert [problem.code for problem in broken.problems] == ["number"]
    assert [row for row in right if getattr(row, "external_id", "") != "N-1-3"] == rows


def test_every_wrong_row_is_listed_but_at_most_a_thousand(read, sample):
    wrong = b'<payer id="P" kind="dog" name="x"/>\n' * 1200
    _, broken = read(sample("export").replace(b"<payers>", b"<payers>\n" + wrong))

    assert len(broken.problems) == 1000
    assert "1200" in str(broken)
    assert [problem.line for problem in broken.problems[:3]] == [11, 12, 13]


def test_messages_never_repeat_what_stood_in_a_wrong_place(read, sample):
    body = sample("export").replace(b'charged="120.50"', b'charged="Kowalska"').replace(b'id="N-1-4"', b'id="Anna K"')
    _, broken = read(body)

    words = " ".join(problem.message for problem in broken.problems) + str(broken)
    assert len(broken.problems) == 2
    assert "Kowalska" not in words
    assert "Anna" not in words


def test_spaces_around_a_text_are_taken_away(read, sample):
    rows, broken = read(sample("export").replace(b'name="Kowalski Jan"', b'name="  Kowalski Jan "'))

    assert broken is None
    assert [row.name for row in rows if type(row) is PayerRow][1] == "Kowalski Jan"


def test_a_receivable_whose_id_has_spaces_around_it_owns_its_instalments(read, sample):
    right, _ = read(sample("export"))
    rows, broken = read(sample("export").replace(b'receivable id="N-1"', b'receivable id=" N-1 "'))

    assert broken is None
    assert rows == right


def test_a_document_stands_behind_the_operations_of_its_receivable(read, sample):
    body = sample("export")
    start = body.index(b"<document")
    document = body[start : body.index(b"/>", start) + 2]
    _, broken = read(body.replace(document, b"", 1).replace(b'<operation id="O-3"', document + b'<operation id="O-3"'))

    assert {problem.code for problem in broken.problems} == {"order"}
    assert "dokumenty" in broken.problems[0].message


def test_a_system_without_documents_need_not_count_them(puma, sample):
    old = sample("export").replace(b' documents="2"', b"")

    assert puma.read_manifest(BytesIO(sample("export"))).totals.documents == 2
    assert puma.read_manifest(BytesIO(old)).totals.documents is None


STRUCTURE = [
    (b"urn:skarbnik:exchange:export:1", b"urn:skarbnik:exchange:export:2", "not_ours"),
    (b'format="1"', b'format="2"', "choice"),
    (b"<export xmlns=", b'<export version="1" xmlns=', "unknown_attribute"),
    (b"  <kinds>", b"  <extra/><kinds>", "sections"),
    (b"</overpayments>", b"</overpayments><extra/>", "sections"),
    (b"<totals payers", b"<totals/><totals payers", "totals"),
    (b'as-of="2026-11', b'as-of="2026-13', "moment"),
    (b'created="2026-11-23T02', b'created="2026-11-23T25', "moment"),
    (b'principal="240.50"', b'principal="240"', "amount"),
]


@pytest.mark.parametrize(("right", "wrong", "code"), STRUCTURE)
def test_a_file_with_another_structure_is_refused(puma, sample, right, wrong, code):
    body = sample("export")
    assert right in body
    with pytest.raises(BrokenFile) as caught:
        list(puma.read_rows(BytesIO(body.replace(right, wrong, 1))))
    assert code in [problem.code for problem in caught.value.problems]


def test_a_row_in_the_wrong_section_stops_the_reading(puma, sample):
    body = sample("export")
    kind = b'<kind code="PIES" title="Pies" regime="tax"/>'
    for place in (b"<payers>", b"<overpayments>", b"<liability"):
        with pytest.raises(BrokenFile) as caught:
            list(
                puma.read_rows(
                    BytesIO(body.replace(place, kind + place if place == b"<liability" else place + kind, 1))
                )
            )
        assert caught.value.problems[-1].code == "misplaced"


@pytest.mark.parametrize(
    "row", [b'<payer id="P" kind="person" name="x"/>\n', b'<payer id="P"\nkind="person" name="x"/>\n\n']
)
def test_lines_are_right_far_beyond_what_sixteen_bits_count(read, sample, row):
    body = sample("export").replace(b"<payers>", b"<payers>\n" + row * 70_000)
    bad = (
        body.replace(b'whole="2"', b'whole="0"').replace(b'number="3"', b'number="x"').replace(b'role="own', b'role="x')
    )
    bad = bad.replace(b'parent="N-1"', b'parent="?"').replace(b'arose="2026', b'arose="x')
    _, broken = read(bad)

    marks = (b'whole="0"', b'number="x"', b'parent="?"', b'role="x', b'arose="x')
    right = [place + 1 for place, line in enumerate(bad.split(b"\n")) if any(mark in line for mark in marks)]
    assert [problem.line for problem in broken.problems] == right
