"""The OAuth token: one for a POS, kept in memory, renewed before it expires and once when PayU no longer takes it."""

from __future__ import annotations

import threading
import time

from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, HttpClient, Misconfigured, OutcomeUnknown
from skarbnik_payu.answers import text
from skarbnik_payu.settings import PayuSettings

PATH = "/pl/standard/user/oauth/authorize"
EARLY_SECONDS = 300


class Access:
    """Hands out the current token. Several threads ask at once; only one of them renews."""

    def __init__(self, settings: PayuSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    def token(self) -> str:
        with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._token, lasts = self._ask()
                self._renew_at = time.monotonic() + lasts - min(EARLY_SECONDS, lasts / 10)
            return self._token

    def forget(self, token: str) -> None:
        """PayU did not take this token. A newer one, which another thread may have brought, stays."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _ask(self) -> tuple[str, int]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        try:
            answer = self._http.request("POST", self._settings.base_url + PATH, form=form)
        except OutcomeUnknown as error:
            # Whatever became of the token, the payment itself was never asked for.
            raise ExternalSystemError("PayU gave no access token in time") from error
        return _read(answer)


def _read(answer: HttpAnswer) -> tuple[str, int]:
    if answer.status in {400, 401, 403}:
        raise Misconfigured(f"PayU does not accept client_id and client_secret (status {answer.status})")
    if answer.status != 200:
        raise ExternalSystemError(f"PayU gave no access token (status {answer.status})")
    body = answer.json()
    token = text(body, "access_token")
    lasts = body.get("expires_in") if isinstance(body, dict) else None
    if token is None or type(lasts) is not int or lasts <= 0:
        raise ExternalSystemError("PayU's access token cannot be understood")
    return token, lasts
