"""Answers of a node made here, sealed by the simulator's own cryptography, and everything an attacker could change."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from skarbnik.plugin_api import Assurance, Identity, SignInRefused
from skarbnik_epuap.answers import read_answer
from skarbnik_epuap.checks import Expected
from skarbnik_epuap.decryption import Parties
from skarbnik_epuap.settings import EpuapSettings
from skarbnik_epuap.signatures import Profile

SIMULATOR = Path(__file__).parents[1] / "simulator"
sys.path.insert(0, str(SIMULATOR))

from epuap_simulator.answers import Touch, Words, build, nothing  # noqa: E402  # a program of its own, found here
from epuap_simulator.people import PEOPLE, Person  # noqa: E402  # as above
from epuap_simulator.sealing import Signer, private_pem  # noqa: E402  # as above

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
NODE = "int.login.gov.pl"
PERSON = {person.key: person for person in PEOPLE}
JAN = PERSON["jan"]
SECOND = timedelta(seconds=1)


def signer(name: str, profile: Profile = Profile.NODE, since: datetime | None = None, days: int = 700) -> Signer:
    """A key with a certificate of its own, the same each time for one name."""
    return _made(name, profile, since, days)


@cache
def _made(name: str, profile: Profile, since: datetime | None, days: int) -> Signer:
    node = profile is Profile.NODE
    key = ec.generate_private_key(ec.SECP256R1()) if node else rsa.generate_private_key(65537, 2048)
    begin = since or NOW - timedelta(days=30)
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return Signer(key, certificate)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclasses.dataclass(frozen=True)
class Town:
    """A gmina as the node knows it, and a question it has asked."""

    slug: str
    profile: Profile = Profile.NODE

    @property
    def issuer(self) -> str:
        return f"https://{self.slug}.example"

    @property
    def acs(self) -> str:
        return f"https://{self.slug}.example/sign-in/epuap/back"

    @property
    def sealing(self) -> Signer:
        return signer(f"{self.slug} encryption", self.profile)

    def expected(self, **changes: Any) -> Expected:
        values: dict[str, Any] = {
            "profile": self.profile,
            "issuer": NODE,
            "certificates": (signer("node", self.profile).certificate,),
            "audience": self.issuer,
            "recipient": self.acs,
            "resolve_id": f"ID-resolve-{self.slug}",
            "request_id": f"ID-request-{self.slug}",
            "level": Assurance.SUBSTANTIAL,
            "keys": (self.sealing.key,),
            "parties": Parties(NODE, self.issuer),
        }
        return Expected(**(values | changes))

    def words(self, **changes: Any) -> Words:
        values: dict[str, Any] = {
            "issuer": NODE,
            "audience": self.issuer,
            "recipient": self.acs,
            "request_id": f"ID-request-{self.slug}",
            "resolve_id": f"ID-resolve-{self.slug}",
            "person": JAN,
            "encryption_certificate": self.sealing.certificate,
            "now": NOW,
        }
        return Words(**(values | changes))

    def answer(
        self,
        touch: Touch = nothing,
        *,
        by: Signer | None = None,
        sealed: dict[str, Any] | None = None,
        **words: Any,
    ) -> bytes:
        """An answer to its question. `sealed` goes to the builder, `words` change what is said."""
        return build(self.words(**words), by or signer("node", self.profile), touch=touch, **(sealed or {}))

    def read(self, body: bytes, now: datetime = NOW, **expected: Any) -> Identity:
        return read_answer(body, self.expected(**expected), now)

    def refusal(self, body: bytes, now: datetime = NOW, **expected: Any) -> tuple[str, str]:
        """Why it is refused: the reason and the check. AssertionError when it is believed."""
        try:
            self.read(body, now, **expected)
        except SignInRefused as error:
            return error.reason.value, error.check
        raise AssertionError("it was believed")


LIPOWO, DEBINA = Town("lipowo"), Town("debina")


def at(stage: str, change: Callable[[etree._Element], None]) -> Touch:
    """A touch for one stage only: assertion, response, outer, envelope."""

    def touch(now_at: str, element: etree._Element) -> None:
        if now_at == stage:
            change(element)

    return touch


def settings_for(town: Town, **changes: Any) -> EpuapSettings:
    own = signer(f"{town.slug} signing", town.profile)
    values: dict[str, Any] = {
        "issuer": town.issuer,
        "signing_key": private_pem(own.key).decode(),
        "signing_certificate": pem(own.certificate),
        "encryption_key": private_pem(town.sealing.key).decode(),
        "encryption_certificate": pem(town.sealing.certificate),
        "idp_issuer": NODE,
        "idp_certificates": pem(signer("node", town.profile).certificate),
        "profile": town.profile.value,
    }
    return EpuapSettings(**(values | changes))


__all__ = ["PEOPLE", "Person"]
