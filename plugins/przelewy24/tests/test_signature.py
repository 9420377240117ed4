"""The sign, computed here by hand over the literal text that is signed."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.plugin_api import Forged
from skarbnik_przelewy24.signature import NOTIFICATION, REFUND_NOTIFICATION, REGISTER, VERIFY, check_signature, sign

CRC = "fedcba9876543210"
TOLD = {
    "merchantId": 99001,
    "posId": 99001,
    "sessionId": "0f8fad5bd9cb469fa16570867728950e",
    "amount": 12345,
    "originAmount": 12345,
    "currency": "PLN",
    "orderId": 4300000001,
    "methodId": 154,
    "statement": "p24/A1 opłata",
}
TEXT = (
    '{"merchantId":99001,"posId":99001,"sessionId":"0f8fad5bd9cb469fa16570867728950e","amount":12345,'
    '"originAmount":12345,"currency":"PLN","orderId":4300000001,"methodId":154,"statement":"p24/A1 opłata",'
    '"crc":"fedcba9876543210"}'
)
REFUNDED = {
    "orderId": 4300000001,
    "sessionId": "0f8fad5bd9cb469fa16570867728950e",
    "refundsUuid": "7c9e6679742540de944be07fc1f90ae7",
    "merchantId": 99001,
    "amount": 100,
    "currency": "PLN",
    "status": 0,
}
REFUND_TEXT = (
    '{"orderId":4300000001,"sessionId":"0f8fad5bd9cb469fa16570867728950e",'
    '"refundsUuid":"7c9e6679742540de944be07fc1f90ae7","merchantId":99001,"amount":100,"currency":"PLN","status":0,'
    '"crc":"fedcba9876543210"}'
)


def sha384(text: str) -> str:
    return hashlib.sha384(text.encode()).hexdigest()


def check(changes: dict | None = None, **signed) -> None:
    told = TOLD | (changes or {})
    check_signature(told | {"sign": sha384(TEXT)} | signed, NOTIFICATION, CRC)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (
            REGISTER,
            '{"sessionId":"0f8fad5bd9cb469fa16570867728950e","merchantId":99001,"amount":12345,"currency":"PLN",'
            '"crc":"fedcba9876543210"}',
        ),
        (
            VERIFY,
            '{"sessionId":"0f8fad5bd9cb469fa16570867728950e","orderId":4300000001,"amount":12345,"currency":"PLN",'
            '"crc":"fedcba9876543210"}',
        ),
        (NOTIFICATION, TEXT),
    ],
)
def test_what_is_signed_is_this_text_to_the_letter(names, text):
    assert sign(TOLD, names, CRC) == sha384(text)


def test_a_sign_worked_out_elsewhere_is_the_same():
    """By `printf '%s' '{"sessionId":"a","merchantId":1,"amount":1,"currency":"PLN","crc":"k"}' | sha384sum`."""
    values = {"currency": "PLN", "amount": 1, "merchantId": 1, "sessionId": "a"}
    assert sign(values, REGISTER, "k") == (
        "305cce9c6e2dbcbfe0031b06a22bbafe933e44c7d7f0f15b9a3db8c2a87cf5a9c129bc8803edbcfe11eb475c4a8bfa25"
    )


def test_a_notification_signed_as_the_documentation_says_is_accepted():
    check()


def test_a_refund_signed_as_the_documentation_says_is_accepted():
    check_signature(REFUNDED | {"sign": sha384(REFUND_TEXT)}, REFUND_NOTIFICATION, CRC)


@pytest.mark.parametrize("name", NOTIFICATION)
def test_each_signed_value_of_a_notification_counts(name):
    other = TOLD[name] + 1 if isinstance(TOLD[name], int) else TOLD[name] + "x"
    with pytest.raises(Forged):
        check({name: other})


@pytest.mark.parametrize("name", REFUND_NOTIFICATION)
def test_each_signed_value_of_a_refund_counts(name):
    other = REFUNDED[name] + 1 if isinstance(REFUNDED[name], int) else REFUNDED[name] + "x"
    with pytest.raises(Forged):
        check_signature(REFUNDED | {name: other, "sign": sha384(REFUND_TEXT)}, REFUND_NOTIFICATION, CRC)


@pytest.mark.parametrize("name", NOTIFICATION)
def test_a_value_that_is_missing_is_not_signed(name):
    told = {key: value for key, value in TOLD.items() if key != name} | {"sign": sha384(TEXT)}
    with pytest.raises(Forged, match=name):
        check_signature(told, NOTIFICATION, CRC)


@pytest.mark.parametrize("value", ["12345", 12345.0, True, None, [12345], {"a": 1}, 2**63])
def test_a_number_is_a_whole_number_even_when_another_type_is_rightly_signed(value):
    told = TOLD | {"amount": value}
    signed = json.dumps(told | {"crc": CRC}, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(Forged, match="amount"):
        check_signature(told | {"sign": sha384(signed)}, NOTIFICATION, CRC)


@pytest.mark.parametrize("value", [1, None, ["PLN"], True])
def test_a_text_is_a_text_even_when_another_type_is_rightly_signed(value):
    told = TOLD | {"currency": value}
    signed = json.dumps(told | {"crc": CRC}, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(Forged, match="currency"):
        check_signature(told | {"sign": sha384(signed)}, NOTIFICATION, CRC)


@pytest.mark.parametrize(
    "given_sign", [None, "", 5, sha384(TEXT).upper(), sha384(TEXT)[:-1], sha384(TEXT) + "0", "ł" * 96]
)
def test_a_sign_that_is_not_as_they_write_it_is_refused(given_sign):
    with pytest.raises(Forged):
        check(sign=given_sign)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace(":", ": ").replace(",", ", "),
        TEXT.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00"),
        TEXT.replace("/", "\\/"),
        json.dumps(TOLD | {"crc": CRC}, separators=(",", ":"), ensure_ascii=False, sort_keys=True),
        TEXT.replace('"crc":"fedcba9876543210"', '"crc":""'),
    ],
    ids=["spaces", "escaped letters", "escaped slashes", "sorted names", "no key"],
)
def test_the_same_values_written_otherwise_give_another_sign(text):
    with pytest.raises(Forged):
        check(sign=sha384(text))


@pytest.mark.parametrize("function", [hashlib.md5, hashlib.sha256, hashlib.sha512])
def test_only_sha_384_is_taken(function):
    with pytest.raises(Forged):
        check(sign=function(TEXT.encode()).hexdigest())


def test_an_empty_crc_key_signs_nothing():
    empty = sha384(TEXT.replace(CRC, ""))
    with pytest.raises(Forged):
        check_signature(TOLD | {"sign": empty}, NOTIFICATION, "")


def test_half_a_character_is_refused_quietly():
    with pytest.raises(Forged):
        check({"statement": "\ud800"})


def test_line_separators_are_escaped_as_php_escapes_them():
    told = TOLD | {"statement": "a\u2028b\u2029c"}
    text = TEXT.replace("p24/A1 opłata", "a\\u2028b\\u2029c")
    check_signature(told | {"sign": sha384(text)}, NOTIFICATION, CRC)


@given(statement=st.text(alphabet=st.characters(exclude_categories=["Cs"])), amount=st.integers(1, 10**15))
def test_whatever_they_sign_is_read_and_one_grosz_more_is_not(statement, amount):
    told = TOLD | {"statement": statement, "amount": amount}
    told["sign"] = sign(told, NOTIFICATION, CRC)
    check_signature(json.loads(json.dumps(told)), NOTIFICATION, CRC)
    with pytest.raises(Forged):
        check_signature(told | {"amount": amount + 1}, NOTIFICATION, CRC)
