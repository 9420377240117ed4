"""Second factors: each proof counts once, and each is somebody's in one gmina."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from skarbnik import clock
from skarbnik.accounts import codes, factors
from skarbnik.accounts.models import FactorKind, SecondFactor
from skarbnik.crypto import CannotOpen
from skarbnik.errors import Conflict, NotFound

# RFC 6238, appendix B, SHA-1, the last six of its eight digits
RFC_KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


@pytest.mark.parametrize(("moment", "expected"), RFC_CODES)
def test_codes_are_those_of_the_standard(moment, expected):
    assert codes.code_at(RFC_KEY, moment) == expected


def use(tenant, user, given):
    with tenant.session() as session:
        return factors.use_code(session, tenant, user.id, given)


def test_a_code_counts_once(tenant, official, code, noon):
    halina = official()
    assert use(tenant, halina, code(halina)) is FactorKind.TOTP
    with pytest.raises(factors.WrongCode):
        use(tenant, halina, code(halina))


def test_codes_of_the_step_before_and_after_count_and_none_further_away(tenant, official, code, noon):
    for steps, counts in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        halina = official()
        if counts:
            assert use(tenant, halina, code(halina, steps)) is FactorKind.TOTP
        else:
            with pytest.raises(factors.WrongCode):
                use(tenant, halina, code(halina, steps))


def test_after_a_code_of_the_next_step_the_one_of_now_is_worth_nothing(tenant, official, code, noon):
    halina = official()
    use(tenant, halina, code(halina, 1))
    with pytest.raises(factors.WrongCode):
        use(tenant, halina, code(halina))
    with clock.stopped_at(noon + timedelta(seconds=60)):
        use(tenant, halina, code(halina))


def test_two_who_send_the_same_code_at_once_are_one(tenant, official, code, noon):
    halina = official()
    typed, start, came_in = code(halina), threading.Barrier(4), []

    def send():
        with clock.stopped_at(noon):
            start.wait()
            try:
                came_in.append(use(tenant, halina, typed))
            except factors.WrongCode:
                came_in.append(None)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(came_in, key=str) == [None, None, None, FactorKind.TOTP]


def test_the_key_of_an_app_is_nowhere_to_be_read(tenant, official):
    halina = official()
    with tenant.session() as session:
        kept = session.get_one(SecondFactor, (halina.id, factors.APP)).secret
    assert halina.key.encode() not in kept
    with pytest.raises(CannotOpen):
        tenant.open_sealed("another purpose", kept)


def test_a_key_that_was_moved_to_somebody_else_opens_nothing(tenant, official, code, noon):
    halina, jan = official(), official()
    with tenant.session() as session:
        stolen = session.get_one(SecondFactor, (jan.id, factors.APP)).secret
        session.get_one(SecondFactor, (halina.id, factors.APP)).secret = stolen
    with pytest.raises(factors.WrongCode):
        use(tenant, halina, code(jan))


@pytest.mark.parametrize("typed", ["", "000000", "12345", "1234567", "x" * 500, "ąęć", "١٢٣٤٥٦", "\x00", "12 34"])
def test_what_is_no_code_is_wrong_and_changes_nothing(tenant, official, code, noon, typed):
    halina = official()
    with pytest.raises(factors.WrongCode):
        use(tenant, halina, typed)
    assert use(tenant, halina, code(halina)) is FactorKind.TOTP


def test_who_has_no_app_has_no_code(tenant, official):
    with pytest.raises(factors.WrongCode):
        use(tenant, official(app=False), "123456")


def make_codes(tenant, user):
    with tenant.session() as session:
        return factors.make_recovery_codes(session, user.id)


def test_ten_recovery_codes_count_once_each_however_they_are_typed(tenant, official):
    halina = official()
    codes = make_codes(tenant, halina)
    assert len(set(codes)) == 10
    typed = [codes[0], codes[1].lower(), codes[2].replace("-", ""), f" {codes[3].replace('-', ' ')} "]
    for each in typed:
        assert use(tenant, halina, each) is FactorKind.RECOVERY
        with pytest.raises(factors.WrongCode):
            use(tenant, halina, each)
    with tenant.session() as session:
        assert factors.count_recovery_codes(session, halina.id) == 6


def test_a_new_set_ends_the_old_one(tenant, official):
    halina = official()
    old = make_codes(tenant, halina)
    new = make_codes(tenant, halina)
    with pytest.raises(factors.WrongCode):
        use(tenant, halina, old[0])
    assert use(tenant, halina, new[0]) is FactorKind.RECOVERY


def test_a_recovery_code_of_somebody_else_or_of_another_gmina_is_wrong(tenant, neighbour, official):
    halina, jan, foreign = official(), official(), official(slug=neighbour)
    for others in (make_codes(tenant, jan), make_codes(neighbour, foreign)):
        with pytest.raises(factors.WrongCode):
            use(tenant, halina, others[0])


def test_only_hashes_of_recovery_codes_are_kept(tenant, official):
    halina = official()
    codes = make_codes(tenant, halina)
    with tenant.session() as session:
        kept = str(session.execute(select(SecondFactor.mark, SecondFactor.secret)).all())
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def passkey(session, user, number=0):
    identity = bytes([number]) * 20
    factors.add_passkey(
        session, user.id, name=f"Klucz {number}", credential_id=identity, public_key=b"key", signatures=0
    )
    return factors.mark_of(identity)


def test_an_official_keeps_one_factor_and_a_resident_need_not(tenant, official, resident):
    halina, anna = official(), resident(app=True)
    with tenant.session() as session:
        factors.make_recovery_codes(session, anna.id)
        with pytest.raises(factors.LastFactor):
            factors.remove_factor(session, halina, factors.APP)
        mark = passkey(session, halina)
        factors.remove_factor(session, halina, factors.APP)
        with pytest.raises(factors.LastFactor):
            factors.remove_factor(session, halina, mark)
        factors.remove_factor(session, anna, factors.APP)
        assert not factors.needs_second(session, anna)
        assert factors.count_recovery_codes(session, anna.id) == 0


def test_two_factors_removed_at_once_leave_an_official_one(tenant, official):
    halina = official()
    with tenant.session() as session:
        marks = [factors.APP, passkey(session, halina)]
    start, left = threading.Barrier(2), []

    def remove(mark):
        start.wait()
        try:
            with tenant.session() as session:
                factors.remove_factor(session, halina, mark)
        except factors.LastFactor:
            left.append(mark)

    threads = [threading.Thread(target=remove, args=(mark,)) for mark in marks]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with tenant.session() as session:
        assert [each.mark for each in factors.list_factors(session, halina.id)] == left


def test_nobody_removes_what_is_somebody_elses(tenant, official):
    halina, jan = official(), official()
    with tenant.session() as session:
        mark = passkey(session, jan)
        with pytest.raises(NotFound):
            factors.remove_factor(session, halina, mark)


def test_passkeys_are_many_but_not_without_end_and_none_is_there_twice(tenant, official):
    halina = official(app=False)
    with tenant.session() as session:
        for number in range(factors.MOST_PASSKEYS):
            passkey(session, halina, number)
        with pytest.raises(Conflict, match="there already"):
            passkey(session, halina, 0)
        with pytest.raises(factors.TooManyPasskeys):
            passkey(session, halina, 99)


def test_a_passkey_that_counts_must_count_on(tenant, official):
    halina = official(app=False)
    with tenant.session() as session:
        passkey(session, halina)
        found = factors.find_passkey(session, halina.id, bytes([0]) * 20)
        for signatures, counts in ((0, True), (0, True), (5, True), (5, False), (4, False), (0, False), (6, True)):
            if counts:
                factors.mark_passkey_used(session, found, signatures=signatures)
            else:
                with pytest.raises(factors.WrongCode):
                    factors.mark_passkey_used(session, found, signatures=signatures)


def test_what_was_lost_is_taken_away_whole(tenant, official):
    halina, jan = official(), official()
    make_codes(tenant, halina)
    with tenant.session() as session:
        assert factors.take_factors(session, halina.id) == 11
        assert factors.take_factors(session, halina.id) == 0
        assert factors.has_factor(session, jan.id)


@pytest.mark.parametrize(
    "words",
    [
        {"kind": FactorKind.TOTP, "mark": "x", "secret": b"s"},
        {"kind": FactorKind.PASSKEY, "mark": factors.APP, "secret": b"s", "name": "n", "credential_id": b"c"},
        {"kind": FactorKind.PASSKEY, "mark": "x", "secret": b"s", "name": "n"},
        {"kind": FactorKind.PASSKEY, "mark": "x", "name": "n", "credential_id": b"c"},
        {"kind": FactorKind.PASSKEY, "mark": "x", "secret": b"s", "name": "n", "credential_id": b"c" * 1024},
        {"kind": FactorKind.PASSKEY, "mark": "x", "secret": b"s" * 1101, "name": "n", "credential_id": b"c"},
        {"kind": FactorKind.RECOVERY, "mark": "x", "secret": b"s"},
        {"kind": FactorKind.RECOVERY, "mark": "x", "name": "n"},
        {"kind": FactorKind.RECOVERY, "mark": "x", "counter": -1},
    ],
)
def test_the_database_refuses_what_no_factor_is(tenant, official, words):
    halina = official(app=False)
    with pytest.raises(IntegrityError), tenant.session() as session:
        session.add(SecondFactor(user_id=halina.id, created_at=clock.now(), **words))


def test_a_code_seals_the_key_of_its_app_anew_when_the_instance_has_a_newer_one(
    tenant, official, code, noon, monkeypatch
):
    halina = official()
    with tenant.session() as session:
        before = session.get_one(SecondFactor, (halina.id, factors.APP)).secret
    use(tenant, halina, code(halina))
    with tenant.session() as session:
        assert session.get_one(SecondFactor, (halina.id, factors.APP)).secret == before
    monkeypatch.setattr(tenant.instance.keys, "current", tenant.instance.keys.current + 1)
    ring = tenant.instance.keys
    monkeypatch.setattr(ring, "_keys", {**ring._keys, ring.current: b"n" * 32})
    use(tenant, halina, code(halina, 1))
    with tenant.session() as session:
        assert session.get_one(SecondFactor, (halina.id, factors.APP)).secret[0] == ring.current
