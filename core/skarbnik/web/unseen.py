"""Addresses that hold a secret: no other site is told of them, and neither a search engine nor a cache keeps the page.

Whatever answers there, a page, a redirect or an error of any kind, says so.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request

GUARDS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}


def install_unseen(app: Flask, holds_secret: Callable[[str], bool]) -> None:
    """Flask asks what was installed first last: before the frame this is also true of the page that says that
    nothing could be kept."""

    @app.after_request
    def guard(response: Response) -> Response:
        if holds_secret(request.path):
            response.headers.update(GUARDS)
        return response
