"""Limits on how often something may be asked: in Redis, per gmina and address.

They fail open when Redis is away, except that sign-in falls back to counting in the process.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, after_this_request, current_app, g, request
from flask_limiter import Limiter

AFTERWARDS = "skarbnik.limits"  # where the application keeps what counts a request once it is answered


def network_of(address: str | None, *, v4: int = 32, v6: int = 64) -> str:
    """Where somebody asks from: one house has 2**64 addresses of IPv6, and may take a new one each time."""
    try:
        place = ipaddress.ip_address(address or "::")
    except ValueError:
        return address or "::"  # a proxy that says more than the address: counted as it is
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        place = place.ipv4_mapped
    bits = v4 if place.version == 4 else v6
    return str(ipaddress.ip_network((place, bits), strict=False).network_address)


def _key() -> str:
    tenant = g.get("tenant")
    return f"{tenant.id if tenant else '-'}:{network_of(request.remote_addr)}"


limiter = Limiter(
    _key,
    in_memory_fallback_enabled=True,
    swallow_errors=True,
    headers_enabled=False,
    strategy="moving-window",
    key_prefix="skarbnik",
)


def was_wrong(response: Response) -> bool:
    """Whether a form was refused, for limits that count guesses and not what succeeds."""
    return response.status_code == 422


def limited(limit: str, *, methods: list[str] | None = None) -> Callable[[Any], Any]:
    """How often one address may ask this in one gmina, as `10 per minute`. The outermost of several limits."""
    decorated: Callable[[Any], Any] = limiter.limit(limit, methods=methods)

    def mark(view: Any) -> Any:
        counted = decorated(view)

        @wraps(view)
        def asked(*arguments: Any, **named: Any) -> Any:
            for count in current_app.extensions[AFTERWARDS]:
                after_this_request(count)
            return counted(*arguments, **named)

        return asked

    return mark


def install_limits(app: Flask, redis_url: str) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    # Only what is declared with `limited` is counted, and the decorator asks before the view and after it. There are no
    # limits for all routes, so what the library hangs around each request is time for nothing.
    hooks: tuple[dict[Any, list[Any]], ...] = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    )
    ours = [list(each.get(None, ())) for each in hooks]
    limiter.init_app(app)
    app.extensions[AFTERWARDS] = app.after_request_funcs[None][len(ours[1]) :]  # none where limits are switched off
    for each, kept in zip(hooks, ours, strict=True):
        each[None] = kept  # None: the whole application
