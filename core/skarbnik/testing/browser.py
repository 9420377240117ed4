"""A browser without a screen: Flask's test client on one gmina's host, with forms filled like a person does."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser:
    """Keeps cookies of one host. `get` and `post` give Flask's test responses; `text` is the last page."""

    def __init__(self, app: Flask, slug: str, *, host: str | None = None) -> None:
        self.client = app.test_client()
        self.base = f"https://{host or f'{slug}.skarbnik.test'}"
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
        path = "/office/sign-in" if office else "/sign-in"
        self.get(path)
        return self.post(path, {"email": email, "password": password, "next": ""})

    def _kept(self, response: Any) -> Any:
        if response.content_type and "html" in response.content_type:
            self.text = response.text
        return response
