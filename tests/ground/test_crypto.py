"""What was sealed for one gmina and one purpose opens for nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skarbnik.crypto import CannotOpen, KeyRing, new_secret

OLD, NEW = (1, b"o" * 32), (2, b"n" * 32)
RING = KeyRing((OLD,))


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_again(plain):
    assert RING.open("lipowo", "pesel", RING.seal("lipowo", "pesel", plain)) == plain


def test_the_same_secret_sealed_twice_looks_different():
    assert RING.seal("lipowo", "pesel", b"44051401359") != RING.seal("lipowo", "pesel", b"44051401359")


@pytest.mark.parametrize(("tenant", "purpose"), [("debina", "pesel"), ("lipowo", "settings"), ("lipow", "opesel")])
def test_a_secret_of_another_gmina_or_purpose_does_not_open(tenant, purpose):
    sealed = RING.seal("lipowo", "pesel", b"44051401359")

    with pytest.raises(CannotOpen):
        RING.open(tenant, purpose, sealed)


@given(st.data())
def test_a_secret_that_was_touched_does_not_open(data):
    sealed = RING.seal("lipowo", "pesel", b"44051401359")
    at = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, 7))
    touched = sealed[:at] + bytes([sealed[at] ^ (1 << bit)]) + sealed[at + 1 :]

    with pytest.raises(CannotOpen):
        RING.open("lipowo", "pesel", touched)


@given(st.binary(max_size=60))
def test_what_nobody_sealed_does_not_open(junk):
    with pytest.raises(CannotOpen):
        RING.open("lipowo", "pesel", junk)


def test_after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key():
    old = RING.seal("lipowo", "pesel", b"44051401359")
    rotated = KeyRing((NEW, OLD))

    assert rotated.open("lipowo", "pesel", old) == b"44051401359"
    assert rotated.seal("lipowo", "pesel", b"x")[0] == 2
    with pytest.raises(CannotOpen):
        KeyRing((NEW,)).open("lipowo", "pesel", old)


def test_after_a_rotation_people_are_still_found_by_the_key_they_were_kept_with():
    rotated = KeyRing((NEW, OLD))
    kept = RING.keyed_hash("lipowo", "pesel/hash", "44051401359")

    assert rotated.keyed_hash("lipowo", "pesel/hash", "44051401359") != kept
    assert rotated.keyed_hash("lipowo", "pesel/hash", "44051401359", version=1) == kept


def test_two_gminas_cannot_tell_that_they_know_the_same_person():
    hashes = {RING.keyed_hash(tenant, "pesel/hash", "44051401359") for tenant in ("lipowo", "debina", "zalesie")}

    assert len(hashes) == 3


def test_secrets_for_addresses_do_not_repeat():
    secrets = {new_secret() for _ in range(200)}

    assert {len(each) for each in secrets} == {64}
    assert len(secrets) == 200
