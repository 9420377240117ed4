"""A browser without a screen: Flask's test client on one gmina's host, with forms filled like a person does."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from sqlalchemy import select

from skarbnik.accounts.models import SignInOutcome, User, UserKind
from skarbnik.accounts.services import LOCAL, open_session, record_attempt
from skarbnik.web.frame import cookie_name

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """Keeps cookies of one host. `get` and `post` give Flask's test responses; `text` is the last page."""

    def __init__(self, app: Flask, slug: str, *, host: str | None = None) -> None:
        self.app = app
        self.client = app.test_client()
        self.host = host or f"{slug}.skarbnik.test"
        self.base = f"https://{self.host}"
        self.text = ""

    def get(self, path: str, **options: Any) -> Any:
        return self._kept(self.client.get(path, base_url=self.base, **options))

    def post(self, path: str, data: Any = None, *, token: bool = True, **options: Any) -> Any:
        """Send a form as from our own page. `token=False` leaves the token out."""
        values = dict(data or {})
        if token:
            values.setdefault("csrf_token", self.token())
        options.setdefault("headers", {"Origin": self.base})
        return self._kept(self.client.post(path, base_url=self.base, data=values, **options))

    def token(self) -> str:
        """The token of the last page that had one, or of the sign-in page."""
        found = TOKEN.search(self.text) or TOKEN.search(self.get("/sign-in").text)
        return found[1] if found else ""

    def sign_in(self, email: str, password: str, *, office: bool = False) -> Any:
        """The password at its door. An official's second factor is taken for given: `accounts` tests it by itself."""
        path = "/office/sign-in" if office else "/sign-in"
        self.get(path)
        answer = self.post(path, {"email": email, "password": password, "next": ""})
        if office and answer.status_code == 303:
            self.enter_office(email)
            answer.headers["Location"] = "/office/"
        return answer

    def enter_office(self, email: str) -> None:
        """A session of an official who gave both factors just now, through the services."""
        address = email.strip().lower()
        tenant = self.app.extensions["skarbnik"].instance.registry.find_by_host(self.host)
        assert tenant is not None
        with tenant.session() as session:
            user = session.scalars(select(User).where(User.kind == UserKind.OFFICIAL, User.email == address)).one()
            token = open_session(session, user, way=LOCAL, second=True, ip="127.0.0.1", agent="")
            outcome = SignInOutcome.SIGNED_IN
            record_attempt(session, kind=user.kind, user_id=user.id, outcome=outcome, way=LOCAL, ip="127.0.0.1")
        self.client.set_cookie(cookie_name("session"), token, domain=self.host, secure=True)

    def _kept(self, response: Any) -> Any:
        if response.content_type and "html" in response.content_type:
            self.text = response.text
        return response
