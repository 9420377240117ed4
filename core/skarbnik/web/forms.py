"""Forms: Flask-WTF with its token in a small signed cookie of the gmina. Nothing else lives in that cookie."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer

from skarbnik.web.frame import cookie_name, tenant_of_request

csrf = CSRFProtect()


class GminaCookie(SecureCookieSessionInterface):
    """Flask's signed cookie with a key of the gmina: what one gmina signed is nothing at another."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        tenant = tenant_of_request()  # Flask opens its session before anything else of the request
        if tenant is None:
            return None
        return URLSafeTimedSerializer(
            tenant.instance.keys.digest_key(tenant.id, "form-cookie"),
            salt="form-cookie",
            serializer=self.serializer,
            signer_kwargs={"key_derivation": "hmac", "digest_method": self.digest_method},
        )

    def get_cookie_name(self, app: Flask) -> str:
        return cookie_name("form")


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
