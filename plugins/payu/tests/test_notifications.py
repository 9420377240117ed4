"""Only what PayU signed for this POS and what can be understood becomes a hint."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import Forged, NotificationHint, RawNotification
from skarbnik_payu.gateway import PayuGateway
from skarbnik_payu.settings import PayuSettings

KEY = "b6ca15b0d1020e8094d9b5f8d163db54"
OURS = UUID("0f8fad5bd9cb469fa16570867728950e")
REFUND = UUID("7c9e6679742540de944be07fc1f90ae7")
GATEWAY = PayuGateway(PayuSettings("300746", "300746", "c" * 32, KEY), http=None)
ORDER = {
    "order": {
        "orderId": "LDLW5N7MF4140324GUEST000P01",
        "extOrderId": OURS.hex,
        "orderCreateDate": "2026-11-20T12:58:17.443+01:00",
        "merchantPosId": "300746",
        "description": "Opłata",
        "currencyCode": "PLN",
        "totalAmount": "12345",
        "products": [{"name": "Rata", "unitPrice": "12345", "quantity": "1"}],
        "status": "COMPLETED",
    },
    "properties": [{"name": "PAYMENT_ID", "value": "151471228"}],
}
REFUNDED = {
    "orderId": "LDLW5N7MF4140324GUEST000P01",
    "extOrderId": OURS.hex,
    "refund": {
        "refundId": "5000000142",
        "extRefundId": REFUND.hex,
        "amount": "100",
        "currencyCode": "PLN",
        "status": "FINALIZED",
    },
}


def signed(body: bytes, key: str = KEY) -> RawNotification:
    digest = hashlib.md5(body + key.encode()).hexdigest()
    line = f"sender=checkout;signature={digest};algorithm=MD5;content=DOCUMENT"
    return RawNotification(headers={"openpayu-signature": line}, body=body)


def with_order(**changes) -> bytes:
    order = {name: value for name, value in (ORDER["order"] | changes).items() if value is not None}
    return json.dumps({"order": order}).encode()


def test_an_order_is_named_by_both_ids_and_its_status():
    hint = GATEWAY.read_notification(signed(json.dumps(ORDER).encode()))
    assert hint == NotificationHint("order:LDLW5N7MF4140324GUEST000P01:COMPLETED", OURS, "LDLW5N7MF4140324GUEST000P01")


def test_a_refund_names_the_order_beside_it():
    hint = GATEWAY.read_notification(signed(json.dumps(REFUNDED).encode()))
    assert hint == NotificationHint("refund:5000000142:FINALIZED", OURS, "LDLW5N7MF4140324GUEST000P01", REFUND)


def test_a_refund_made_in_the_panel_of_payu_has_no_id_of_ours():
    told = REFUNDED | {"refund": {k: v for k, v in REFUNDED["refund"].items() if k != "extRefundId"}}
    assert GATEWAY.read_notification(signed(json.dumps(told).encode())).refund_id is None


@pytest.mark.parametrize("ext", [None, "SHOP-17", OURS.hex.upper(), str(OURS), 7])
def test_an_order_of_another_program_has_no_transaction_of_ours(ext):
    hint = GATEWAY.read_notification(signed(with_order(extOrderId=ext)))
    assert hint.transaction_id is None
    assert hint.external_id == "LDLW5N7MF4140324GUEST000P01"


@pytest.mark.parametrize("pos_id", ["145227", None, 300746, ""])
def test_an_order_of_another_pos_is_forged_though_our_key_signed_it(pos_id):
    with pytest.raises(Forged):
        GATEWAY.read_notification(signed(with_order(merchantPosId=pos_id)))


def test_a_refund_that_names_another_pos_is_forged():
    with pytest.raises(Forged):
        GATEWAY.read_notification(signed(json.dumps(REFUNDED | {"merchantPosId": "145227"}).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"order": 5}',
        b'{"order": {}}',
        with_order(orderId=None),
        with_order(orderId=17),
        with_order(orderId="A" * 61),
        with_order(orderId="../refunds"),
        with_order(status=None),
        with_order(status="paid!"),
        b'{"orderId": "A1", "refund": {"refundId": "5"}}',
        b'{"refund": {"refundId": "5", "status": "FINALIZED"}}',
    ],
)
def test_a_body_that_is_signed_and_makes_no_sense_is_forged(body):
    with pytest.raises(Forged):
        GATEWAY.read_notification(signed(body))


@given(body=st.binary(), line=st.text(), second=st.text())
def test_nothing_without_our_key_is_ever_accepted(body, line, second):
    with pytest.raises(Forged):
        GATEWAY.read_notification(RawNotification({"openpayu-signature": line, "x-openpayu-signature": second}, body))


@given(key=st.text(alphabet="0123456789abcdef", min_size=1, max_size=64).filter(lambda key: key != KEY))
def test_another_key_is_never_accepted(key):
    with pytest.raises(Forged):
        GATEWAY.read_notification(signed(json.dumps(ORDER).encode(), key))


@given(place=st.integers(0, len(json.dumps(ORDER).encode()) - 1), change=st.integers(1, 255))
def test_any_changed_byte_makes_it_forged(place, change):
    raw = signed(json.dumps(ORDER).encode())
    body = bytearray(raw.body)
    body[place] ^= change
    with pytest.raises(Forged):
        GATEWAY.read_notification(RawNotification(raw.headers, bytes(body)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ODD = st.dictionaries(
    st.sampled_from(["order", "refund", "orderId", "extOrderId", "properties", "merchantPosId"]), JSON
)
ODD_ORDER = st.dictionaries(st.sampled_from(["orderId", "extOrderId", "merchantPosId", "status"]), JSON).map(
    lambda order: {"order": order}
)


@given(body=ODD | ODD_ORDER)
def test_signed_or_not_a_strange_body_ends_as_a_short_hint_or_as_forged(body):
    try:
        hint = GATEWAY.read_notification(signed(json.dumps(body).encode()))
    except Forged:
        return
    assert len(hint.key) <= 120
    assert hint.external_id or hint.transaction_id


@given(status=st.sampled_from(["PENDING", "WAITING_FOR_CONFIRMATION", "COMPLETED", "CANCELED"]), ext=st.uuids())
def test_what_is_rightly_signed_is_read(status, ext):
    hint = GATEWAY.read_notification(signed(with_order(status=status, extOrderId=ext.hex)))
    assert (hint.key, hint.transaction_id) == (f"order:{hint.external_id}:{status}", ext)
