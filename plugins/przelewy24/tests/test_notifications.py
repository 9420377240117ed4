"""Only what is signed with this point's CRC key, made for it and can be understood becomes a hint."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import Forged, NotificationHint, RawNotification
from skarbnik_przelewy24.gateway import Przelewy24Gateway
from skarbnik_przelewy24.settings import Przelewy24Settings

CRC = "fedcba9876543210"
OURS = UUID("0f8fad5bd9cb469fa16570867728950e")
REFUND = UUID("7c9e6679742540de944be07fc1f90ae7")
GATEWAY = Przelewy24Gateway(Przelewy24Settings("99000", "99001", "a" * 32, CRC, "urzad@example.pl"), http=None)
PAID = {
    "merchantId": 99000,
    "posId": 99001,
    "sessionId": OURS.hex,
    "amount": 12345,
    "originAmount": 12345,
    "currency": "PLN",
    "orderId": 4300000001,
    "methodId": 154,
    "statement": "p24-A1 opłata",
}
REFUNDED = {
    "orderId": 4300000001,
    "sessionId": OURS.hex,
    "refundsUuid": REFUND.hex,
    "merchantId": 99000,
    "amount": 100,
    "currency": "PLN",
    "status": 0,
}


def signed(told: dict, crc: str = CRC) -> dict:
    """Signed here in the order the values stand above."""
    text = json.dumps(told | {"crc": crc}, separators=(",", ":"), ensure_ascii=False)
    return told | {"sign": hashlib.sha384(text.encode()).hexdigest()}


def raw(told: dict, **how) -> RawNotification:
    return RawNotification(headers={}, body=json.dumps(told, **how).encode())


def read(told: dict) -> NotificationHint:
    return GATEWAY.read_notification(raw(told))


def test_a_payment_is_named_by_our_id_and_their_number():
    assert read(signed(PAID)) == NotificationHint("payment:4300000001", OURS, OURS.hex)


def test_a_refund_is_named_by_the_id_that_is_signed():
    told = signed(REFUNDED) | {"requestId": "another", "timestamp": 1764249600}
    assert read(told) == NotificationHint(f"refund:4300000001:{REFUND.hex}:0", OURS, OURS.hex, REFUND)


def test_the_end_of_a_refund_and_its_rejection_are_two_events():
    keys = {read(signed(REFUNDED | {"status": status})).key for status in (0, 1)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "how", [{"ensure_ascii": False}, {"indent": 2}, {"sort_keys": True}, {"separators": (",", ":")}]
)
def test_how_the_values_are_written_does_not_matter(how):
    assert GATEWAY.read_notification(raw(signed(PAID), **how)).transaction_id == OURS


def test_new_members_are_passed_over():
    assert read(signed(PAID) | {"news": {"a": [1]}}).transaction_id == OURS


def test_headers_prove_nothing_and_are_not_read():
    body = raw(signed(PAID)).body
    assert GATEWAY.read_notification(RawNotification({"x-forwarded-for": "5.252.202.254"}, body)).transaction_id == OURS
    with pytest.raises(Forged):
        GATEWAY.read_notification(RawNotification({"x-forwarded-for": "5.252.202.254"}, raw(PAID).body))


@pytest.mark.parametrize("session", ["SHOP-17", OURS.hex.upper(), str(OURS)])
def test_a_payment_of_another_program_has_no_transaction_of_ours(session):
    hint = read(signed(PAID | {"sessionId": session}))
    assert (hint.transaction_id, hint.external_id) == (None, session)


@pytest.mark.parametrize(("name", "value"), [("merchantId", 99002), ("posId", 99002)])
def test_a_payment_of_another_point_of_sale_is_forged_though_our_key_signed_it(name, value):
    with pytest.raises(Forged, match="another point"):
        read(signed(PAID | {name: value}))


def test_a_refund_of_another_merchant_is_forged_though_our_key_signed_it():
    with pytest.raises(Forged, match="another merchant"):
        read(signed(REFUNDED | {"merchantId": 99002}))


def test_a_payment_with_an_amount_changed_after_signing_is_forged():
    with pytest.raises(Forged):
        read(signed(PAID) | {"amount": 1})


def test_a_sign_of_another_payment_is_forged():
    with pytest.raises(Forged):
        read(PAID | {"sign": signed(PAID | {"orderId": 4300000002})["sign"]})


def test_a_sign_made_with_the_key_we_ask_with_is_forged():
    with pytest.raises(Forged):
        read(signed(PAID, "a" * 32))


def test_a_payment_without_a_sign_is_forged():
    with pytest.raises(Forged):
        read(PAID)


def test_a_payment_dressed_as_a_refund_is_forged():
    with pytest.raises(Forged):
        read(signed(PAID) | {"refundsUuid": REFUND.hex, "status": 0})


def test_a_refund_without_its_id_is_no_payment():
    told = {name: value for name, value in signed(REFUNDED).items() if name != "refundsUuid"}
    with pytest.raises(Forged):
        read(told)


def test_numbers_written_as_texts_are_forged_though_signed_as_such():
    with pytest.raises(Forged):
        read(signed({name: str(value) for name, value in PAID.items()}))


def test_a_name_that_stands_twice_is_forged_whichever_of_both_was_signed():
    body = raw(signed(PAID)).body
    for twice in (body[:-1] + b', "amount": 12345}', b'{"amount": 1, ' + body[1:]):
        with pytest.raises(Forged, match="no JSON object"):
            GATEWAY.read_notification(RawNotification({}, twice))


def test_a_form_instead_of_json_is_forged():
    form = "&".join(f"p24_{name}={value}" for name, value in signed(PAID).items())
    with pytest.raises(Forged):
        GATEWAY.read_notification(RawNotification({"content-type": "application/x-www-form-urlencoded"}, form.encode()))


@pytest.mark.parametrize("session", ["", "a" * 101, "a b", "ąę", "a\nb"])
def test_a_session_that_cannot_be_theirs_is_forged_though_signed(session):
    with pytest.raises(Forged):
        read(signed(PAID | {"sessionId": session}))


@pytest.mark.parametrize("order_id", [0, -4300000001])
def test_a_number_that_cannot_be_theirs_is_forged_though_signed(order_id):
    with pytest.raises(Forged):
        read(signed(PAID | {"orderId": order_id}))


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b"5", b"null", b"{}", b"\xff\xfe", b"[" * 200_000, b'{"amount": ' + b"9" * 5000 + b"}"],
)
def test_a_body_that_makes_no_sense_is_forged(body):
    with pytest.raises(Forged):
        GATEWAY.read_notification(RawNotification({}, body))


def test_money_that_is_not_what_was_registered_is_still_news():
    """Whether it counts is asked; a notification is a hint and no proof."""
    hint = read(signed(PAID | {"amount": 1, "currency": "EUR"}))
    assert hint.transaction_id == OURS


@given(body=st.binary())
def test_nothing_without_our_key_is_ever_accepted(body):
    with pytest.raises(Forged):
        GATEWAY.read_notification(RawNotification({}, body))


@given(crc=st.text(alphabet="0123456789abcdef", min_size=1, max_size=40).filter(lambda crc: crc != CRC))
def test_another_key_is_never_accepted(crc):
    with pytest.raises(Forged):
        read(signed(PAID, crc))


BODY = raw(signed(PAID), separators=(",", ":")).body


@given(place=st.integers(0, len(BODY) - 1), change=st.integers(1, 255))
def test_a_changed_byte_makes_it_forged_or_changes_no_value(place, change):
    body = bytearray(BODY)
    body[place] ^= change
    try:
        hint = GATEWAY.read_notification(RawNotification({}, bytes(body)))
    except Forged:
        return
    assert json.loads(bytes(body)) == json.loads(BODY)
    assert hint.transaction_id == OURS


TEXT = st.text('aąć /\\"\n', max_size=12)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(st.integers(), max_size=2)
ODD = st.dictionaries(st.sampled_from([*PAID, "refundsUuid", "status"]), VALUES)


@given(changes=ODD)
def test_a_strange_body_ends_as_forged_or_as_a_short_hint(changes):
    try:
        hint = read(signed(PAID | changes))
    except Forged:
        return
    assert len(hint.key) <= 120
    assert hint.external_id


@given(session=st.uuids(), amount=st.integers(1, 10**12), order=st.integers(1, 2**63 - 1), statement=TEXT)
def test_what_is_rightly_signed_is_read(session, amount, order, statement):
    told = PAID | {"sessionId": session.hex, "amount": amount, "orderId": order, "statement": statement}
    hint = read(signed(told))
    assert (hint.key, hint.transaction_id) == (f"payment:{order}", session)
