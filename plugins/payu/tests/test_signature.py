"""The signature, computed here by hand over literal bytes."""

from __future__ import annotations

import hashlib

import pytest

from skarbnik.plugin_api import Forged
from skarbnik_payu.signature import check_signature

KEY = "b6ca15b0d1020e8094d9b5f8d163db54"
BODY = '{"order":{"orderId":"WZHF5FFDRJ140731GUEST000P01","description":"Opłata ąę"}}\n'.encode()
MD5 = hashlib.md5(BODY + b"b6ca15b0d1020e8094d9b5f8d163db54").hexdigest()


def headers(signature: str = MD5, algorithm: str = "MD5", name: str = "openpayu-signature") -> dict[str, str]:
    return {name: f"sender=checkout;signature={signature};algorithm={algorithm};content=DOCUMENT"}


def test_a_signature_worked_out_elsewhere_is_accepted():
    line = "sender=checkout;signature=945a9ab7393016e6f40c362ab453d62d;algorithm=MD5;content=DOCUMENT"
    check_signature({"openpayu-signature": line}, b"{}", "0123456789abcdef")


@pytest.mark.parametrize(
    ("word", "function"),
    [
        ("MD5", hashlib.md5),
        ("md5", hashlib.md5),
        ("SHA", hashlib.sha256),
        ("SHA256", hashlib.sha256),
        ("SHA-256", hashlib.sha256),
        ("sha-384", hashlib.sha384),
        ("SHA-512", hashlib.sha512),
    ],
)
def test_each_algorithm_payu_may_use_is_accepted_in_any_case(word, function):
    check_signature(headers(function(BODY + KEY.encode()).hexdigest(), word), BODY, KEY)


@pytest.mark.parametrize("word", ["SHA-1", "SHA1", "", "CRC32", "none"])
def test_an_algorithm_we_do_not_know_is_refused(word):
    digest = hashlib.sha1(BODY + KEY.encode()).hexdigest()
    with pytest.raises(Forged):
        check_signature(headers(digest, word), BODY, KEY)


def test_a_missing_algorithm_is_refused():
    with pytest.raises(Forged):
        check_signature({"openpayu-signature": f"sender=checkout;signature={MD5}"}, BODY, KEY)


def test_the_parts_may_come_in_any_order_and_end_with_a_semicolon():
    line = f"content=DOCUMENT; algorithm=MD5 ;signature={MD5};sender=checkout;"
    check_signature({"openpayu-signature": line}, BODY, KEY)


def test_the_second_header_is_read_when_the_first_is_absent():
    check_signature(headers(name="x-openpayu-signature"), BODY, KEY)


def test_a_good_second_header_does_not_save_a_bad_first_one():
    both = headers("0" * 32) | headers(name="x-openpayu-signature")
    with pytest.raises(Forged):
        check_signature(both, BODY, KEY)


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", f"signature={MD5};signature={MD5};algorithm=MD5", f"signature={MD5.upper()};algorithm=MD5"],
)
def test_a_header_that_is_not_as_payu_writes_it_is_refused(line):
    with pytest.raises(Forged):
        check_signature({"openpayu-signature": line}, BODY, KEY)


def test_without_any_header_nothing_is_accepted():
    with pytest.raises(Forged):
        check_signature({}, BODY, KEY)


def test_the_key_is_appended_and_not_put_before_nor_used_as_hmac():
    before = hashlib.md5(KEY.encode() + BODY).hexdigest()
    with pytest.raises(Forged):
        check_signature(headers(before), BODY, KEY)
    keyed = hashlib.blake2b(BODY, key=KEY.encode(), digest_size=16).hexdigest()
    with pytest.raises(Forged):
        check_signature(headers(keyed), BODY, KEY)


@pytest.mark.parametrize("changed", [BODY.strip(), BODY + b" ", BODY.replace(b":", b": "), b""])
def test_the_body_is_taken_as_it_came_to_the_last_byte(changed):
    with pytest.raises(Forged):
        check_signature(headers(), changed, KEY)


def test_an_empty_second_key_signs_nothing():
    with pytest.raises(Forged):
        check_signature(headers(hashlib.md5(BODY).hexdigest()), BODY, "")


def test_a_signature_with_letters_of_other_alphabets_is_refused_quietly():
    with pytest.raises(Forged):
        check_signature(headers("ł" * 32), BODY, KEY)
