"""What an attacker may do with XML itself."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from plugins.epuap.tests.forge import LIPOWO, at

from skarbnik.plugin_api import SignInRefused
from skarbnik_epuap import documents

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"


# Documents


DOCUMENTS = {
    "dtd": (b'<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">', "dtd"),
    "external entity": (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "dtd"),
    "many laughs": (b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>', "dtd"),
    "instruction": (b"<?xml-stylesheet href='http://evil.example/x.xsl'?>", "comment"),
    "comment": (b"<!-- x -->", "comment"),
    "other encoding": (b'<?xml version="1.0" encoding="UTF-7"?>', "encoding"),
    "latin": (b'<?xml version="1.0" encoding="iso-8859-2"?>', "encoding"),
}


@pytest.mark.parametrize(("before", "check"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_that_brings_more_than_xml_is_refused(before, check):
    assert LIPOWO.refusal(before + LIPOWO.answer()) == ("malformed", check)


def test_a_document_type_is_refused_in_what_was_encrypted_too():
    """Signed by the node, and still no reason to believe it."""

    def change(assertion):
        assertion.find(f"{SAML}Issuer").text = "<!DOCTYPE is text here, and is refused with the bytes"

    body = LIPOWO.answer(at("assertion", change))
    assert LIPOWO.refusal(body) != ("malformed", "dtd")  # written as &lt;!DOCTYPE: only a text
    with pytest.raises(documents.SignInRefused) as refused:
        documents.open_document(b"<!DOCTYPE a []><a/>")
    assert refused.value.check == "dtd"


def test_utf_16_is_refused():
    text = LIPOWO.answer().decode()

    assert LIPOWO.refusal(text.encode("utf-16")) == ("malformed", "encoding")
    assert LIPOWO.refusal(text.encode("utf-16-le")) == ("malformed", "encoding")


@pytest.mark.parametrize("size", [documents.LARGEST + 1, 5 * 1024 * 1024])
def test_what_is_too_large_is_not_read(size, monkeypatch):
    monkeypatch.setattr(documents, "parse", lambda body: pytest.fail("it was read"))
    assert LIPOWO.refusal(b"<a>" + b"x" * (size - 7) + b"</a>") == ("malformed", "size")
    assert LIPOWO.refusal(b"") == ("malformed", "size")


def test_what_is_too_deep_is_refused():
    assert LIPOWO.refusal(b"<a>" * 5000 + b"</a>" * 5000) == ("malformed", "xml")


def test_xinclude_fetches_nothing():
    def change(outer):
        etree.SubElement(outer, "{http://www.w3.org/2001/XInclude}include", href="file:///etc/passwd")

    assert LIPOWO.refusal(LIPOWO.answer(at("outer", change))) == ("malformed", "hiding_place")


def test_two_elements_of_one_id_are_refused():
    def change(envelope):
        envelope[0].set("Id", envelope[1][0].get("ID"))

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("malformed", "ids")


@pytest.mark.parametrize("what", [etree.Comment("x"), etree.ProcessingInstruction("x")], ids=["comment", "instruction"])
@pytest.mark.parametrize("place", ["NameID", "AttributeValue", "Audience"])
def test_a_text_cut_in_two_is_refused_though_it_is_signed(what, place):
    """`admin@example<!-- -->.evil` is signed as a whole, and read by some as its first half."""

    def change(assertion):
        text = assertion.find(f".//{SAML}{place}")
        cut = deepcopy(what)
        cut.tail, text.text = text.text[3:], text.text[:3]
        text.append(cut)

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "comment")


def test_a_comment_put_into_a_signed_message_is_refused_though_the_signature_holds():
    def change(envelope):
        issuer = envelope[1][0].find(f"{SAML}Issuer")
        cut = etree.Comment("x")
        cut.tail, issuer.text = issuer.text[3:], issuer.text[:3]
        issuer.append(cut)

    assert LIPOWO.refusal(LIPOWO.answer(at("envelope", change))) == ("malformed", "comment")


def test_an_element_inside_a_text_is_refused():
    def change(assertion):
        etree.SubElement(assertion.find(f".//{SAML}AttributeValue"), "b").text = "x"

    assert LIPOWO.refusal(LIPOWO.answer(at("assertion", change))) == ("malformed", "text")


# Whatever comes


def _refused_or_read(read, body):
    try:
        read(body)
    except SignInRefused:
        return


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_raise_anything_but_a_refusal(body):
    _refused_or_read(LIPOWO.read, body)


PIECES = st.sampled_from(
    [
        "<soap:Envelope xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'>",
        "<soap:Body>",
        "</soap:Body>",
        "</soap:Envelope>",
        "<p:ArtifactResponse xmlns:p='urn:oasis:names:tc:SAML:2.0:protocol' ID='a'>",
        "</p:ArtifactResponse>",
        "<d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#'>",
        "<d:SignedInfo xmlns:d='http://www.w3.org/2000/09/xmldsig#'/>",
        "</d:Signature>",
        "&#x41;",
        "&undeclared;",
        "<![CDATA[x]]>",
        "<?pi?>",
        "<!--c-->",
        "\ufffe",
        "\x00",
        "text",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_no_pieces_of_messages_raise_anything_but_a_refusal(pieces):
    _refused_or_read(LIPOWO.read, "".join(pieces).encode("utf-8", "surrogatepass"))


ANSWER = LIPOWO.answer()


@settings(deadline=None)
@given(st.integers(0, len(ANSWER) - 1), st.binary(min_size=0, max_size=3), st.integers(0, 40))
def test_an_answer_changed_anywhere_is_refused_or_says_the_same(at_byte, put, taken):
    """A change that is not signed (a blank in a tag, a key that nobody reads) may leave the answer true."""
    body = ANSWER[:at_byte] + put + ANSWER[at_byte + taken :]
    try:
        person = LIPOWO.read(body)
    except SignInRefused:
        return
    assert person == LIPOWO.read(ANSWER)


@settings(deadline=None)
@given(st.data())
def test_an_assertion_changed_anywhere_before_it_is_sealed_raises_nothing_but_a_refusal(data):
    """The node itself gone mad: all is signed, and any text or attribute of the assertion is something else."""
    odd = st.one_of(st.text(max_size=40), st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01T00:00:00-14:00", "-1"]))
    odd = odd.filter(lambda text: all(each.isprintable() for each in text))

    def change(assertion):
        elements = list(assertion.iter())
        element = elements[data.draw(st.integers(0, len(elements) - 1))]
        names = sorted(element.attrib)
        if names and data.draw(st.booleans()):
            element.set(data.draw(st.sampled_from(names)), data.draw(odd))
        elif len(element) == 0:
            element.text = data.draw(odd)
        else:
            element.remove(element[data.draw(st.integers(0, len(element) - 1))])

    _refused_or_read(LIPOWO.read, LIPOWO.answer(at("assertion", change)))
