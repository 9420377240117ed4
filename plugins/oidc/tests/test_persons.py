"""From claims to a person, as the office maps them."""

from datetime import date, timedelta

import pytest
from plugins.oidc.tests.forge import NOW, PESEL, Bank, SignIn, pesel

from skarbnik.clock import stopped_at
from skarbnik.plugin_api import Assurance


@pytest.fixture(autouse=True)
def noon():
    with stopped_at(NOW):
        yield


def told(claims, **changes):
    bank = Bank()
    bank.claims = claims
    return SignIn(bank, **changes)


def test_a_person_is_read_by_the_names_of_the_office():
    claims = {"imie": " Jan\tMaria ", "nazwisko": "Wysoki\u202e\ud800", "urodzony": "1987-02-22", "pesel": PESEL}
    person = told(
        claims,
        given_name_claim="imie",
        family_name_claim="nazwisko",
        birth_claim="urodzony",
        pesel_claim="pesel",
        pesel_when="",
    ).finish()

    assert (person.given_name, person.family_name) == ("Jan Maria", "Wysoki")
    assert (person.born_on, person.pesel, person.nip) == (date(1987, 2, 22), PESEL, None)
    assert person.level is Assurance.SUBSTANTIAL
    assert person.session == ""


NOBODIES = {
    "a check digit that is wrong": ({"nin": PESEL[:-1] + str((int(PESEL[-1]) + 1) % 10)}, "pesel"),
    "a letter": ({"nin": "8702221231A"}, "pesel"),
    "digits of another script": ({"nin": "".join(chr(0x660 + int(each)) for each in PESEL)}, "pesel"),
    "too short": ({"nin": PESEL[:-1]}, "pesel"),
    "another day of birth": ({"birthdate": "1987-02-23"}, "pesel_birth"),
    "another century": ({"nin": pesel("2087-02-22", 1231)}, "pesel_birth"),
    "no day of birth": ({"birthdate": None}, "pesel_birth"),
    "a year of birth alone": ({"birthdate": "1987"}, "pesel_birth"),
    "a day that is none": ({"birthdate": "1987-02-30"}, "pesel_birth"),
    "of another country": ({"nin_issuing_country": "DE"}, "without_pesel"),
    "of no country": ({"nin_issuing_country": None}, "without_pesel"),
    "of a company": ({"nin_type": "COMPANY"}, "without_pesel"),
    "none at all": ({"nin": None}, "without_pesel"),
    "an empty one": ({"nin": ""}, "without_pesel"),
}


@pytest.mark.parametrize(("claims", "check"), NOBODIES.values(), ids=NOBODIES)
def test_a_pesel_that_is_not_surely_right_makes_no_account(claims, check):
    assert told(claims).refusal() == ("nobody", check)


def test_a_long_name_is_cut_and_one_without_end_refused():
    assert told({"given_name": "Ż" * 1000}).finish().given_name == "Ż" * 120
    assert told({"given_name": "Ż" * 1001}).refusal() == ("malformed", "claim")


@pytest.mark.parametrize("claims", [{"nin": int(PESEL)}, {"nin": [PESEL]}, {"given_name": {"pl": "Jan"}}], ids=str)
def test_a_claim_that_is_no_text_is_refused(claims):
    """A number has lost its leading zeros."""
    assert told(claims).refusal() == ("malformed", "claim")


def test_who_has_no_pesel_comes_in_where_the_gmina_wants_it():
    for claims in ({"nin": None}, {"nin_issuing_country": "DE"}):
        person = told(claims, without_pesel=True).finish()
        assert (person.pesel, person.subject) == (None, "jan-u-banku")
    assert told({"nin": "1"}, without_pesel=True).refusal() == ("nobody", "pesel")


def test_a_directory_without_numbers_names_nobody_by_one():
    person = told({}, pesel_claim="", pesel_when="").finish()

    assert (person.pesel, person.given_name) == (None, "Jan")


def test_a_provider_that_tells_no_day_of_birth_is_believed_about_the_number():
    person = told({"birthdate": None}, birth_claim="-").finish()

    assert (person.pesel, person.born_on) == (PESEL, None)


@pytest.mark.parametrize(("nip", "read"), [("5260250274", "5260250274"), ("PL5260250274", "5260250274"), (None, None)])
def test_a_company_is_known_by_its_nip(nip, read):
    assert told({"nip": nip}, nip_claim="nip").finish().nip == read


@pytest.mark.parametrize("nip", ["5260250275", "526-025-02-74", "DE5260250274", "x"])
def test_a_nip_that_cannot_be_right_is_refused(nip):
    assert told({"nip": nip}, nip_claim="nip").refusal() == ("nobody", "nip")


@pytest.mark.parametrize(
    ("claims", "given"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": "mfa"}, True),
        ({"amr": ["not mfa"]}, False),
        ({"amr": "xmfa"}, False),
        ({"amr": None}, False),
        ({"amr": {"mfa": True}}, False),
        ({"acrs": ["p1", "c1"]}, True),
        ({"acrs": ["c10"]}, False),
    ],
    ids=str,
)
def test_a_second_factor_is_what_the_office_agreed_on_and_nothing_like_it(claims, given):
    person = told(claims, second_factor="amr=mfa acrs=c1").finish()

    assert person.second_factor is given


def test_an_answer_is_good_as_long_as_it_is_believed():
    bank = Bank()
    sign_in = SignIn(bank)
    person = sign_in.finish()

    assert person.good_until == NOW + timedelta(minutes=6)
    with stopped_at(person.good_until - timedelta(seconds=1)):
        bank.claims = {each: int(NOW.timestamp()) + more for each, more in (("iat", 0), ("exp", 300))}
        assert sign_in.finish().pesel == PESEL
    with stopped_at(person.good_until):
        assert sign_in.refusal() == ("not_now", "expires")


def test_a_token_that_ends_in_a_year_is_believed_for_minutes():
    person = told({"exp": int(NOW.timestamp()) + 31_536_000}).finish()

    assert person.good_until == NOW + timedelta(minutes=11)
