"""A statement of the panel is read whole or not at all, and says in words what is wrong with it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from io import BytesIO
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import WARSAW, BrokenFile, Money, RefundRequest, SettlementKind
from skarbnik_payu.settings import PayuSettings
from skarbnik_payu.statements import LARGEST, MOST, read_statement

SETTINGS = PayuSettings("300746", "300746", "c" * 32, "k" * 32)
HEAD = "Id POS;Data;Typ;Id operacji;Id zamówienia;Kwota;Prowizja;Waluta;Id wypłaty"
PAYMENT = "300746;2026-11-27 14:30:05;Wpłata;OP-1;ORDER-1;1 234,56 zł;12,34;PLN;W1"
REFUND = "300746;28.11.2026 02:30;Zwrot;R-1;ORDER-1;-10,00;0,00;PLN;"
PAYOUT = "300746;2026-11-29;Wypłata;W1;;-1222,22;0,00;PLN;"
TOTAL = "300746;;Razem;;;2,34;;PLN;"
K = SettlementKind


def file_of(*rows: str, head: str = HEAD, encoding: str = "utf-8", ends: str = "\r\n") -> bytes:
    return "".join(f"{row}{ends}" for row in (head, *rows)).encode(encoding)


def read(body: bytes, settings: PayuSettings = SETTINGS):
    return read_statement(BytesIO(body), settings)


def problems(body: bytes) -> list[tuple[int | None, str]]:
    with pytest.raises(BrokenFile) as caught:
        read(body)
    assert all(each.message.endswith((".", "PLN.")) for each in caught.value.problems)
    return [(each.line, each.code) for each in caught.value.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_payments_refunds_and_payouts_are_read_as_spreadsheets_write_them(encoding, ends):
    payment, refund, payout = read(file_of(PAYMENT, REFUND, PAYOUT, TOTAL, encoding=encoding, ends=ends))

    assert (payment.kind, payment.external_id, payment.amount.grosze, payment.fee.grosze) == (
        K.PAYMENT, "ORDER-1", 123_456, 1_234,
    )  # fmt: skip
    assert (payment.payout, payment.currency) == ("W1", "PLN")
    assert payment.happened_at == datetime(2026, 11, 27, 14, 30, 5, tzinfo=WARSAW)
    assert (refund.kind, refund.external_id, refund.payment) == (K.REFUND, "R-1", "ORDER-1")
    assert refund.amount == Money(-1_000)
    assert (payout.kind, payout.external_id, payout.amount.grosze, payout.payout) == (K.PAYOUT, "W1", 122_222, None)
    assert payout.happened_at == datetime(2026, 11, 29, 12, tzinfo=WARSAW)


def test_columns_are_called_as_the_settings_say_and_may_stand_anywhere():
    settings = dataclasses.replace(SETTINGS, column_at="Kiedy", column_amount="PLN brutto", column_kind="Co")
    body = file_of("12,00;payment;2026-11-27 10:00;X-1", head="pln BRUTTO;co;kiedy;Id operacji")

    (line,) = read(body, settings)

    assert (line.external_id, line.amount, line.fee) == ("X-1", Money(1_200), Money(0))


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_the_sign_that_separates_cells_is_found(separator):
    row = separator.join(('"12,00"', "Wpłata", "2026-11-27", "X-1"))
    assert len(read(file_of(row, head=separator.join(("Kwota", "Typ", "Data", "Id operacji"))))) == 1


@pytest.mark.parametrize(
    ("row", "codes"),
    [
        (PAYMENT.replace("OP-1", "=HYPERLINK(1)"), ["number"]),
        (PAYMENT.replace("ORDER-1", "+48 600"), ["order"]),
        (PAYMENT.replace("Wpłata", "Przelew"), ["kind"]),
        (PAYMENT.replace("1 234,56 zł", "1234.5678"), ["amount"]),
        (PAYMENT.replace("1 234,56 zł", "-5,00"), ["amount"]),
        (PAYMENT.replace("1 234,56 zł", "0,00"), ["amount"]),
        (PAYMENT.replace("12,34", "darmo"), ["fee"]),
        (PAYMENT.replace("2026-11-27", "2026-02-30"), ["at"]),
        (PAYMENT.replace("14:30:05", "25:00:00"), ["at"]),
        (PAYMENT.replace("PLN", "zł"), ["currency"]),
        (PAYMENT.replace("300746", "145227"), ["account"]),
        (PAYMENT + ";x", ["cells"]),
        (PAYMENT.replace("OP-1", '"OP-1'), ["quotes"]),
        (PAYMENT.replace("OP-1", "OP\x071"), ["characters"]),
        (PAYMENT.replace("OP-1", "OP\u202e1"), ["characters"]),
        ("300746;;;;;;;;", ["kind", "at", "amount", "number"]),
    ],
)
def test_what_a_cell_cannot_be_is_said_with_its_line_and_nothing_is_read(row, codes):
    assert problems(file_of(REFUND, row)) == [(3, code) for code in codes]


def test_a_line_that_is_in_the_file_twice_is_said():
    assert problems(file_of(PAYMENT, REFUND, PAYMENT)) == [(4, "doubled")]


def test_a_sum_that_is_not_that_of_the_rows_says_that_some_are_missing():
    assert problems(file_of(PAYMENT, PAYOUT, TOTAL)) == [(4, "total")]
    assert problems(file_of(PAYMENT, REFUND, PAYOUT, TOTAL, PAYMENT.replace("ORDER-1", "ORDER-2"))) == [(6, "total")]


def test_a_file_cut_inside_a_line_is_not_a_smaller_file():
    body = file_of(PAYMENT, REFUND, PAYOUT, TOTAL)
    ends = [place + 1 for place, byte in enumerate(body) if byte == ord("\n")]
    for end in set(range(1, len(body))) - set(ends):
        assert problems(body[:end])


def test_a_file_cut_between_lines_that_had_a_sum_is_told_by_the_next_whole_one():
    """Nothing in it says that more was there; what it has is right, and what it lacks stays missing."""
    assert len(read(file_of(PAYMENT, REFUND))) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"\r\n;;;\r\n", "empty"),
        (file_of(), "empty"),
        (b"PK\x03\x04 and more", "archive"),
        ("Data;Typ\n".encode("utf-16"), "encoding"),
        (b"Data;Typ;Kwota\n\x81\x83\n", "encoding"),
        (b"Data;Typ\n1;2\n", "columns"),
        (b"x" * (LARGEST + 1), "too_large"),
        (file_of() + b"\n" * MOST, "too_large"),
        (file_of("x" * 20_000), "too_large"),
    ],
    ids=str,
)
def test_what_is_no_statement_at_all_is_said_in_one_sentence(body, code):
    assert [found for _line, found in problems(body)] == [code]


def test_a_file_of_many_problems_names_the_first_hundred():
    assert len(problems(file_of(*["300746;;;;;;;;"] * 500))) == 100


@given(st.binary(max_size=400))
def test_whatever_is_sent_is_lines_or_reasons_and_never_a_crash(body):
    for sent in (body, file_of(PAYMENT) + body):
        try:
            lines = read(sent)
        except BrokenFile as error:
            lines = error.problems
        assert lines


def test_the_statement_of_the_simulator_has_payments_refunds_and_a_payout_to_the_grosz(
    own_simulator, connect, order, key, until
):
    gateway = connect(own_simulator)
    requests = [order(amount=Money(grosze)) for grosze in (10_000, 9_999, 101)]
    started = [gateway.start(request) for request in requests]
    for each in started:
        own_simulator.pay(each.external_id)
    refund = RefundRequest(uuid4(), key(requests[0], started[0].external_id), Money(333), "nadpłata")
    number = gateway.refund(refund).external_id
    until(lambda: ("refund", -333, "PLN") in own_simulator.money(started[0].external_id))
    made = own_simulator.post("/_sim/pos/300746/payout", {"charge": 11}).json()

    lines = read(own_simulator.statement())

    (payout,) = [line for line in lines if line.kind is K.PAYOUT]
    inside = [line for line in lines if line.payout == payout.external_id]
    assert (payout.external_id, payout.amount.grosze) == (made["payout"], made["amount"])
    assert payout.amount + payout.fee == Money.total(line.amount - line.fee for line in inside)
    assert {line.external_id for line in inside} == {each.external_id for each in started} | {number}
    assert own_simulator.post("/_sim/pos/300746/payout").status_code == 409
    assert own_simulator.get("/_sim/statement", pos="300746", day="27.11.2026")["error"]
