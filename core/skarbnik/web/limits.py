"""Limits on how often something may be asked: in Redis, per gmina and address.

They fail open when Redis is away, except that sign-in falls back to counting in the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, g, request
from flask_limiter import Limiter


def _key() -> str:
    tenant = g.get("tenant")
    return f"{tenant.id if tenant else '-'}:{request.remote_addr}"


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
