"""Przelewy24's ways to say no, and ways not to answer at all."""

from __future__ import annotations

import socket
import time
from typing import Any

from flask import Response, jsonify, request

BAD_DAY = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
MAINTENANCE = (
    "<!doctype html><html lang='pl'><head><title>Przerwa techniczna</title></head><body>Wracamy o 6.00</body></html>"
)


def refuse(http: int, error: Any, *, code: Any = None) -> Response:
    response = jsonify({"error": error, "code": http if code is None else code})
    response.status_code = http
    return response


def not_found() -> Response:
    """Some of their 404s say `responseCode` where others say `code`."""
    response = jsonify({"error": "Transaction not found", "responseCode": 404})
    response.status_code = 404
    return response


def done(data: Any, http: int = 200) -> Response:
    response = jsonify({"data": data, "responseCode": 0})
    response.status_code = http
    return response


def html_error() -> Response:
    return Response(BAD_DAY, 502, content_type="text/html; charset=UTF-8")


def maintenance() -> Response:
    return Response(MAINTENANCE, 200, content_type="text/html; charset=UTF-8")


def hang_up(after: float) -> Response:
    """Keep the line open for a while, then cut it; what is returned reaches nobody."""
    time.sleep(after)
    line: socket.socket = request.environ["werkzeug.socket"]
    line.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
