"""The frame of the API: problem details as errors, access tokens, one schema in and one out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, jsonify, request
from flask_smorest import Api, Blueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException, ServiceUnavailable, default_exceptions
from werkzeug.wrappers import Response

from skarbnik.errors import SkarbnikError
from skarbnik.plugin_api import Access
from skarbnik.web import frame
from skarbnik.web.errors import status_of


class StrictSchema(Schema):
    """Unknown fields are refused."""

    class Meta:
        unknown = RAISE


class StrictParser(FlaskParser):
    """Unknown fields of a query are refused too; webargs alone would pass over them whatever the schema says."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """Resources of one feature."""

    ARGUMENTS_PARSER = StrictParser()


class SkarbnikApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest whose errors are problem details (RFC 9457) and keep the headers of the exception."""

    def _register_error_handlers(self) -> None:
        """Below /api/ every error is a problem; flask-smorest alone would answer people with JSON too."""
        handlers = self._app.error_handler_spec[None][None]
        for kind, page in list(handlers.items()):
            handlers[kind] = self._problem_or(page)

    def _problem_or(self, page: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def handle(error: Exception) -> Any:
            if not request.path.startswith("/api/"):
                return page(error)
            if isinstance(error, SkarbnikError):
                return problem_of(error)
            found = error if isinstance(error, HTTPException) else page(error)
            if not isinstance(found, HTTPException):
                busy = found[1] == ServiceUnavailable.code
                found = ServiceUnavailable(retry_after=5) if busy else default_exceptions[found[1]]()
            return self.handle_http_exception(found)

        return handle

    def handle_http_exception(self, error: HTTPException) -> Any:
        frame.roll_back()
        data = getattr(error, "data", None) or {}
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": error.name,
            "status": error.code,
            "detail": data.get("message") or error.description,
        }
        if data.get("messages"):
            problem["errors"] = data["messages"]
        return answer_problem(problem, headers=_kept(error))


def _kept(error: HTTPException) -> dict[str, str]:
    wanted = {"Allow", "Retry-After", "WWW-Authenticate"}
    return {name: value for name, value in error.get_headers() if name in wanted}


def answer_problem(problem: dict[str, Any], *, headers: dict[str, str] | None = None) -> Response:
    response = jsonify(problem)
    response.status_code = int(problem["status"])
    response.content_type = "application/problem+json"
    response.headers.update(headers or {})
    return response


def problem_of(error: SkarbnikError) -> Response:
    frame.roll_back()
    status = status_of(error)
    return answer_problem(
        {"type": "about:blank", "title": type(error).__name__, "status": status, "detail": str(error)}
    )


def token_required(scope: str, *, largest: int | None = None) -> Access:
    """For the `access` of a resource: programs with a token of this scope; `largest` when they may send large files."""
    return Access(None, f"programs with an access token of scope {scope}", scope=scope, largest=largest)


def install_api(app: Flask) -> SkarbnikApi:
    app.config.update(
        {
            "API_TITLE": "Skarbnik",
            "API_VERSION": "v1",
            "OPENAPI_VERSION": "3.0.3",
            "OPENAPI_URL_PREFIX": "/api/v1",
            "OPENAPI_JSON_PATH": "openapi.json",
        }
    )
    api = SkarbnikApi(app)
    api.spec.components.security_scheme(
        "token",
        {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "/api/v1/oauth/token",
                    "scopes": {
                        "receivables:read": "Receivables",
                        "payments:read": "Payment orders",
                        "exchange:read": "What became of files; batches of bookings",
                        "exchange:write": "Files of a finance system",
                    },
                }
            },
        },
    )
    return api
