"""What stands on a transfer order: the boxes of the form, the fewest forms, a code that a bank's application reads."""

import io
import json
import re
from decimal import Decimal

import pypdf
import pytest
import typst
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from skarbnik.money import Money
from skarbnik.payments.transfer_print import TITLE, print_orders, read_form, words_of
from skarbnik.payments.transfers import (
    BOXES,
    LONGEST_PAYEE,
    LONGEST_TITLE,
    Due,
    Party,
    TransferOrder,
    amount_in_words,
    compose,
    in_rows,
)

NRB, OTHER = "40999900000000739000012345", "61109010140000071219812874"
OFFICE = Party("Gmina Przykładowo", "ul. Źródlana 1, 00-001 Przykładowo")
ANNA = Party("Żółcińska-Brzęczyszczykiewicz Anna", "ul. Łąkowa 3/5, 11-111 Lipowo")


def due(mark="FN.3120.1.2026", amount=12_345, nrb=NRB, instalments=(), payee=OFFICE):
    return Due(nrb, payee, mark, instalments, Money(amount))


def one(**more):
    (order,) = compose([due(**more)], payer=ANNA)
    return order


def draw_page(order):
    """The page of an order as PNG, at 150 dots an inch."""
    inputs = {"data": json.dumps({"title": TITLE, "orders": [words_of(order)]})}
    return typst.compile(read_form(), format="png", ppi=150, sys_inputs=inputs, ignore_system_fonts=True)


def test_the_code_is_the_one_of_the_recommendation():
    """The example of the recommendation, but for the tax number, which a payer's bank does not need."""
    order = one(mark="Podatek od nieruchomosci rata 1", payee=Party("Gmina Przykladowo"))

    assert order.code == f"|PL|{NRB}|012345|Gmina Przykladowo|Podatek od nieruchomosci rata 1|||"


@given(
    st.text(min_size=1, max_size=200).filter(str.strip),
    st.text(min_size=1, max_size=200).filter(str.strip),
    st.integers(1, 999_999),
)
def test_whatever_stands_in_the_texts_the_code_has_nine_fields_that_fit(payee, mark, amount):
    code = one(payee=Party(payee), mark=mark, amount=amount).code
    fields = code.split("|")

    assert len(fields) == 9
    assert fields[:4] == ["", "PL", NRB, f"{amount:06d}"]
    assert len(fields[4]) <= LONGEST_PAYEE
    assert len(fields[5]) <= LONGEST_TITLE
    assert code.isascii()
    assert code.isprintable()


def test_an_amount_of_more_digits_than_the_code_has_leaves_it_out():
    assert one(amount=999_999).code is not None
    assert one(amount=1_000_000).code is None


@pytest.mark.parametrize(
    ("grosze", "words"),
    [
        (1, "zero złotych, jeden grosz"),
        (100, "jeden złoty, zero groszy"),
        (202, "dwa złote, dwa grosze"),
        (512, "pięć złotych, dwanaście groszy"),
        (2_222, "dwadzieścia dwa złote, dwadzieścia dwa grosze"),
        (11_200, "sto dwanaście złotych, zero groszy"),
        (100_121, "tysiąc jeden złotych, dwadzieścia jeden groszy"),
        (234_567, "dwa tysiące trzysta czterdzieści pięć złotych, sześćdziesiąt siedem groszy"),
        (1_200_000_099, "dwanaście milionów złotych, dziewięćdziesiąt dziewięć groszy"),
    ],
)
def test_amounts_in_words_follow_polish_grammar(grosze, words):
    assert amount_in_words(Money(grosze)) == words


@given(st.text(max_size=120))
def test_rows_hold_the_beginning_of_a_text_and_never_more_than_their_boxes(text):
    rows = in_rows(text)

    assert max(map(len, rows)) <= BOXES
    assert "".join(text.split()).startswith("".join("".join(rows).split()))


def test_a_long_name_is_broken_between_words_and_pushes_the_address_out():
    assert ANNA.rows == ("Żółcińska-Brzęczyszczykiewi", "cz Anna")
    assert Party("Zakład Gospodarki Komunalnej w Lipowie").rows == ("Zakład Gospodarki", "Komunalnej w Lipowie")
    assert OFFICE.rows == ("Gmina Przykładowo", "ul. Źródlana 1, 00-001")


def test_nobody_adds_a_digit_before_the_amount():
    assert one(amount=123_456).amount_in_boxes == "=====1234,56"
    assert one(amount=5).amount_in_boxes == "========0,05"


def test_one_form_an_account_while_its_title_names_all():
    orders = compose(
        [due("A.1", 100), due("B.2", 200, nrb=OTHER), due("C.3", 300, instalments=(2, 3)), due("D" * 30, 400)],
        payer=ANNA,
    )

    assert [(order.nrb, order.title, order.amount.grosze) for order in orders] == [
        (NRB, "A.1 C.3 R.2,3", 400),
        (NRB, "D" * 30, 400),
        (OTHER, "B.2", 200),
    ]


def test_a_number_too_long_for_its_instalments_stands_alone():
    assert one(mark="N" * 30, instalments=(1, 2)).title == "N" * 30
    assert one(mark="Dzierżawa gruntu rolnego przy ulicy Leśnej w Lipowie Wielkim").title == (
        "Dzierżawa gruntu rolnego przy ulicy Leśnej w Lipowie W"
    )


DUES = st.lists(
    st.builds(
        due,
        mark=st.text("ABC.123", min_size=1, max_size=40),
        amount=st.integers(1, 10**9),
        nrb=st.sampled_from([NRB, OTHER]),
        instalments=st.lists(st.integers(1, 12), max_size=4).map(tuple),
    ),
    min_size=1,
    max_size=12,
)


@given(DUES)
def test_no_grosz_is_lost_between_dues_and_forms(dues):
    orders = compose(dues, payer=ANNA)

    for nrb in (NRB, OTHER):
        wanted = sum(each.amount.grosze for each in dues if each.nrb == nrb)
        assert sum(order.amount.grosze for order in orders if order.nrb == nrb) == wanted
    assert len(orders) <= len(dues)


@pytest.mark.parametrize("amount", [0, -1, 10**11])
def test_an_amount_that_no_form_holds_is_an_error(amount):
    with pytest.raises(ValueError, match="does not fit"):
        one(amount=amount)


@pytest.fixture(scope="module")
def pdf():
    orders = compose([due(amount=123_456, instalments=(2,)), due("GO.6232.7.2026", 98_765_432, nrb=OTHER)], payer=ANNA)
    return print_orders(orders)


def test_the_form_says_everything_twice_in_letters_a_reader_reads(pdf):
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    text = re.sub(r"\s+", " ", pages[0].extract_text())

    assert len(pages) == 2
    for words in (
        "Gmina Przykładowo", "ul. Źródlana 1, 00-001", NRB, "=====1234,56", "FN.3120.1.2026 R.2", "PLN",
        "tysiąc dwieście trzydzieści cztery złote, pięćdziesiąt sześć groszy", "Żółcińska-Brzęczyszczykiewi",
    ):  # fmt: skip
        assert text.count(words) == 2, words


def test_the_form_is_tagged_and_has_its_language(pdf):
    root = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]

    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # pypdf's own kind of truth
    assert root["/Lang"] == "pl"
    assert b"pdfuaid" in pdf


def test_the_code_on_the_page_is_read_by_a_reader():
    order = one(amount=123_456)
    drawn = Image.open(io.BytesIO(draw_page(order)))

    found = zxingcpp.read_barcodes(drawn)

    assert [each.text for each in found] == [order.code, order.code]
    assert {str(each.ec_level) for each in found} == {"L"}


def test_a_large_amount_has_no_code_and_a_form_all_the_same():
    drawn = Image.open(io.BytesIO(draw_page(one(amount=98_765_432))))

    assert zxingcpp.read_barcodes(drawn) == []


@pytest.mark.parametrize("words", ['#panic("x")', "= Tytuł", "*a* _b_ $c$", "日本", "\u202e"])
def test_what_people_are_called_is_no_program_and_breaks_no_form(words):
    order = TransferOrder(NRB, Party(words), Party(words), words, Money(1))

    assert print_orders([order]).startswith(b"%PDF-")


def test_money_is_the_same_in_figures_and_words():
    order = one(amount=100_100)
    assert Decimal(order.amount_in_boxes.strip("=").replace(",", ".")) == Decimal("1001.00")
    assert order.words == "tysiąc jeden złotych, zero groszy"
