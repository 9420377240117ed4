"""Forms: Flask-WTF with its token in a small signed cookie of the gmina. Nothing else lives in that cookie."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response, abort, current_app, g
from flask import session as form_cookie
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from skarbnik import clock
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.frame import cookie_name, instance_of_app, tenant_of_request

csrf = CSRFProtect()

NO_TENANT = "-"  # the bare host, where operators sign in
MOST_VERIFIED = 10_000
_VERIFIED: dict[tuple[str, str, date], dict[str, Any]] = {}  # cookies whose signature this process has seen today


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form that asks nothing but whether it is ours. What was chosen comes as plain fields."""


def check_token() -> None:
    """A form that is not ours ends here, with 400."""
    if not TokenForm().validate_on_submit():
        abort(400)


class GminaCookie(SecureCookieSessionInterface):
    """Flask's signed cookie with a key of the gmina: what one gmina signed is nothing at another."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        tenant = _tenant()
        keys = instance_of_app().keys
        return URLSafeTimedSerializer(
            keys.digest_key(tenant.id if tenant else NO_TENANT, "form-cookie"),
            salt="form-cookie",
            serializer=self.serializer,
            signer_kwargs={"key_derivation": "none", "digest_method": self.digest_method},  # the key is derived
        )

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie says. Its signature is verified once a day, not for each page it comes with."""
        text = request.cookies.get(self.get_cookie_name(app))
        if not text:
            return self.session_class()
        tenant = _tenant()
        key = (tenant.id if tenant else NO_TENANT, text, clock.today())
        known = _VERIFIED.get(key)
        if known is not None:
            return self.session_class(known)
        opened = super().open_session(app, request)
        if opened is not None and opened.keys() == {"csrf_token"}:  # messages to be shown once are not kept
            if len(_VERIFIED) >= MOST_VERIFIED:
                _VERIFIED.clear()
            _VERIFIED[key] = dict(opened)
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Nothing to do for a page that only looked: it is kept nowhere, so what it varies by need not be said."""
        if session.modified:
            super().save_session(app, session, response)

    def get_cookie_name(self, app: Flask) -> str:
        return cookie_name("form")


def _tenant() -> Tenant | None:
    """Flask opens its session before anything else of the request. When the registry cannot be read, the frame meets
    the same error a moment later and answers it."""
    try:
        return tenant_of_request()
    except (OperationalError, PoolTimeout):
        return None


@lru_cache(maxsize=MOST_VERIFIED)
def _sign(secret: str, raw: str) -> str:
    token: str = URLSafeTimedSerializer(secret, salt="wtf-csrf-token").dumps(raw)
    return token


def form_token() -> str:
    """Flask-WTF's token of this browser; signing it for each page would cost as much as a query."""
    raw = form_cookie.get("csrf_token")
    if isinstance(raw, str):
        g.csrf_token = _sign(current_app.config["SECRET_KEY"], raw)  # where Flask-WTF looks before it signs
    return generate_csrf()  # type: ignore[no-any-return]  # Flask-WTF has no types


def install_forms(app: Flask, *, secret: str) -> None:
    settings: dict[str, Any] = {
        "SECRET_KEY": secret,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # the frame checks Origin on every unsafe request
    }
    app.config.update(settings)
    app.session_interface = GminaCookie()
    csrf.init_app(app)
    app.context_processor(lambda: {"csrf_token": form_token})  # after Flask-WTF's own, which it replaces
