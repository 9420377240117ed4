"""What the node knows and decides: who asks, who they said they were, and what an artifact stands for."""

from __future__ import annotations

import secrets
import threading
from base64 import b64decode
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from epuap_simulator import answers
from epuap_simulator.answers import SAML, SAMLP, SOAP, Touch, Words, build, message, nothing
from epuap_simulator.faults import SEALED, TOUCHED, WORDS, Faults
from epuap_simulator.parties import Party
from epuap_simulator.people import Person
from epuap_simulator.sealing import Signer, verify
from epuap_simulator.signer import make_signer

ARTIFACT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
LEVELS = ["low", "substantial", "high"]


class Unasked(Exception):  # as the house names errors: after what happened
    """A request the node does not take; the text is for the page."""


@dataclass(frozen=True)
class Question:
    """One AuthnRequest that was taken."""

    party: Party
    request_id: str
    relay_state: str
    level: str
    foreign: bool


@dataclass
class Node:
    issuer: str
    signer: Signer
    people: tuple[Person, ...]
    public_url: str | None = None
    parties: dict[str, Party] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    questions: dict[str, Question] = field(default_factory=dict)
    artifacts: dict[str, tuple[Question, Person | None, bool]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)  # NameID: SessionIndex
    counts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, party: Party) -> None:
        self.parties[party.issuer] = party

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def ask(self, saml_request: str, relay_state: str, foreign: bool) -> str:
        """Take an AuthnRequest; the token of its page."""
        root, party = self._proven(b64decode(saml_request), "AuthnRequest")
        if root.get("AssertionConsumerServiceURL") != party.acs:
            raise Unasked("Adres powrotu nie jest tym z wniosku.")
        if root.get("ProtocolBinding") != ARTIFACT_BINDING or root.get("ForceAuthn") != "true":
            raise Unasked("Żądanie nie ma ForceAuthn albo sposobu odpowiedzi HTTP-Artifact.")
        if not root.get("Destination", "").endswith("/login/SingleSignOnService") or not relay_state:
            raise Unasked("Żądanie jest dla kogo innego (Destination) albo nie ma RelayState.")
        level = root.findtext(f".//{{{SAML}}}AuthnContextClassRef", "").rpartition("/")[2]
        if level not in LEVELS:
            raise Unasked("Żądanie nie mówi, jaki poziom zaufania jest potrzebny.")
        token = secrets.token_urlsafe(24)
        self.questions[token] = Question(party, root.get("ID", ""), relay_state, level, foreign)
        self.count("asked")
        return token

    def answer(self, token: str, person: Person | None, *, failed: bool = False) -> tuple[Question, str]:
        """Somebody chose who they are, or gave up. The artifact that stands for it; the page is used once."""
        with self.lock:
            question = self.questions.pop(token)
            artifact = secrets.token_urlsafe(33)
            self.artifacts[artifact] = (question, person, failed)
        self.count("answered")
        return question, artifact

    def resolve(self, body: bytes) -> bytes:
        """An ArtifactResolve. An artifact is good once, and for whom it was made."""
        root, party = self._proven(_in_soap(body), "ArtifactResolve")
        artifact = root.findtext(f"{{{SAMLP}}}Artifact", "")
        self.count("resolved")
        with self.lock:
            found = self.artifacts.pop(artifact, None)
        if found is None or found[0].party != party or self.faults.hits("lose_artifact"):
            return self._empty(root.get("ID", ""), party)
        question, person, failed = found
        words = Words(
            issuer=self.issuer,
            audience=party.issuer,
            recipient=party.acs,
            request_id=question.request_id,
            resolve_id=root.get("ID", ""),
            person=person,
            encryption_certificate=party.encryption,
        )
        if person is None or failed:
            words.status = words.outer_status = "AuthnFailed"
        else:
            self.sessions[words.name_id] = words.assertion_id
        return self._build(words)

    def log_out(self, body: bytes) -> bytes:
        root, party = self._proven(_in_soap(body), "LogoutRequest")
        name, index = root.findtext(f"{{{SAML}}}NameID", ""), root.findtext(f"{{{SAMLP}}}SessionIndex", "")
        known = self.sessions.get(name) == index and self.sessions.pop(name, None) is not None
        self.count("logged_out" if known else "logout_unknown")
        words = self._plain_words(party)
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
        place = etree.SubElement(envelope, f"{{{SOAP}}}Body")
        refused = self.faults.hits("logout_refused") or not known
        asked = "ID-inne" if self.faults.hits("logout_wrong_request") else root.get("ID", "")
        status = "Requester" if refused else "Success"
        made = message(place, "LogoutResponse", words, answers.new_id(), asked, status, nsmap=answers.NSMAP)
        if not self.faults.hits("logout_unsigned"):
            self.signer.sign(made)
        return etree.tostring(envelope)

    def _build(self, words: Words) -> bytes:
        sealed: dict[str, Any] = {}
        touch: Touch = nothing
        for name, (change, _) in WORDS.items():
            if self.faults.hits(name):
                change(words)
        for name, (more, _) in SEALED.items():
            if self.faults.hits(name):
                sealed |= more
        for name, (stage, change_element, _) in TOUCHED.items():
            if self.faults.hits(name):
                touch = _at(stage, change_element)
        if self.faults.hits("strangers_encryption"):
            words = replace(words, encryption_certificate=make_signer("obcy").certificate)
        signer = make_signer(self.issuer) if self.faults.hits("strangers_key") else self.signer
        body = build(words, signer, touch=touch, **sealed)
        if self.faults.hits("doctype"):
            body = b"<!DOCTYPE x []>" + body
        if self.faults.hits("huge"):
            body += b" " * 300 * 1024
        return body

    def _empty(self, resolve_id: str, party: Party) -> bytes:
        """What SAML says about an artifact nobody knows: success, and nothing inside."""
        words = self._plain_words(party)
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
        place = etree.SubElement(envelope, f"{{{SOAP}}}Body")
        made = message(place, "ArtifactResponse", words, answers.new_id(), resolve_id, "Success", nsmap=answers.NSMAP)
        self.signer.sign(made)
        return etree.tostring(envelope)

    def _plain_words(self, party: Party) -> Words:
        return Words(self.issuer, party.issuer, party.acs, "", "", None, party.encryption)

    def _proven(self, body: bytes, name: str) -> tuple[etree._Element, Party]:
        """A message of a party we know, signed with its certificate."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError as error:
            raise Unasked("To nie jest XML.") from error
        party = self.parties.get(root.findtext(f"{{{SAML}}}Issuer", ""))
        if root.tag != f"{{{SAMLP}}}{name}" or party is None:
            raise Unasked("Nie znam tego systemu albo tego rodzaju żądania.")
        if not verify(root, party.signing):
            self.count("forged")
            raise Unasked("Podpis żądania nie jest podpisem tego systemu.")
        return root, party


def _at(stage: str, change: Any) -> Touch:
    def touch(now_at: str, element: etree._Element) -> None:
        if now_at == stage:
            change(element)

    return touch


def _in_soap(body: bytes) -> bytes:
    """The message in an envelope, with the namespaces around it."""
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    place = root.find(f"{{{SOAP}}}Body")
    if place is None or len(place) != 1:
        raise Unasked("To nie jest koperta SOAP z jednym żądaniem.")
    return etree.tostring(place[0], with_tail=False)
