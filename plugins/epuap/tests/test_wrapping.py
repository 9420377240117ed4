"""Signature wrapping (XSW 1 to 8): a made-up element is read, while the signature proves another one.

Each way is tried on the Response, with the ArtifactResponse around it signed by the node over the fraud, so that only
the checks of the Response stand in the way; and on the ArtifactResponse itself.
"""

from copy import deepcopy

import pytest
from lxml import etree
from plugins.epuap.tests.forge import JAN, LIPOWO, NOW, PERSON, at, signer

from skarbnik.plugin_api import SignInRefused
from skarbnik_epuap import signatures
from skarbnik_epuap.signatures import Profile

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
FRAUD = PERSON["maria"]


def _without_signature(element):
    bare = deepcopy(element)
    bare.tail = None
    bare.remove(bare.find(f"{DS}Signature"))
    return bare


def _evil(tag):
    """What the attacker wants to be read: perfect, encrypted for us, of somebody else, and proven by nobody."""
    found = []
    LIPOWO.answer(at("envelope", lambda envelope: found.append(deepcopy(envelope.find(f".//{tag}")))), person=FRAUD)
    evil = found[0]
    for each in evil.findall(f".//{DS}Signature"):
        each.getparent().remove(each)
    return evil


def xsw1(parent, original):
    """The fraud carries the signature, and the original inside of it."""
    evil, signature = _evil(original.tag), deepcopy(original.find(f"{DS}Signature"))
    signature.append(_without_signature(original))
    evil.insert(1, signature)
    parent.replace(original, evil)


def xsw2(parent, original):
    """The signature detached: the original stands before it, inside of the fraud."""
    evil, signature = _evil(original.tag), deepcopy(original.find(f"{DS}Signature"))
    evil.insert(1, _without_signature(original))
    evil.insert(2, signature)
    parent.replace(original, evil)


def xsw3(parent, original):
    """The fraud before the original, as its sibling."""
    original.addprevious(_evil(original.tag))


def xsw4(parent, original):
    """The fraud around the original."""
    evil = _evil(original.tag)
    parent.replace(original, evil)
    evil.append(original)


def xsw5(parent, original):
    """The fraud carries the signature, the original stands behind it without one."""
    evil = _evil(original.tag)
    evil.insert(1, deepcopy(original.find(f"{DS}Signature")))
    parent.replace(original, evil)
    parent.append(_without_signature(original))


def xsw6(parent, original):
    """As the first, with the id of the original: two elements of one id."""
    xsw1(parent, original)
    parent.find(original.tag).set("ID", original.get("ID"))


def xsw7(parent, original):
    """The original hidden in Extensions, the fraud where it is looked for."""
    evil = _evil(original.tag)
    evil.insert(1, deepcopy(original.find(f"{DS}Signature")))
    etree.SubElement(evil, f"{SAMLP}Extensions").append(_without_signature(original))
    parent.replace(original, evil)


def xsw8(parent, original):
    """The original in a ds:Object of the signature."""
    evil, signature = _evil(original.tag), deepcopy(original.find(f"{DS}Signature"))
    etree.SubElement(signature, f"{DS}Object").append(_without_signature(original))
    evil.insert(1, signature)
    parent.replace(original, evil)


WAYS = [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8]


@pytest.mark.parametrize("way", WAYS)
def test_a_wrapped_response_signs_nobody_in(way):
    def change(outer):
        way(outer, outer.find(f"{SAMLP}Response"))

    reason, _ = LIPOWO.refusal(LIPOWO.answer(at("outer", change)))
    assert reason in {"malformed", "unproven"}


@pytest.mark.parametrize("way", WAYS)
def test_a_wrapped_answer_to_the_artifact_signs_nobody_in(way):
    def change(envelope):
        way(envelope[1], envelope[1].find(f"{SAMLP}ArtifactResponse"))

    reason, _ = LIPOWO.refusal(LIPOWO.answer(at("envelope", change)))
    assert reason in {"malformed", "unproven"}


@pytest.mark.parametrize("way", WAYS)
def test_the_signature_alone_stops_each_way_where_it_is_not_stopped_before(way):
    """The rules of layout and ids are left out: only what was signed is asked, of the element that would be read."""
    found = []

    def change(outer):
        way(outer, outer.find(f"{SAMLP}Response"))
        found.append(deepcopy(outer.find(f"{SAMLP}Response")))

    LIPOWO.answer(at("outer", change))
    with pytest.raises(SignInRefused):
        signatures.verify(found[0], (signer("node").certificate,), Profile.NODE, NOW)


def test_the_same_answer_unwrapped_is_believed():
    assert LIPOWO.read(LIPOWO.answer()).pesel == JAN.identifier


def test_what_counts_is_what_was_signed_and_not_the_tree_it_was_found_in():
    """A response inside a right answer is put in the place of another one, which the node signed as well."""
    other = []
    LIPOWO.answer(at("outer", lambda outer: other.append(deepcopy(outer.find(f"{SAMLP}Response")))), person=FRAUD)

    def change(envelope):
        outer = envelope[1][0]
        outer.replace(outer.find(f"{SAMLP}Response"), other[0])

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature")


def test_a_proven_answer_in_the_header_lends_nothing_to_the_one_in_the_body():
    def change(envelope):
        header, body = envelope
        original = body[0]
        evil = _evil(original.tag)
        evil.insert(1, deepcopy(original.find(f"{DS}Signature")))
        body.replace(original, evil)
        header.append(original)

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("unproven", "signature_reference")
