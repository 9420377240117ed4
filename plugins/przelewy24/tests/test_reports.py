"""The report of a day: payments, refunds and payouts, whatever way Przelewy24 writes its rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest

from skarbnik.plugin_api import WARSAW, ExternalSystemError, Money, RefundRequest, SettlementKind, today

DAY = date(2026, 11, 27)
NOON = datetime(2026, 11, 27, 12, tzinfo=WARSAW)
EMPTY = {"data": [], "token": ""}


@pytest.fixture
def paid(gateway, simulator, order, key):
    """`paid(grosze)`: a payment somebody made and we verified."""

    def make(grosze=12_345):
        request = order(amount=Money(grosze))
        gateway.start(request)
        simulator.pay(request.transaction_id.hex)
        gateway.fetch(key(request, request.transaction_id.hex))
        return request

    return make


@pytest.fixture
def report(gateway):
    """Lines of today by kind and number."""

    def read(day=None):
        return {(line.kind, line.external_id): line for line in gateway.settlement_report(day or today())}

    return read


def row(details, amount=12_345, currency="PLN"):
    return {"amount": amount, "currency": currency, "details": details}


def transaction(session, **more):
    words = {"ordrId": 1, "sessionId": session, "status": 2, "dateOfTransaction": "2026-11-27 12:00:00", "fee": 123}
    return words | more


def test_the_report_of_a_day_has_each_verified_payment_once_over_all_its_pages(gateway, simulator, order, paid, report):
    made = [paid() for _ in range(7)]
    unpaid, advance = order(), order()
    for request in (unpaid, advance):
        gateway.start(request)
    simulator.pay(advance.transaction_id.hex)

    lines = report()

    told = {line.transaction_id for (kind, _number), line in lines.items() if kind is SettlementKind.PAYMENT}
    assert {request.transaction_id for request in made} <= told
    assert not {unpaid.transaction_id, advance.transaction_id} & told
    first = lines[SettlementKind.PAYMENT, made[0].transaction_id.hex]
    assert (first.amount, first.currency, first.fee) == (Money(12_345), "PLN", Money(123))
    assert abs(first.happened_at - datetime.now(WARSAW)) < timedelta(minutes=2)
    assert report(date(2020, 1, 1)) == {}


def test_a_payout_comes_with_all_it_paid_out_to_the_grosz(own_simulator, connect, order, key, until):
    gateway = connect(own_simulator)
    requests = [order(amount=Money(grosze)) for grosze in (10_000, 9_999, 5_001, 777, 100, 1_234)]
    for request in requests:
        gateway.start(request)
        own_simulator.pay(request.transaction_id.hex)
        gateway.fetch(key(request, request.transaction_id.hex))
    asked = RefundRequest(uuid4(), key(requests[0], requests[0].transaction_id.hex), Money(400), "nadpłata")
    gateway.refund(asked)
    own_simulator.post(f"/_sim/transactions/{requests[1].transaction_id.hex}/refund", {"amount": 99}).raise_for_status()
    until(lambda: own_simulator.transactions(requests[0].transaction_id.hex)[0]["refunds"][0]["status"] == 1)
    made = own_simulator.post("/_sim/points/99001/payout", {"charge": 55}).json()

    lines = gateway.settlement_report(today())

    (payout,) = [line for line in lines if line.kind is SettlementKind.PAYOUT]
    inside = [line for line in lines if line.payout == payout.external_id]
    assert (payout.external_id, payout.amount.grosze, payout.fee) == (str(made["batchId"]), made["amount"], Money(55))
    assert len(inside) == 8
    assert payout.amount + payout.fee == Money.total(line.amount - line.fee for line in inside)
    back = {line.refund_id: line for line in inside if line.kind is SettlementKind.REFUND}
    assert {refund: line.amount.grosze for refund, line in back.items()} == {asked.refund_id: -400, None: -99}
    assert all(line.payment is not None for line in back.values())


def test_what_is_not_there_to_pay_out_is_refused_by_the_simulator(own_simulator):
    assert own_simulator.post("/_sim/points/99001/payout").status_code == 409
    assert own_simulator.post("/_sim/points/99001/payout", {"charge": "x"}).status_code == 400
    assert own_simulator.post("/_sim/points/1/payout").status_code == 400
    assert own_simulator.post("/_sim/transactions/unknown/refund").status_code == 409


@pytest.mark.parametrize("fault", ["report_doubled", "report_reversed"])
def test_rows_may_be_doubled_turned_round_and_written_as_texts(simulator, paid, report, fault):
    made = [paid() for _ in range(6)]
    before = report()

    simulator.fault(fault, next=100)

    assert report() == before
    assert {request.transaction_id.hex for request in made} <= {number for _kind, number in before}


def test_a_row_that_is_missing_or_wrong_is_told_right_the_next_time(own_simulator, connect, order, key):
    gateway, request = connect(own_simulator), order()
    gateway.start(request)
    own_simulator.pay(request.transaction_id.hex)
    gateway.fetch(key(request, request.transaction_id.hex))
    own_simulator.fault("report_missing")
    assert gateway.settlement_report(today()) == []
    own_simulator.fault("report_wrong_amount", value=-45)
    assert [line.amount for line in gateway.settlement_report(today())] == [Money(12_300)]
    assert [line.amount for line in gateway.settlement_report(today())] == [Money(12_345)]


@pytest.mark.parametrize(
    "nest",
    [
        lambda rows: rows,
        lambda rows: {"transactions": rows},
        lambda rows: [{"x": rows}],
        lambda rows: [each | {"details": [each["details"]]} for each in rows],
    ],
)
def test_the_report_is_read_however_its_rows_are_nested(wire, nest):
    ours = uuid4()
    rows = [
        row(transaction(ours.hex)),
        row(transaction("SHOP-17", ordrId="4300000002", fee="7"), amount="500"),
        row(transaction("0" * 32, status=1)),
        row(transaction("1" * 32, ordrId=0)),
        row({"refundId": 5, "orderId": 1, "requestId": "", "status": 1, "dateOut": "2026-11-27 12:00:00"}, amount=99),
        row({"refundId": 6, "orderId": 1, "requestId": "", "status": 2, "dateOut": ""}, amount=98),
        row({"batchId": 7, "dateIn": "2026-11-27 12:00:00", "dateOut": ""}, amount=97),
    ]
    gateway, http = wire(wire.answer(200, {"data": nest(rows), "token": ""}))

    lines = gateway.settlement_report(DAY)

    assert [(line.kind, line.external_id, line.amount.grosze, line.fee.grosze) for line in lines] == [
        (SettlementKind.PAYMENT, ours.hex, 12_345, 123),
        (SettlementKind.PAYMENT, "4300000002", 500, 7),
        (SettlementKind.REFUND, "5", -99, 0),
    ]
    assert [line.transaction_id for line in lines] == [ours, None, None]
    assert (lines[2].payment, lines[2].refund_id, lines[2].happened_at) == ("1", None, NOON)
    assert http.asked[0][1].endswith("/report/history?dateFrom=20261127&dateTo=20261127")


def test_a_row_without_an_amount_is_completed_by_the_transaction_itself(wire):
    key = wire.key(wire.request(), "x")
    rows = [transaction(key.transaction_id.hex)]
    gateway, _http = wire(wire.answer(200, {"data": rows, "token": ""}), wire.transaction(key, status=2, amount=777))

    (line,) = gateway.settlement_report(DAY)

    assert (line.amount, line.currency, line.transaction_id) == (Money(777), "PLN", key.transaction_id)


def test_the_pages_of_a_payout_are_asked_for_with_its_number_and_a_token(wire):
    batch = row({"batchId": 7, "dateOut": "2026-11-27 12:00:00", "charge": "0"}, amount=12_222)
    first = {"overall": batch, "transactions": [row(transaction("2" * 32))], "refunds": []}
    gateway, http = wire(
        wire.answer(200, {"data": [batch, batch], "token": ""}),
        wire.answer(200, {"data": first, "token": "next page"}),
        wire.answer(200, {"data": {"transactions": [row(transaction("3" * 32, ordrId=2))]}, "token": ""}),
    )

    lines = gateway.settlement_report(DAY)

    assert [(line.kind.value, line.external_id[:1], line.payout) for line in lines] == [
        ("payout", "7", None),
        ("payment", "2", "7"),
        ("payment", "3", "7"),
    ]
    assert [asked[1].partition("/report/")[2] for asked in http.asked[1:]] == [
        "batch/details?batch=7",
        "batch/details?batch=7&token=next%20page",
    ]


@pytest.mark.parametrize("amount", [None, 0, -5, "1e9", 12.5, True, "12,00"])
def test_an_amount_that_cannot_be_understood_is_an_error_and_no_amount(wire, amount):
    refund = {"refundId": 5, "orderId": 1, "requestId": "", "status": 1}
    gateway, _http = wire(wire.answer(200, {"data": [row(refund, amount=amount)], "token": ""}))

    with pytest.raises(ExternalSystemError):
        gateway.settlement_report(DAY)


def test_a_report_that_names_its_own_page_again_ends(wire):
    page = wire.answer(200, {"data": [], "token": "same"})
    gateway, http = wire(page, page)
    assert gateway.settlement_report(DAY) == []
    assert len(http.asked) == 2


@pytest.mark.parametrize("data", [None, "x", 5, [], {}, [[[]]], [{"details": "x"}], [{"amount": 1, "details": [5]}]])
def test_a_report_without_rows_has_no_lines(wire, data):
    gateway, _http = wire(wire.answer(200, {"data": data, "token": ""}))
    assert gateway.settlement_report(DAY) == []
