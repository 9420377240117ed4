"""PayU's REST API 2.1, one method a call. Bodies in and out are PayU's own; `gateway` translates them."""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import quote

from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, HttpClient, OutcomeUnknown
from skarbnik_payu.access import Access
from skarbnik_payu.answers import judge
from skarbnik_payu.settings import PayuSettings

ORDERS = "/api/v2_1/orders"
CORRELATION = re.compile(r"[A-Za-z0-9-]{1,64}")

log = logging.getLogger(__name__)


class PayuClient:
    """Sends with a valid token and reads what an answer means. Raises the errors of the contract, see `answers`."""

    def __init__(self, settings: PayuSettings, http: HttpClient) -> None:
        self._base_url = settings.base_url
        self._http = http
        self._access = Access(settings, http)

    def check_access(self) -> None:
        self._access.token()

    def create(self, order: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", ORDERS, order)

    def get(self, order_id: str) -> dict[str, Any]:
        return self._call("GET", _order(order_id))

    def transactions(self, order_id: str) -> dict[str, Any]:
        return self._call("GET", f"{_order(order_id)}/transactions")

    def cancel(self, order_id: str) -> dict[str, Any]:
        return self._call("DELETE", _order(order_id))

    def capture(self, order_id: str) -> dict[str, Any]:
        return self._call("POST", f"{_order(order_id)}/captures")

    def refund(self, order_id: str, refund: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", f"{_order(order_id)}/refunds", {"refund": refund})

    def get_refund(self, order_id: str, refund_id: str) -> dict[str, Any]:
        return self._call("GET", f"{_order(order_id)}/refunds/{quote(refund_id, safe='')}")

    def list_refunds(self, order_id: str) -> dict[str, Any]:
        return self._call("GET", f"{_order(order_id)}/refunds")

    def list_methods(self, language: str) -> dict[str, Any]:
        return self._call("GET", f"/api/v2_1/paymethods?lang={quote(language, safe='')}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        token = self._access.token()
        answer = self._send(method, path, raw, token)
        if answer.status == 401:
            # Nothing was done without a valid token, so the same call may be sent again, once.
            self._access.forget(token)
            answer = self._send(method, path, raw, self._access.token())
        return judge(answer, changes=method != "GET")

    def _send(self, method: str, path: str, raw: bytes | None, token: str) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            answer = self._http.request(method, self._base_url + path, headers=headers, body=raw)
        except OutcomeUnknown as error:
            if method == "GET":
                raise ExternalSystemError("PayU did not answer in time") from error
            raise
        log.info("PayU %s %s: %s, correlation %s", method, path, answer.status, _correlation(answer))
        return answer


def _order(order_id: str) -> str:
    return f"{ORDERS}/{quote(order_id, safe='')}"


def _correlation(answer: HttpAnswer) -> str:
    """PayU's support asks for this number."""
    given = answer.headers.get("Correlation-Id", "")
    return given if CORRELATION.fullmatch(given) else "none"
