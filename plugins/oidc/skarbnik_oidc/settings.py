"""What the office has from its registration at the provider, and what it agreed on with it.

Everything that decides whom we believe stands here and comes from nobody else: issuer, algorithms, which claim is a
PESEL, which value is which level. What the provider publishes about itself is held against it.
"""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting

HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?"
# Plain http is for the simulator on the same machine only.
PLACE = rf"(https://{HOST}|http://(127\.0\.0\.1|localhost)(:\d{{1,5}})?)"
# Entra answers under these for every tenant there is: whoever has an account anywhere would come in.
EVERYBODY = r"common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad"
ISSUER = rf"(?=.{{1,255}}$)(?!https?://[^/]+/(?i:{EVERYBODY})(/|$)){PLACE}(/[A-Za-z0-9._~%:/@!$&'()*+,;=-]*)?"
WORD = r"[!-~]{1,200}"
WORDS = rf"{WORD}( {WORD})*"
# An address is given to somebody else when its owner leaves: it says who can be written to, never who somebody is.
ADDRESSES = r"e-?mail|mail|upn|preferred_username|unique_name|username|login|login_hint|phone|phone_number"
CLAIM = rf"(?!(?i:{ADDRESSES})$)[A-Za-z0-9_:./-]{{1,100}}"
PAIR = r"[A-Za-z0-9_:./-]{1,100}=[!-~]{1,200}"
PAIRS = rf"{PAIR}( {PAIR})*"
ALGORITHM = r"(RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA)"
KEY = r"\s*-----BEGIN (EC |RSA )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (EC |RSA )?PRIVATE KEY-----\s*"


@dataclass(frozen=True)
class OidcSettings:
    """One gmina at one provider."""

    issuer: str = setting(
        "Adres dostawcy (Issuer)",
        pattern=ISSUER,
        help="Co do znaku ten, który podaje dostawca. Microsoft Entra: https://login.microsoftonline.com/"
        "identyfikator katalogu/v2.0; nigdy common ani organizations.",
    )
    client_id: str = setting("Identyfikator systemu (client_id)", pattern=WORD)
    client_auth: str = setting(
        "Jak Skarbnik potwierdza, że to on",
        default="basic",
        pattern=r"basic|post|key",
        help="basic albo post: hasło systemu, w nagłówku albo w formularzu. key: podpis kluczem (private_key_jwt).",
    )
    client_secret: str = secret("Hasło systemu (client_secret)", default="", pattern=r"[^\x00-\x1f\x7f]{1,500}")
    secret_ends_on: str = setting(
        "Dzień, w którym hasło systemu wygasa",
        default="",
        pattern=r"20\d\d-[01]\d-[0-3]\d",
        help="RRRR-MM-DD. Skarbnik ostrzeże 45 dni wcześniej. W Entra hasła zawsze wygasają.",
    )
    client_key: str = secret(
        "Klucz prywatny systemu (PEM)", default="", pattern=KEY, help="Tylko przy key: RSA od 2048 bitów albo P-256."
    )
    client_key_id: str = setting("Identyfikator klucza (kid)", default="", pattern=WORD)
    scope: str = setting(
        "Zakres (scope)",
        default="openid profile",
        pattern=rf"openid( {WORD})*",
        help="mojeID przez brokera: openid profile nin",
    )
    more_hosts: str = setting(
        "Inne hosty dostawcy",
        default="",
        pattern=rf"{HOST}( {HOST})*",
        help="Po spacji, gdy jego usługi stoją nie tylko na hoście z adresu dostawcy. Do innych Skarbnik nie pójdzie.",
    )
    algorithms: str = setting(
        "Algorytmy podpisu",
        default="RS256 PS256 ES256",
        pattern=rf"{ALGORITHM}( {ALGORITHM})*",
        help="Te i żadne inne, cokolwiek powie dostawca.",
    )
    skew: int = setting(
        "Dopuszczalna różnica zegarów (sekundy)", default=60, pattern=r"[0-9]|[1-9][0-9]|1[01][0-9]|120"
    )
    max_age: str = setting(
        "Jak dawno osoba mogła podać hasło u dostawcy",
        default="any",
        pattern=r"any|0|[1-9]\d{0,4}",
        help="any: bez znaczenia. 0: za każdym razem od nowa. Inna liczba: sekundy. Dostawca musi podawać auth_time.",
    )
    pesel_claim: str = setting(
        "Pole z numerem PESEL", default="", pattern=CLAIM, help="mojeID przez brokera: nin. Puste: dostawca go nie zna."
    )
    pesel_when: str = setting(
        "Numer jest numerem PESEL tylko, gdy",
        default="",
        pattern=PAIRS,
        help="Pary pole=wartość po spacji, wszystkie naraz. mojeID: nin_type=PERSON nin_issuing_country=PL",
    )
    without_pesel: bool = setting(
        "Przyjmuj osoby bez numeru PESEL",
        default=False,
        help="Gdy pole z numerem jest podane, a osoba go nie ma.",
    )
    birth_claim: str = setting(
        "Pole z datą urodzenia",
        default="birthdate",
        pattern=CLAIM,
        help="Numer PESEL musi się z nią zgadzać. Kreska (-): dostawca jej nie podaje.",
    )
    nip_claim: str = setting("Pole z numerem NIP", default="", pattern=CLAIM)
    given_name_claim: str = setting("Pole z imieniem", default="given_name", pattern=CLAIM)
    family_name_claim: str = setting("Pole z nazwiskiem", default="family_name", pattern=CLAIM)
    userinfo: bool = setting(
        "Pytaj o dane osoby osobno (userinfo)", default=False, help="Gdy nie ma ich w tokenie tożsamości."
    )
    acr_low: str = setting(
        "Wartości acr poziomu niskiego", default="", pattern=WORDS, help="Po spacji, tak jak pisze je dostawca."
    )
    acr_substantial: str = setting("Wartości acr poziomu średniego", default="", pattern=WORDS)
    acr_high: str = setting("Wartości acr poziomu wysokiego", default="", pattern=WORDS)
    level_without_acr: str = setting(
        "Poziom zaufania, gdy dostawca nie podaje acr",
        default="none",
        pattern=r"none|low|substantial|high",
        help="Tylko gdy wynika z umowy z nim: mojeID to substantial (średni). Nie działa, gdy wpisano wartości acr.",
    )
    second_factor: str = setting(
        "Po czym poznać drugi składnik",
        default="amr=mfa",
        pattern=PAIRS,
        help="Pary pole=wartość po spacji, wystarczy jedna. Entra w wersji 2.0: acrs=c1 i zapytanie o nie poniżej.",
    )
    conditions: str = setting(
        "Wchodzi tylko ten, kto ma",
        default="",
        pattern=PAIRS,
        help="Pary pole=wartość po spacji, wszystkie naraz; na przykład grupa w katalogu: groups=skarbnik",
    )
    claims_request: str = setting(
        "Dodatkowe zapytanie (claims)",
        default="",
        pattern=r"\{[ -~]{1,1000}\}",
        help='JSON z normy. Entra: {"id_token":{"acrs":{"essential":true,"value":"c1"}}}',
    )
