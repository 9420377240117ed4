"""What a gmina tells about its mail server."""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import secret, setting


@dataclass(frozen=True)
class SmtpSettings:
    """Without a user name nobody signs in: for a server that knows us by our address."""

    host: str = setting("Serwer", help="Nazwa serwera poczty wychodzącej", pattern=r"[A-Za-z0-9.:\-]{1,253}")
    port: int = setting("Port", default=587, help="587 dla STARTTLS, 465 dla TLS")
    security: str = setting(
        "Szyfrowanie",
        default="starttls",
        help="starttls, tls albo none (tylko serwer na tej samej maszynie)",
        pattern="starttls|tls|none",
    )
    username: str = setting("Użytkownik", default="")
    password: str = secret("Hasło", default="")
