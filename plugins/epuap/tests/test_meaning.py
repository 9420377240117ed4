"""A right signature on the wrong words: another issuer, audience, recipient, question, time, level or person."""

from copy import deepcopy
from datetime import timedelta

import pytest
from plugins.epuap.tests.forge import DEBINA, JAN, LIPOWO, NOW, PERSON, at

from skarbnik.plugin_api import Assurance
from skarbnik_epuap import answers

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"


@pytest.fixture
def opened(monkeypatch):
    """What was decrypted: nothing may be before everything is proven."""
    seen = []
    monkeypatch.setattr(answers, "decrypt", lambda *given: seen.append(given))
    return seen


# Not for us, not asked


@pytest.mark.parametrize(
    ("stage", "check"), [("outer", "message_issuer"), ("response", "message_issuer"), ("assertion", "assertion_issuer")]
)
@pytest.mark.parametrize("name", ["login.gov.pl", "int.login.gov.pl ", "INT.login.gov.pl", ""])
def test_another_issuer_is_refused_wherever_it_stands(stage, check, name):
    def change(element):
        element.find(f"{SAML}Issuer").text = name

    assert LIPOWO.refusal(LIPOWO.answer(at(stage, change))) == ("not_for_us", check)


def _second_audience(assertion):
    conditions = assertion.find(f"{SAML}Conditions")
    again = deepcopy(conditions[0])
    again[0].text = "https://debina.example"
    conditions.append(again)


AUDIENCES = {
    "another": lambda a: a.find(f".//{SAML}Audience").__setattr__("text", "https://lipowo.example/"),
    "none": lambda a: a.find(f"{SAML}Conditions").clear() or _times(a),
    "empty": lambda a: a.find(f".//{SAML}AudienceRestriction").clear(),
    "ours and another": _second_audience,
}


def _times(assertion):
    conditions = assertion.find(f"{SAML}Conditions")
    conditions.set("NotBefore", "2026-11-27T12:00:00Z")
    conditions.set("NotOnOrAfter", "2026-11-27T12:30:00Z")


@pytest.mark.parametrize("change", AUDIENCES.values(), ids=AUDIENCES)
def test_an_assertion_for_another_audience_is_refused(change):
    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("not_for_us", "audience")


def _confirmation(name, value):
    def change(assertion):
        data = assertion.find(f".//{SAML}SubjectConfirmationData")
        if value is None:
            data.attrib.pop(name, None)
        else:
            data.set(name, value)

    return at("assertion", change)


@pytest.mark.parametrize("value", [None, "", "https://debina.example/sign-in/epuap/back", "https://lipowo.example"])
def test_another_recipient_is_refused(value):
    assert LIPOWO.refusal(LIPOWO.answer(_confirmation("Recipient", value))) == ("not_for_us", "recipient")


def test_a_destination_that_is_said_must_be_ours():
    ours = LIPOWO.answer(at("response", lambda response: response.set("Destination", LIPOWO.acs)))
    other = LIPOWO.answer(at("response", lambda response: response.set("Destination", DEBINA.acs)))

    assert LIPOWO.read(ours).pesel == JAN.identifier
    assert LIPOWO.refusal(other) == ("not_for_us", "destination")


@pytest.mark.parametrize("value", [None, "", "ID-request-debina", "ID-request-lipowo "])
@pytest.mark.parametrize(
    ("stage", "check"), [("outer", "resolve_id"), ("response", "request_id"), ("assertion", "confirmation_request_id")]
)
def test_an_answer_to_no_question_of_ours_is_refused_in_all_three_places(stage, check, value):
    def change(element):
        place = element.find(f".//{SAML}SubjectConfirmationData") if stage == "assertion" else element
        if value is None:
            del place.attrib["InResponseTo"]
        else:
            place.set("InResponseTo", value)

    assert LIPOWO.refusal(LIPOWO.answer(at(stage, change))) == ("not_asked", check)


def test_an_assertion_for_somebody_who_holds_a_key_or_for_two_is_refused():
    def holder(assertion):
        assertion.find(f".//{SAML}SubjectConfirmation").set("Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")

    def two(assertion):
        confirmation = assertion.find(f".//{SAML}SubjectConfirmation")
        confirmation.addnext(deepcopy(confirmation))

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", holder))) == ("malformed", "confirmation")
    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", two))) == ("malformed", "layout")


# Time


@pytest.mark.parametrize(
    ("later", "check"),
    [
        (timedelta(minutes=5, seconds=90), None),
        (timedelta(minutes=5, seconds=91), "message_age"),
        (timedelta(seconds=-90), None),
        (timedelta(seconds=-91), "message_age"),
    ],
)
def test_an_answer_is_good_for_five_minutes_and_the_difference_of_clocks(later, check):
    body = LIPOWO.answer()
    if check is None:
        assert LIPOWO.read(body, NOW + later).pesel == JAN.identifier
    else:
        assert LIPOWO.refusal(body, NOW + later) == ("not_now", check)


def test_an_old_assertion_in_a_new_message_is_refused():
    def change(assertion):
        assertion.set("IssueInstant", "2026-11-27T11:50:00Z")

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("not_now", "assertion_age")


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("NotBefore", None, "conditions_without_times"),
        ("NotOnOrAfter", None, "conditions_without_times"),
        ("NotBefore", "2026-11-27T12:01:31Z", "conditions_times"),
        ("NotBefore", "2026-11-27T12:01:30Z", None),
        ("NotOnOrAfter", "2026-11-27T11:58:30Z", "conditions_times"),
        ("NotOnOrAfter", "2026-11-27T11:58:31Z", None),
        ("NotOnOrAfter", "2026-11-27T12:30:00", "moment"),
        ("NotOnOrAfter", "tomorrow", "moment"),
        ("NotOnOrAfter", "9999-12-31T23:59:59Z", None),
        ("NotBefore", "0001-01-01T00:00:00+14:00", "moment"),
    ],
)
def test_conditions_hold_now_or_the_assertion_does_not(name, value, check):
    def change(assertion):
        conditions = assertion.find(f"{SAML}Conditions")
        if value is None:
            del conditions.attrib[name]
        else:
            conditions.set(name, value)

    body = LIPOWO.answer(at("assertion", change))
    if check is None:
        assert LIPOWO.read(body).pesel == JAN.identifier
    else:
        assert LIPOWO.refusal(body)[1] == check


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("NotOnOrAfter", None, "confirmation_without_times"),
        ("NotOnOrAfter", "2026-11-27T11:58:30Z", "confirmation_times"),
        ("NotBefore", "2026-11-27T12:01:31Z", "confirmation_times"),
    ],
)
def test_the_confirmation_of_the_bearer_holds_now_or_not_at_all(name, value, check):
    assert LIPOWO.refusal(LIPOWO.answer(_confirmation(name, value))) == ("not_now", check)


def test_a_message_without_a_time_is_refused():
    def change(response):
        del response.attrib["IssueInstant"]

    assert LIPOWO.refusal(LIPOWO.answer(at("response", change))) == ("not_now", "moment")


def test_a_session_that_is_over_there_does_not_begin_here():
    def change(assertion):
        assertion.find(f"{SAML}AuthnStatement").set("SessionNotOnOrAfter", "2026-11-27T11:00:00Z")

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("not_now", "session_over")


# Level, status, person


@pytest.mark.parametrize(
    ("came", "asked", "enough"),
    [
        ("low", "low", True),
        ("low", "substantial", False),
        ("substantial", "substantial", True),
        ("substantial", "high", False),
        ("high", "low", True),
        ("notified", "low", False),
        ("HIGH", "low", False),
    ],
)
def test_a_lower_level_than_was_asked_for_is_refused(came, asked, enough):
    body, level = LIPOWO.answer(level=came), Assurance(asked)
    if enough:
        assert LIPOWO.read(body, level=level).level is Assurance(came)
    else:
        assert LIPOWO.refusal(body, level=level) == ("too_low", "level")


def test_two_levels_at_once_are_none():
    def change(assertion):
        place = assertion.find(f".//{SAML}AuthnContextClassRef")
        place.addnext(deepcopy(place))

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("too_low", "level")


@pytest.mark.parametrize("level", ["status", "outer_status"])
@pytest.mark.parametrize("status", ["AuthnFailed", "RequestDenied", "UnknownPrincipal", "Requester", "", "success"])
def test_a_failure_signs_nobody_in_though_an_assertion_comes_with_it(level, status, opened):
    """Captured from the node: AuthnFailed with an EncryptedAssertion inside."""
    assert LIPOWO.refusal(LIPOWO.answer(**{level: status})) == ("declined", "status")
    assert opened == []


def test_a_person_who_gave_up_is_told_so():
    assert LIPOWO.refusal(LIPOWO.answer(person=None, status="AuthnFailed", outer_status="AuthnFailed")) == (
        "declined",
        "status",
    )


def test_a_failure_without_a_response_is_a_failure_all_the_same():
    def change(outer):
        outer.remove(outer.find(f"{SAMLP}Response"))

    assert LIPOWO.refusal(LIPOWO.answer(at("outer", change), outer_status="AuthnFailed")) == ("declined", "status")


@pytest.mark.parametrize("key", ["piotr", "ola"])
def test_a_pesel_that_cannot_be_right_makes_no_account(key):
    check = {"piotr": "pesel_birth", "ola": "pesel"}[key]

    assert LIPOWO.refusal(LIPOWO.answer(person=PERSON[key]), without_pesel=True) == ("nobody", check)


def test_somebody_without_any_identifier_is_nobody():
    assert LIPOWO.refusal(LIPOWO.answer(person=PERSON["ewa"]), without_pesel=True) == ("nobody", "identifier")


def test_somebody_of_another_state_comes_in_where_the_gmina_wants_it():
    body = LIPOWO.answer(person=PERSON["hans"])

    assert LIPOWO.refusal(body) == ("nobody", "without_pesel")
    person = LIPOWO.read(body, without_pesel=True)
    assert (person.subject, person.pesel) == ("DE/PL/0123456789abcdef", None)


def _identifier(value):
    def change(assertion):
        values = assertion.findall(f".//{SAML}AttributeValue")
        values[-1].text = value

    return at("assertion", change)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "PL/PL/87022212312",
        "pl/pl/87022212312",
        "PL:87022212312",
        "ab",
        "8702221231\u0662",  # an Arabic digit is a digit to Python
        "a" * 256,
        "DE/PL/a b",
        "<script>",
    ],
)
def test_an_identifier_that_is_none_we_know_makes_no_account(value):
    reason, _ = LIPOWO.refusal(LIPOWO.answer(_identifier(value)), without_pesel=True)
    assert reason == "nobody"


def test_a_pesel_without_a_day_of_birth_makes_no_account():
    def change(assertion):
        statement = assertion.find(f"{SAML}AttributeStatement")
        statement.remove(statement[2])

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("nobody", "pesel_birth")


def test_an_attribute_that_is_told_twice_is_refused():
    def twice(assertion):
        statement = assertion.find(f"{SAML}AttributeStatement")
        statement.append(deepcopy(statement[3]))

    def two_values(assertion):
        value = assertion.findall(f".//{SAML}AttributeValue")[-1]
        value.addnext(deepcopy(value))

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", twice))) == ("malformed", "attributes")
    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", two_values))) == ("nobody", "attribute_doubled")
