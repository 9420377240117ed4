"""Cookies of one host that no script reads: a plain one, and one whose words are sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from flask import g, request
from werkzeug.wrappers import Response

from skarbnik.web.frame import cookie_name, instance_of_app
from skarbnik.web.sealed import Seals, open_words, seal_words

SameSite = Literal["Strict", "Lax", "None"]


def set_cookie(
    response: Response, kind: str, value: str, *, same_site: SameSite = "Lax", good_for: timedelta | None = None
) -> None:
    """Until the browser is closed, unless it is good for some time."""
    response.set_cookie(
        cookie_name(kind),
        value,
        max_age=good_for,
        secure=True,
        httponly=True,
        samesite=same_site,
        path="/",
    )


def delete_cookie(response: Response, kind: str, *, same_site: SameSite = "Lax") -> None:
    response.delete_cookie(cookie_name(kind), secure=True, httponly=True, samesite=same_site, path="/")


def read_cookie(kind: str) -> str:
    """Empty when the browser brought none."""
    return request.cookies.get(cookie_name(kind), "")


@dataclass(frozen=True)
class SealedCookie:
    """A few words one browser keeps for the next page, for as long as `good_for`. This host alone opens them."""

    kind: str
    purpose: str
    good_for: timedelta
    same_site: SameSite = "Lax"

    def give(self, response: Response, words: dict[str, Any]) -> None:
        set_cookie(response, self.kind, seal_words(_owner(), self.purpose, words), same_site=self.same_site)

    def read(self) -> dict[str, Any] | None:
        """None when there is none, it is too old, or another host made it."""
        return open_words(_owner(), self.purpose, read_cookie(self.kind), good_for=self.good_for)

    def read_outdated(self) -> dict[str, Any] | None:
        """As `read`, however old it is."""
        return open_words(_owner(), self.purpose, read_cookie(self.kind), good_for=None)

    def is_given(self) -> bool:
        return cookie_name(self.kind) in request.cookies

    def delete(self, response: Response) -> None:
        delete_cookie(response, self.kind, same_site=self.same_site)


def _owner() -> Seals:
    return g.tenant if g.tenant is not None else instance_of_app()
