"""Everything that may go wrong, for the next few times."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lxml import etree

from epuap_simulator.answers import SAML, SAMLP, Words

HOUR = timedelta(hours=1)
STRANGER = "https://obca.example"


def _set(**values: Any) -> Callable[[Words], None]:
    def change(words: Words) -> None:
        for name, value in values.items():
            setattr(words, name, value)

    return change


def _comment(assertion: etree._Element) -> None:
    name = assertion.find(f".//{{{SAML}}}AttributeValue")
    cut = etree.Comment("x")
    cut.tail, name.text = name.text, ""
    name.append(cut)


def _wrap(envelope: etree._Element) -> None:
    """The signed response goes into Extensions of another one that nobody signed."""
    outer = envelope.find(f".//{{{SAMLP}}}ArtifactResponse")
    original = outer.find(f"{{{SAMLP}}}Response")
    evil = etree.SubElement(outer, f"{{{SAMLP}}}Response", ID="ID-evil", Version="2.0")
    etree.SubElement(evil, f"{{{SAMLP}}}Extensions").append(original)


WORDS: dict[str, tuple[Callable[[Words], None], str]] = {
    "wrong_issuer": (_set(issuer="zly.login.gov.pl"), "odpowiada ktoś o innej nazwie"),
    "wrong_audience": (_set(audience=STRANGER), "asercja dla innego podmiotu (Audience)"),
    "wrong_recipient": (_set(recipient=f"{STRANGER}/acs"), "asercja dla innego adresu (Recipient)"),
    "wrong_request": (_set(request_id="ID-inne"), "odpowiedź na inne pytanie (InResponseTo)"),
    "wrong_resolve": (_set(resolve_id="ID-inne"), "odpowiedź na inny odbiór artefaktu"),
    "wrong_party": (_set(party_v=STRANGER), "klucz uzgodniony z kimś innym (PartyVInfo)"),
    "expired": (lambda words: setattr(words, "now", words.now - HOUR), "odpowiedź sprzed godziny"),
    "from_the_future": (lambda words: setattr(words, "now", words.now + HOUR), "odpowiedź za godzinę"),
    "too_short": (lambda words: setattr(words, "lasts", -HOUR), "asercja już nieważna (NotOnOrAfter)"),
    "low_level": (_set(level="low"), "niższy poziom zaufania, niż ma osoba"),
    "failed": (_set(status="AuthnFailed", outer_status="AuthnFailed"), "AuthnFailed razem z asercją"),
    "failed_inside": (_set(status="AuthnFailed"), "AuthnFailed tylko w Response, razem z asercją"),
    "failed_outside": (_set(outer_status="AuthnFailed"), "AuthnFailed tylko w ArtifactResponse, razem z asercją"),
    "short_key": (_set(bits=128), "klucz 16 bajtów pod nazwą aes256-gcm; to nie błąd, węzeł tak robił"),
    "same_assertion": (_set(assertion_id="ID-ta-sama"), "identyfikator asercji zawsze ten sam"),
}
SEALED: dict[str, tuple[dict[str, Any], str]] = {
    "unsigned_response": ({"sign_response": False}, "Response bez podpisu"),
    "unsigned_answer": ({"sign_outer": False}, "ArtifactResponse bez podpisu"),
}
TOUCHED: dict[str, tuple[str, Callable[[etree._Element], None], str]] = {
    "comment": ("assertion", _comment, "komentarz w imieniu"),
    "wrapped": ("envelope", _wrap, "podpisana odpowiedź ukryta w niepodpisanej (XSW)"),
}
OTHERS = {
    "strangers_key": "podpis obcym kluczem, z jego certyfikatem w KeyInfo",
    "strangers_encryption": "zaszyfrowane dla innej gminy",
    "doctype": "DOCTYPE przed odpowiedzią",
    "huge": "odpowiedź większa niż 256 KiB",
    "nonsense": "HTML zamiast SOAP, ze statusem 200",
    "soap_fault": "SOAP Fault ze statusem 500",
    "error_500": "błąd 500",
    "unauthorized": "status 403",
    "redirect": "przekierowanie 302 gdzie indziej",
    "drop_resolve": "połączenie się zrywa",
    "slow_resolve": "odpowiedź przychodzi `value` sekund później (5)",
    "lose_artifact": "węzeł nie zna artefaktu",
    "logout_refused": "wylogowanie odmówione (status Requester)",
    "logout_unsigned": "LogoutResponse bez podpisu",
    "logout_wrong_request": "LogoutResponse na inne pytanie",
}
KNOWN = {
    **{name: told for name, (_, told) in WORDS.items()},
    **{name: told for name, (_, told) in SEALED.items()},
    **{name: told for name, (_, _, told) in TOUCHED.items()},
    **OTHERS,
}


@dataclass
class Faults:
    """Which are on, and how often still."""

    left: dict[str, int] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, wish: Any) -> None:
        """`{"name": "expired", "next": 3}`, or `{"clear": true}`. ValueError when it cannot be meant."""
        if not isinstance(wish, dict) or set(wish) - {"name", "next", "value", "clear"}:
            raise ValueError("a fault is an object with name, next, value, or clear")
        with self.lock:
            if wish.get("clear"):
                self.left.clear()
                return
            name, count = wish.get("name"), wish.get("next", 1)
            if name not in KNOWN or type(count) is not int or count < 0:
                raise ValueError("an unknown fault, or next is no whole number")
            self.left[name] = count
            self.values[name] = float(wish.get("value") or 5)

    def hits(self, name: str) -> bool:
        """Whether it happens now; then once less."""
        with self.lock:
            if self.left.get(name, 0) < 1:
                return False
            self.left[name] -= 1
            return True
