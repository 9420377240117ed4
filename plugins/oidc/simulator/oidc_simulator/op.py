"""What the provider knows and decides: who asks, who they said they were, and what a code stands for."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from oidc_simulator.clients import REALMS, Client, Realm
from oidc_simulator.faults import CLAIMS, Faults
from oidc_simulator.people import Person
from oidc_simulator.signing import Signer, b64, by_secret, left_half, make_signer, proven, unsigned

CODE_LASTS, TOKEN_LASTS = 60, 300  # seconds


class Unasked(Exception):  # as the house names errors: after what happened
    """A question the provider does not take; the text is for the page."""


class NoToken(Exception):  # as above
    """The token endpoint says no, in its word (RFC 6749, 5.2)."""

    def __init__(self, word: str, status: int = 400) -> None:
        super().__init__(word)
        self.word, self.status = word, status


@dataclass(frozen=True)
class Question:
    """One request that was taken."""

    client: Client
    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    scopes: frozenset[str]
    acr_values: str = ""


@dataclass(frozen=True)
class Grant:
    question: Question
    person: Person
    given_at: float
    logged_in_at: int


@dataclass
class Op:
    signer: Signer
    people: tuple[Person, ...]
    base: str = ""
    clients: dict[tuple[str, str], Client] = field(default_factory=dict)  # by realm and client_id
    faults: Faults = field(default_factory=Faults)
    questions: dict[str, Question] = field(default_factory=dict)
    codes: dict[str, Grant] = field(default_factory=dict)
    access: dict[str, Grant] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    curve: Signer = field(default_factory=lambda: make_signer("sim-curve", curve=True))
    older: list[Signer] = field(default_factory=list)

    def add(self, client: Client) -> None:
        self.clients[client.realm, client.client_id] = client

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def issuer(self, realm: Realm) -> str:
        return f"{self.base}/{realm.path}"

    def ask(self, realm: Realm, words: Mapping[str, str]) -> str:
        """Take a question; the token of its page."""
        client = self.clients.get((realm.path, words.get("client_id", "")))
        if client is None:
            raise Unasked("Nie znam tego systemu.")
        if words.get("redirect_uri") not in client.redirect_uris:
            raise Unasked("Adres powrotu nie jest zarejestrowany.")
        scopes = frozenset(words.get("scope", "").split())
        if words.get("response_type") != "code" or "openid" not in scopes:
            raise Unasked("Pytanie nie jest o kod albo nie ma zakresu openid.")
        if words.get("code_challenge_method") != "S256" or len(words.get("code_challenge", "")) != 43:
            raise Unasked("Pytanie nie ma PKCE (S256).")
        if not words.get("state") or not words.get("nonce"):
            raise Unasked("Pytanie nie ma state albo nonce.")
        token = secrets.token_urlsafe(24)
        self.questions[token] = Question(
            client,
            words["redirect_uri"],
            words["state"],
            words["nonce"],
            words["code_challenge"],
            scopes,
            words.get("acr_values", ""),
        )
        self.count("asked")
        return token

    def answer(self, token: str, person: Person | None) -> tuple[Question, list[tuple[str, str]]]:
        """Somebody chose who they are, or gave up. What goes back with the browser; the page is used once."""
        with self.lock:
            question = self.questions.pop(token)
        back: list[tuple[str, str]] = [("state", question.state)]
        if self.faults.hits("wrong_state"):
            back = [("state", secrets.token_urlsafe(32))]
        if person is None:
            back.append(("error", "access_denied"))
        elif self.faults.hits("server_error"):
            back.append(("error", "server_error"))
        else:
            for _ in range(2 if self.faults.hits("two_codes") else 1):
                code = secrets.token_urlsafe(32)
                self.codes[code] = Grant(question, person, time.monotonic(), int(time.time()))
                back.append(("code", code))
        self.count("answered")
        realm = REALMS[question.client.realm]
        if self.faults.hits("wrong_iss"):
            back.append(("iss", "https://obcy.example"))
        elif realm.says_issuer and not self.faults.hits("no_iss"):
            back.append(("iss", self.issuer(realm)))
        return question, back

    def redeem(self, realm: Realm, form: Mapping[str, str], basic: tuple[str, str] | None) -> dict[str, Any]:
        """Tokens for a code, once, for the client it was made for, and with the verifier of its question."""
        client = self._client(realm, form, basic)
        if form.get("grant_type") != "authorization_code":
            raise NoToken("unsupported_grant_type")
        with self.lock:
            grant = self.codes.pop(form.get("code", ""), None)
        challenge = b64(sha256(form.get("code_verifier", "").encode()).digest())
        if (
            grant is None
            or grant.question.client != client
            or grant.question.redirect_uri != form.get("redirect_uri")
            or grant.question.challenge != challenge
            or time.monotonic() - grant.given_at > CODE_LASTS
            or self.faults.hits("lose_code")
        ):
            self.count("grant_refused")
            raise NoToken("invalid_grant")
        access = secrets.token_urlsafe(32)
        self.access[access] = grant
        self.count("redeemed")
        told: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": TOKEN_LASTS}
        if not self.faults.hits("no_identity"):
            told["id_token"] = self._sign(self._claims(realm, grant, access))
        return told

    def about(self, realm: Realm, access: str) -> dict[str, Any] | None:
        grant = self.access.get(access)
        if grant is None or grant.question.client.realm != realm.path:
            return None
        subject = self._subject(realm, grant.person)
        if self.faults.hits("userinfo_other"):
            subject = "ktos-inny"
        return {"sub": subject, **_personal(grant.person, grant.question.scopes)}

    def keys(self) -> list[dict[str, str]]:
        return [each.jwk() for each in (self.signer, *self.older, self.curve)]

    def _subject(self, realm: Realm, person: Person) -> str:
        return b64(sha256(f"{realm.path}/{person.key}".encode()).digest())

    def _client(self, realm: Realm, form: Mapping[str, str], basic: tuple[str, str] | None) -> Client:
        client_id = basic[0] if basic else form.get("client_id", "")
        client = self.clients.get((realm.path, client_id))
        if client is None or self.faults.hits("invalid_client"):
            raise NoToken("invalid_client", 401)
        if client.auth == "key":
            try:
                told = proven(form.get("client_assertion", ""), client.public_key)
            except ValueError as error:
                raise NoToken("invalid_client", 401) from error
            right = (client_id, client_id, f"{self.issuer(realm)}/token")
            if (told.get("iss"), told.get("sub"), told.get("aud")) != right or told["exp"] < time.time():
                raise NoToken("invalid_client", 401)
            return client
        given = basic[1] if basic and client.auth == "basic" else form.get("client_secret", "")
        if (basic is not None) != (client.auth == "basic") or not secrets.compare_digest(
            given.encode(), client.secret.encode()
        ):
            raise NoToken("invalid_client", 401)
        return client

    def _claims(self, realm: Realm, grant: Grant, access: str) -> dict[str, Any]:
        now = int(time.time())
        person, question = grant.person, grant.question
        back = 300 if realm.tenant else 0  # Entra dates its tokens back
        claims: dict[str, Any] = {
            "iss": self.issuer(realm),
            "sub": self._subject(realm, person),
            "aud": question.client.client_id,
            "exp": now + TOKEN_LASTS,
            "iat": now - back,
            "nonce": question.nonce,
            "auth_time": grant.logged_in_at,
            "amr": list(person.amr),
            "at_hash": left_half(access),
            **_personal(person, question.scopes),
        }
        if person.acr:
            claims["acr"] = person.acr
        if realm.tenant:
            claims |= {"nbf": claims["iat"], "tid": person.claims.get("tid", realm.tenant), "ver": "2.0"}
        for name, (change, _) in CLAIMS.items():
            if self.faults.hits(name):
                change(claims)
        return claims

    def _sign(self, claims: dict[str, Any]) -> str:
        hits = self.faults.hits
        if hits("rotate"):
            self.older.append(self.signer)
            self.signer = make_signer(f"sim-{len(self.older) + 1}")
        if hits("alg_none"):
            return unsigned(claims)
        if hits("hmac"):
            return by_secret(self.signer.public_pem(), claims, self.signer.kid)
        if hits("header_key"):
            stranger = make_signer("obcy")
            return stranger.sign(claims, jwk=stranger.jwk())
        if hits("strangers_key"):
            return make_signer(self.signer.kid).sign(claims)
        if hits("unknown_key"):
            return make_signer("nieznany", curve=True).sign(claims)
        if hits("curve"):
            return self.curve.sign(claims)
        if hits("access_kind"):
            return self.signer.sign(claims, typ="at+jwt")
        return self.signer.sign(claims)


def _personal(person: Person, scopes: frozenset[str]) -> dict[str, Any]:
    """What is told about a person, by the scopes that were asked for."""
    told: dict[str, Any] = {each: person.claims[each] for each in ("groups", "nip") if each in person.claims}
    if "profile" in scopes:
        told |= {"given_name": person.given_name, "family_name": person.family_name}
        told |= {each: person.claims[each] for each in ("birthdate",) if each in person.claims}
    if "email" in scopes and "email" in person.claims:
        told["email"] = person.claims["email"]
    if "nin" in scopes:
        told |= {name: value for name, value in person.claims.items() if name.startswith("nin")}
    return told
