"""Everything that may go wrong, for the next few times."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

STRANGER = "https://obcy.example"
HOUR = 3600

Claims = dict[str, Any]


def _set(**values: Any) -> Callable[[Claims], None]:
    return lambda claims: claims.update(values)


def _shift(seconds: int, *names: str) -> Callable[[Claims], None]:
    return lambda claims: claims.update({name: claims[name] + seconds for name in names})


def _drop(*names: str) -> Callable[[Claims], None]:
    def change(claims: Claims) -> None:
        for name in names:
            claims.pop(name, None)

    return change


def _several(claims: Claims) -> None:
    claims |= {"aud": [claims["aud"], STRANGER], "azp": STRANGER}


def _not_yet(claims: Claims) -> None:
    claims["nbf"] = claims["iat"] + HOUR


CLAIMS: dict[str, tuple[Callable[[Claims], None], str]] = {
    "wrong_issuer": (_set(iss=STRANGER), "token wystawiony przez kogo innego (iss)"),
    "wrong_audience": (_set(aud="obcy-system"), "token dla innego systemu (aud)"),
    "wrong_party": (_several, "kilku odbiorców, token dla innego (azp)"),
    "wrong_nonce": (_set(nonce="cudzy"), "token z innego logowania (nonce)"),
    "no_nonce": (_drop("nonce"), "token bez nonce"),
    "expired": (_shift(-HOUR, "exp", "iat", "auth_time"), "token sprzed godziny"),
    "from_the_future": (_shift(HOUR, "exp", "iat"), "token za godzinę"),
    "not_yet": (_not_yet, "token ważny za godzinę (nbf)"),
    "no_times": (_drop("exp", "iat"), "token bez czasów"),
    "wrong_at_hash": (_set(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "at_hash innego tokena dostępu"),
    "no_at_hash": (_drop("at_hash"), "token bez at_hash; to nie błąd"),
    "wrong_tenant": (_set(tid="00000000-0000-4000-8000-000000000002"), "inny katalog (tid)"),
    "old_login": (_shift(-HOUR, "auth_time"), "osoba zalogowana godzinę temu (auth_time)"),
    "no_subject": (_drop("sub"), "token o nikim"),
    "low_acr": (_set(acr="urn:bank:loa:low"), "niższy poziom zaufania, niż ma osoba (acr)"),
}
SIGNED = {
    "alg_none": "token bez podpisu (alg none)",
    "hmac": "podpis HMAC kluczem publicznym (HS256)",
    "header_key": "obcy klucz w nagłówku tokena (jwk)",
    "strangers_key": "podpis obcym kluczem pod tą samą nazwą (kid)",
    "unknown_key": "klucz, którego dostawca nie publikuje",
    "rotate": "od teraz nowy klucz, już opublikowany; to nie błąd",
    "curve": "podpis ES256; to nie błąd",
    "access_kind": "token dostępu zamiast tożsamości (typ at+jwt)",
}
BACK = {
    "wrong_state": "powrót z innym state",
    "wrong_iss": "powrót z nazwą innego dostawcy (iss)",
    "no_iss": "powrót bez nazwy dostawcy (iss)",
    "server_error": "powrót z błędem server_error",
    "two_codes": "powrót z dwoma kodami",
}
TOKEN = {
    "error_500": "token: błąd 500",
    "nonsense": "token: HTML ze statusem 200",
    "redirect": "token: przekierowanie 302 gdzie indziej",
    "drop": "token: połączenie się zrywa",
    "slow_token": "token: odpowiedź przychodzi `value` sekund później (5)",
    "invalid_client": "token: hasło systemu nie pasuje",
    "lose_code": "token: dostawca nie zna kodu",
    "no_identity": "token: odpowiedź bez tokena tożsamości",
    "userinfo_other": "userinfo o kim innym",
    "userinfo_500": "userinfo: błąd 500",
}
PUBLISHED = {
    "metadata_500": "metadane: błąd 500",
    "metadata_nonsense": "metadane: HTML ze statusem 200",
    "metadata_other": "metadane innego dostawcy (issuer)",
    "metadata_leads_away": "metadane kierują po token na obcy host",
    "metadata_doubled": "metadane z podwójnym polem issuer",
    "keys_500": "klucze: błąd 500",
    "keys_huge": "klucze: więcej niż 256 KiB",
    "keys_none": "klucze: pusty zbiór",
}
KNOWN = {**{name: told for name, (_, told) in CLAIMS.items()}, **SIGNED, **BACK, **TOKEN, **PUBLISHED}


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
