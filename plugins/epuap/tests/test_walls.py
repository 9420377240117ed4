"""From one gmina to another: an answer to one is nothing to the other, four times over."""

from datetime import timedelta

import pytest
from plugins.epuap.tests.forge import DEBINA, JAN, LIPOWO, NODE, NOW, SECOND

from skarbnik_epuap.decryption import Parties

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"


# From one gmina to another: four walls, each stands alone


def test_an_answer_to_lipowo_is_nothing_to_debina():
    reason, _ = DEBINA.refusal(LIPOWO.answer())
    assert reason == "not_asked"


LIPOWO_S = {
    "audience": LIPOWO.issuer,
    "parties": Parties(NODE, LIPOWO.issuer),
    "recipient": LIPOWO.acs,
    "keys": (LIPOWO.sealing.key,),
    "request_id": "ID-request-lipowo",
    "resolve_id": "ID-resolve-lipowo",
}


@pytest.mark.parametrize(
    ("walls", "refused"),
    [
        ({"keys"}, ("unreadable", "key")),
        ({"audience"}, ("not_for_us", "audience")),
        ({"parties"}, ("unreadable", "party_v")),
        ({"recipient"}, ("not_for_us", "recipient")),
        ({"request_id"}, ("not_asked", "request_id")),
        ({"resolve_id"}, ("not_asked", "resolve_id")),
    ],
    ids=lambda value: "-".join(sorted(value)) if isinstance(value, set) else "",
)
def test_each_wall_alone_keeps_an_answer_to_lipowo_out_of_debina(walls, refused):
    """All else is as if Dębina were Lipowo."""
    fallen = {name: value for name, value in LIPOWO_S.items() if name not in walls}

    assert DEBINA.refusal(LIPOWO.answer(), **fallen) == refused
    assert DEBINA.read(LIPOWO.answer(), **LIPOWO_S).pesel == JAN.identifier


def test_the_difference_of_clocks_can_be_none():
    assert LIPOWO.refusal(LIPOWO.answer(), NOW - SECOND, skew=timedelta(0)) == ("not_now", "message_age")
