"""Errors as pages: what went wrong, and what to do next. The API has its own words for the same errors."""

from __future__ import annotations

import structlog
from flask import Flask, g, render_template, request
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException

from skarbnik.errors import Conflict, Forbidden, Invalid, NotFound, SkarbnikError
from skarbnik.web import frame

log = structlog.get_logger()

STATUS: list[tuple[type[SkarbnikError], int]] = [(NotFound, 404), (Conflict, 409), (Forbidden, 403), (Invalid, 400)]


def status_of(error: SkarbnikError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def install_errors(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SkarbnikError, _expected)
    app.register_error_handler(DataError, _unfit)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(PoolTimeout, _busy)
    app.register_error_handler(Exception, _unexpected)


def _page(status: int) -> tuple[str, int]:
    """In the frame of the gmina's pages, unless what failed may be needed to draw it."""
    frame.roll_back()
    tenant = g.get("tenant")
    framed = tenant is not None and status < 500
    return render_template("web/error.html", status=status, tenant=tenant, framed=framed), status


def _http(error: HTTPException) -> tuple[str, int] | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if request.path.startswith("/api/"):
        frame.roll_back()
        return error
    return _page(error.code)


def _expected(error: SkarbnikError) -> tuple[str, int]:
    status = status_of(error)
    log.info("refused", error=type(error).__name__, message=str(error), status=status)
    return _page(status)


def _unfit(error: DataError) -> tuple[str, int] | HTTPException:
    """A value no column can hold, such as a text with a zero byte: whoever sent it was not one of our pages."""
    log.warning("value.unfit", error=type(error.orig).__name__)
    return _http(BadRequest())


def _busy(error: Exception) -> tuple[str, int, dict[str, str]]:
    log.error("database.unavailable", error=type(error).__name__)
    return (*_page(503), {"Retry-After": "5"})


def _unexpected(error: Exception) -> tuple[str, int]:
    log.error("crashed", exc_info=error)
    return _page(500)
