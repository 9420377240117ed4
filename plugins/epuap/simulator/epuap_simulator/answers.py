"""What the node says: an assertion in a response in an answer to an ArtifactResolve, in the layout of its messages.

`touch` is called with a stage and an element before the next stage seals it, so that a fault can change anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from cryptography import x509
from lxml import etree

from epuap_simulator.people import Person
from epuap_simulator.sealing import DS, XENC, Signer, encrypt

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
PERSON = "http://eidas.europa.eu/attributes/naturalperson/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
NSMAP = {"saml2p": SAMLP, "saml2": SAML, "ds": DS, "xenc": XENC}

Touch = Callable[[str, etree._Element], None]


@dataclass
class Words:
    """What one answer says. Faults change them before anything is made."""

    issuer: str
    audience: str
    recipient: str
    request_id: str
    resolve_id: str
    person: Person | None  # None: nobody was identified
    encryption_certificate: x509.Certificate
    level: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    assertion_id: str = field(default_factory=lambda: new_id())
    name_id: str = field(default_factory=lambda: uuid4().hex)
    lasts: timedelta = timedelta(minutes=50)
    status: str = "Success"  # of the response
    outer_status: str = "Success"
    party_u: str = ""
    party_v: str = ""
    bits: int = 256
    response_id: str = field(default_factory=lambda: new_id())
    outer_id: str = field(default_factory=lambda: new_id())


def nothing(stage: str, element: etree._Element) -> None:
    """A touch that changes nothing."""


def build(
    words: Words,
    signer: Signer,
    *,
    touch: Touch = nothing,
    response_signer: Signer | None = None,
    sign_response: bool = True,
    sign_outer: bool = True,
) -> bytes:
    """The SOAP envelope of an answer."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    etree.SubElement(envelope, f"{{{SOAP}}}Header")
    body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
    outer = message(body, "ArtifactResponse", words, words.outer_id, words.resolve_id, words.outer_status, nsmap=NSMAP)
    response = message(outer, "Response", words, words.response_id, words.request_id, words.status)
    if words.person is not None:
        sealed = etree.SubElement(response, f"{{{SAML}}}EncryptedAssertion")
        made = assertion(words)
        touch("assertion", made)
        sealed.append(
            encrypt(
                etree.tostring(made),
                words.encryption_certificate,
                element_id=new_id(),
                party_u=words.party_u or words.issuer,
                party_v=words.party_v or words.audience,
                bits=words.bits,
            )
        )
    touch("response", response)
    if sign_response:
        (response_signer or signer).sign(response)
    envelope = read_anew(envelope)
    outer = envelope[1][0]
    touch("outer", outer)
    if sign_outer:
        signer.sign(outer)
    envelope = read_anew(envelope)
    touch("envelope", envelope)
    return etree.tostring(envelope)


def read_anew(element: etree._Element) -> etree._Element:
    """What libxmlsec put into a tree is not surely found in it by its name: lxml compares names it made itself."""
    return etree.fromstring(etree.tostring(element))


def message(
    parent: etree._Element, name: str, words: Words, own_id: str, in_response_to: str, status: str, **more: object
) -> etree._Element:
    made = etree.SubElement(parent, f"{{{SAMLP}}}{name}", **more)
    made.set("ID", own_id)
    made.set("InResponseTo", in_response_to)
    made.set("IssueInstant", moment(words.now))
    made.set("Version", "2.0")
    etree.SubElement(made, f"{{{SAML}}}Issuer").text = words.issuer
    place = etree.SubElement(made, f"{{{SAMLP}}}Status")
    etree.SubElement(place, f"{{{SAMLP}}}StatusCode", Value=STATUS + status)
    return made


def assertion(words: Words) -> etree._Element:
    """Without a signature: the node's trust flows from the response around it."""
    person = words.person
    ends = moment(words.now + words.lasts)
    root = etree.Element(f"{{{SAML}}}Assertion", nsmap={"saml2": SAML, "naturalperson": PERSON.rstrip("/")})
    root.set("ID", words.assertion_id)
    root.set("IssueInstant", moment(words.now))
    root.set("Version", "2.0")
    etree.SubElement(root, f"{{{SAML}}}Issuer").text = words.issuer
    subject = etree.SubElement(root, f"{{{SAML}}}Subject")
    etree.SubElement(
        subject, f"{{{SAML}}}NameID", Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
    ).text = words.name_id
    confirmation = etree.SubElement(
        subject, f"{{{SAML}}}SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"
    )
    etree.SubElement(
        confirmation,
        f"{{{SAML}}}SubjectConfirmationData",
        InResponseTo=words.request_id,
        NotOnOrAfter=ends,
        Recipient=words.recipient,
    )
    conditions = etree.SubElement(root, f"{{{SAML}}}Conditions", NotBefore=moment(words.now), NotOnOrAfter=ends)
    restriction = etree.SubElement(conditions, f"{{{SAML}}}AudienceRestriction")
    etree.SubElement(restriction, f"{{{SAML}}}Audience").text = words.audience
    statement = etree.SubElement(
        root, f"{{{SAML}}}AuthnStatement", AuthnInstant=moment(words.now), SessionIndex=words.assertion_id
    )
    context = etree.SubElement(statement, f"{{{SAML}}}AuthnContext")
    level = words.level or person.level
    etree.SubElement(context, f"{{{SAML}}}AuthnContextClassRef").text = f"http://eidas.europa.eu/LoA/{level}"
    etree.SubElement(context, f"{{{SAML}}}AuthenticatingAuthority").text = person.means
    attributes = etree.SubElement(root, f"{{{SAML}}}AttributeStatement")
    told = [
        ("FirstName", "CurrentGivenName", person.given_name),
        ("FamilyName", "CurrentFamilyName", person.family_name),
        ("DateOfBirth", "DateOfBirth", f"{person.born_on}Z"),
        ("PersonIdentifier", "PersonIdentifier", person.identifier),
    ]
    for friendly, name, value in told:
        if value:
            attribute = etree.SubElement(attributes, f"{{{SAML}}}Attribute", FriendlyName=friendly, Name=PERSON + name)
            attribute.set("NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri")
            place = etree.SubElement(attribute, f"{{{SAML}}}AttributeValue", nsmap={"xsi": XSI})
            place.set(f"{{{XSI}}}type", f"naturalperson:{name}Type")
            place.text = value
    return root


def new_id() -> str:
    return f"ID-{uuid4()}"


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
