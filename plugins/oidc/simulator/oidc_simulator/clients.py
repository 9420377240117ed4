"""Who may ask, as the provider knows them from their registration; and the two providers that live here."""

from __future__ import annotations

import json
from dataclasses import dataclass

TENANT = "6f1c1d0e-5a53-4e0c-9a3e-0d1c6a7b2f10"  # of the office's directory, in the manner of Entra
BANK, OFFICE = "bank", f"{TENANT}/v2.0"


@dataclass(frozen=True)
class Realm:
    """`says_issuer`: it names itself in the way back (RFC 9207). Entra does not."""

    path: str
    name: str
    says_issuer: bool
    tenant: str | None = None


REALMS = {
    BANK: Realm(BANK, "Bank Przykładowy (mojeID)", says_issuer=True),
    OFFICE: Realm(OFFICE, "Katalog urzędu", says_issuer=False, tenant=TENANT),
}


@dataclass(frozen=True)
class Client:
    """`auth` is basic, post or key; a secret with the first two, a public key (PEM) with the last."""

    realm: str
    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    auth: str = "basic"
    secret: str = ""
    public_key: str = ""

    @classmethod
    def read(cls, text: str) -> Client:
        told = json.loads(text)
        client = cls(**{**told, "redirect_uris": tuple(told["redirect_uris"])})
        if client.realm not in REALMS or client.auth not in {"basic", "post", "key"}:
            raise ValueError("an unknown realm, or way to prove who asks")
        if not (client.public_key if client.auth == "key" else client.secret):
            raise ValueError("nothing to prove who asks with")
        return client
