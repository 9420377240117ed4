"""Limits on how often something may be asked: in Redis, per gmina and address.

They fail open when Redis is away, except that sign-in falls back to counting in the process.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from flask import Flask, g, request
from flask_limiter import Limiter


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


def limited(limit: str, *, methods: list[str] | None = None) -> Callable[[Any], Any]:
    """How often one address may ask this in one gmina, as `10 per minute`."""
    decorated: Callable[[Any], Any] = limiter.limit(limit, methods=methods)

    def mark(view: Any) -> Any:
        wrapped = decorated(view)
        wrapped.access = getattr(view, "access", None)
        return wrapped

    return mark


def install_limits(app: Flask, redis_url: str) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    limiter.init_app(app)
    # Only what is declared with `limited` is counted, and there the decorator asks. There are no limits for all routes,
    # so looking for them before each request is time for nothing.
    before = app.before_request_funcs[None]
    before[:] = [each for each in before if each != limiter._check_request_limit]
