"""A filled table of payments: every line or none, and each line the one that was sent."""

from datetime import date
from uuid import UUID

import pytest

from skarbnik.plugin_api import AcknowledgedLine, BrokenFile

FIRST = UUID("0192b000-0000-7000-8000-000000000001")
SECOND = UUID("0192b000-0000-7000-8000-000000000002")
ANSWERS = (
    AcknowledgedLine(FIRST, "WB 231/2026", date(2026, 11, 23), None),
    AcknowledgedLine(SECOND, None, None, "Umowa jest rozwiązana"),
)


@pytest.fixture
def filled(sample):
    return sample("wplaty-000003-zaksiegowane").decode("utf-8-sig")


def test_the_filled_sample_answers_the_sample(spreadsheet, sample):
    answer = spreadsheet.read_acknowledgement(sample("wplaty-000003-zaksiegowane"))

    assert (answer.batch_number, answer.tenant_code, answer.sha256) == (3, "LIPOWO", None)
    assert answer.lines == ANSWERS


def test_a_spreadsheet_may_save_it_in_its_own_way(spreadsheet, filled):
    saved = filled.replace(";2026-11-23;", ";23.11.2026;").replace("139,50", "139,5").replace("\r\n", "\n")
    saved = saved.replace("12:58:03", "12:58").replace("WZHF5FFDRJ140731GUEST000P01", "1,23E+19")

    assert spreadsheet.read_acknowledgement(f"#kodowanie;windows-1250\n{saved}".encode("cp1250")).lines == ANSWERS


def test_only_the_columns_that_answer_are_needed(spreadsheet, filled):
    lines = [line.split(";") for line in filled.splitlines()]
    places = [lines[6].index(name) for name in ("id księgowania", "razem", "kontrola")] + [-3, -2, -1]
    kept = [line if len(line) == 2 else [line[place] for place in places] for line in lines]

    assert spreadsheet.read_acknowledgement("".join(f"{';'.join(line)}\r\n" for line in kept).encode()).lines == ANSWERS


def test_the_order_of_lines_does_not_matter(spreadsheet, filled):
    *above, first, second = filled.splitlines()
    body = "\r\n".join([*above, second, first, ""]).encode()

    assert set(spreadsheet.read_acknowledgement(body).lines) == set(ANSWERS)


WRONG = [
    ("#plik;wpłaty", "#plik;wypłaty", "not_ours"),
    ("#gmina;LIPOWO", "#gmina;DEBOWO", "other_tenant"),
    ("#paczka;3", "#paczka;4", "control"),
    ("#paczka;3\r\n", "", "missing"),
    ("#pozycje;2", "#pozycje;3", "totals"),
    ("#razem;239,50", "#razem;239,51", "totals"),
    ("-000000000001", "-000000000003", "control"),
    ("-000000000001", "-00000000000", "uuid"),
    (";139,50;", ";139,51;", "control"),
    ("WB 231/2026", "", "answer"),
    ("WB 231/2026;2026-11-23", ";", "answer"),
    ("WB 231/2026;2026-11-23;", "WB 231/2026;2026-11-23;nie", "answer"),
    (";2026-11-23;", ";2026-11-31;", "day"),
    (";2026-11-23;", ";;", "answer"),
    ("Umowa", "U" * 200, "text"),
    ("numer dowodu", "dowód", "missing"),
    ("Umowa", '"Umowa', "quotes"),
    ("Umowa", "Umowa\u202e", "characters"),
]


@pytest.mark.parametrize(("right", "wrong", "code"), WRONG)
def test_a_wrong_answer_is_refused_whole(spreadsheet, filled, right, wrong, code):
    assert right in filled
    with pytest.raises(BrokenFile) as caught:
        spreadsheet.read_acknowledgement(filled.replace(right, wrong, 1).encode())
    assert code in [problem.code for problem in caught.value.problems]


def test_a_table_nobody_filled_is_no_answer(spreadsheet, sample):
    with pytest.raises(BrokenFile) as caught:
        spreadsheet.read_acknowledgement(sample("wplaty-000003"))
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [("answer", 8), ("answer", 9)]


def test_a_line_that_comes_twice_is_named_with_the_first(spreadsheet, filled):
    last = filled.splitlines()[-1]
    with pytest.raises(BrokenFile) as caught:
        spreadsheet.read_acknowledgement(f"{filled}{last}\r\n".encode())
    assert caught.value.problems[0].message.startswith("Wiersze 9 i 10 ")


def test_one_column_sorted_without_the_others_is_noticed(spreadsheet, filled):
    swapped = filled.replace(str(FIRST), "x").replace(str(SECOND), str(FIRST)).replace("x", str(SECOND))
    with pytest.raises(BrokenFile) as caught:
        spreadsheet.read_acknowledgement(swapped.encode())
    assert [problem.code for problem in caught.value.problems] == ["control", "control"]


def test_a_truncated_answer_is_refused_wherever_it_ends(spreadsheet, sample):
    body = sample("wplaty-000003-zaksiegowane")
    for end in range(len(body)):
        with pytest.raises(BrokenFile):
            spreadsheet.read_acknowledgement(body[:end])
