"""What the office has from its application to the ministry, and what it made itself: keys and certificates.

One gmina is one party to the node, with its own issuer, keys and return address: an answer to one can be opened and
believed by no other. What the node's public material leaves open is a setting.
"""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting

# Plain http is for the simulator on the same machine only.
ADDRESS = r"https://[A-Za-z0-9.-]+(:\d{1,5})?/[!-~]*|http://(127\.0\.0\.1|localhost)(:\d{1,5})?/[!-~]*"
NAME = r"[!-~]{1,200}"
TEXT = r"[^\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]{1,200}"  # what XML can say in one line
ONE = r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*"
CERTIFICATE, CERTIFICATES = rf"\s*{ONE}", rf"\s*({ONE})+"
KEY = r"\s*-----BEGIN (EC |RSA )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (EC |RSA )?PRIVATE KEY-----\s*"


@dataclass(frozen=True)
class EpuapSettings:
    """One gmina at the national node (Węzeł Krajowy)."""

    issuer: str = setting(
        "Identyfikator systemu (Issuer)", pattern=NAME, help="Dokładnie ten z wniosku: adres albo krótka nazwa."
    )
    signing_key: str = secret("Klucz prywatny do podpisu (PEM)", pattern=KEY, lines=True)
    signing_certificate: str = setting("Certyfikat do podpisu (PEM)", pattern=CERTIFICATE, lines=True)
    encryption_key: str = secret("Klucz prywatny do szyfrowania (PEM)", pattern=KEY, lines=True)
    encryption_certificate: str = setting("Certyfikat do szyfrowania (PEM)", pattern=CERTIFICATE, lines=True)
    idp_issuer: str = setting(
        "Identyfikator węzła (Issuer)", pattern=NAME, help="Na środowisku integracyjnym: int.login.gov.pl"
    )
    idp_certificates: str = setting(
        "Certyfikaty podpisu węzła (PEM)",
        pattern=CERTIFICATES,
        lines=True,
        help="Jeden pod drugim, także następny, zanim węzeł zacznie go używać. Liczą się daty w certyfikatach.",
    )
    next_encryption_key: str = secret(
        "Następny klucz do szyfrowania (PEM)",
        default="",
        pattern=KEY,
        lines=True,
        help="Na czas wymiany; działają wtedy oba.",
    )
    next_encryption_certificate: str = setting(
        "Następny certyfikat do szyfrowania (PEM)", default="", pattern=CERTIFICATE, lines=True
    )
    sso_url: str = setting(
        "Adres logowania",
        default="https://login.gov.pl/login/SingleSignOnService",
        pattern=ADDRESS,
        help="Do prób: https://int.login.gov.pl/login/SingleSignOnService",
    )
    ars_url: str = setting(
        "Adres odbioru tożsamości (artefaktów)",
        default="https://login.gov.pl/login-services/idpArtifactResolutionService",
        pattern=ADDRESS,
    )
    slo_url: str = setting(
        "Adres wylogowania", default="https://login.gov.pl/login-services/singleLogoutService", pattern=ADDRESS
    )
    destination: str = setting(
        "Adres w polu Destination",
        default="",
        pattern=ADDRESS,
        help="Tylko gdy węzeł każe podać inny niż adres logowania.",
    )
    provider_name: str = setting("Nazwa systemu pokazywana osobie", default="", pattern=TEXT)
    sp_type: str = setting("Rodzaj podmiotu (SPType)", default="public", pattern=r"public|private")
    level: str = setting(
        "Najniższy poziom zaufania",
        default="substantial",
        pattern=r"low|substantial|high",
        help="low, substantial albo high. Skarbnik może prosić o wyższy, o niższy nigdy.",
    )
    skew: int = setting(
        "Dopuszczalna różnica zegarów (sekundy)", default=90, pattern=r"[0-9]|[1-9][0-9]|1[01][0-9]|120"
    )
    without_pesel: bool = setting(
        "Przyjmuj osoby bez numeru PESEL", default=False, help="Na przykład z innych państw Unii."
    )
    foreign_authentication: bool = setting(
        "Proś o środki innych państw (ForeignAuthentication)", default=False, help="Pole formularza; bez potwierdzenia."
    )
    context: str = setting(
        "Kontekst operacji", default="none", pattern=r"none|coi|kir", help="none, coi albo kir, gdy węzeł tego wymaga."
    )
    context_class: str = setting("Kontekst: ContextClass", default="", pattern=TEXT)
    context_description: str = setting("Kontekst: ContextDescription", default="", pattern=TEXT)
    context_document: str = setting("Kontekst: DocumentID", default="", pattern=TEXT)
    idp_party: str = setting(
        "Identyfikator węzła w szyfrowaniu (PartyUInfo)",
        default="",
        pattern=NAME,
        help="Tylko gdy inny niż identyfikator węzła.",
    )
    profile: str = setting(
        "Algorytmy", default="wk", pattern=r"wk|rsa", help="wk: login.gov.pl (ECDSA). rsa: inni dostawcy SAML 2.0."
    )
    given_name_attribute: str = setting("Atrybut z imieniem", default="", pattern=NAME)
    family_name_attribute: str = setting("Atrybut z nazwiskiem", default="", pattern=NAME)
    birth_attribute: str = setting("Atrybut z datą urodzenia", default="", pattern=NAME)
    identifier_attribute: str = setting("Atrybut z identyfikatorem (PESEL)", default="", pattern=NAME)
    tls_key: str = secret("Klucz prywatny do połączenia (PEM)", default="", pattern=KEY, lines=True)
    tls_certificate: str = setting(
        "Certyfikat do połączenia (PEM)",
        default="",
        pattern=CERTIFICATE,
        lines=True,
        help="Tylko gdy węzeł żąda certyfikatu TLS.",
    )
