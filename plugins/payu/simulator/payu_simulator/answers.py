"""PayU's ways to say no, and ways not to answer at all."""

from __future__ import annotations

import socket
import time
from typing import Any

from flask import Response, jsonify, request

SUCCESS = {"statusCode": "SUCCESS"}
BAD_DAY = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def refuse(
    http: int, status_code: str, description: str = "", *, code: str = "", literal: str = "", **more: Any
) -> Response:
    """Every member but statusCode may be absent, and here it is when there is nothing to say."""
    status = {"statusCode": status_code, "severity": "ERROR"}
    status |= {
        name: value for name, value in (("code", code), ("codeLiteral", literal), ("statusDesc", description)) if value
    }
    response = jsonify({**more, "status": status})
    response.status_code = http
    return response


def not_found() -> Response:
    return refuse(404, "DATA_NOT_FOUND", "Could not find data for given criteria.")


def oauth_refusal(http: int, error: str, description: str) -> Response:
    response = jsonify({"error": error, "error_description": description})
    response.status_code = http
    return response


def html_error() -> Response:
    return Response(BAD_DAY, 502, content_type="text/html; charset=UTF-8")


def bare_status() -> Response:
    response = jsonify({"timestamp": int(time.time()), "status": 503, "error": "Service Unavailable"})
    response.status_code = 503
    return response


def hang_up(after: float) -> Response:
    """Keep the line open for a while, then cut it; what is returned reaches nobody."""
    time.sleep(after)
    line: socket.socket = request.environ["werkzeug.socket"]
    line.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
