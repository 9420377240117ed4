"""Przelewy24's REST API v1, one method a call. Bodies in and out are its own; `gateway` translates them."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

from skarbnik.plugin_api import ExternalSystemError, HttpAnswer, HttpClient, OutcomeUnknown
from skarbnik_przelewy24.answers import judge, judge_code
from skarbnik_przelewy24.settings import Przelewy24Settings

API = "/api/v1"

log = logging.getLogger(__name__)


class Przelewy24Client:
    """Says who asks and reads what an answer means. Raises the errors of the contract, see `answers`."""

    def __init__(self, settings: Przelewy24Settings, http: HttpClient) -> None:
        self._address = settings.base_url + API
        self._basic = (settings.pos_id, settings.api_key)
        self._http = http

    def register(self, transaction: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", "/transaction/register", transaction)

    def charge_code(self, token: str, code: str) -> dict[str, Any]:
        return judge_code(self._send("POST", "/paymentMethod/blik/chargeByCode", {"token": token, "blikCode": code}))

    def verify(self, transaction: dict[str, Any]) -> dict[str, Any]:
        return self._call("PUT", "/transaction/verify", transaction)

    def get(self, session_id: str) -> dict[str, Any]:
        return self._call("GET", f"/transaction/by/sessionId/{quote(session_id, safe='')}")

    def refund(self, refund: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", "/transaction/refund", refund)

    def list_refunds(self, order_id: int) -> dict[str, Any]:
        return self._call("GET", f"/refund/by/orderId/{order_id}")

    def list_methods(self, language: str) -> dict[str, Any]:
        return self._call("GET", f"/payment/methods/{language}")

    def report(self, day: str) -> dict[str, Any]:
        return self._call("GET", f"/report/history?dateFrom={day}&dateTo={day}")

    def report_page(self, token: str) -> dict[str, Any]:
        return self._call("GET", f"/report/history/{quote(token, safe='')}")

    def batch(self, number: str, token: str | None = None) -> dict[str, Any]:
        """What a payout paid out; the pages after the first are asked for with a token."""
        following = "" if token is None else f"&token={quote(token, safe='')}"
        return self._call("GET", f"/report/batch/details?batch={number}{following}")

    def test_access(self) -> dict[str, Any]:
        return self._call("GET", "/testAccess")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return judge(self._send(method, path, body), changes=method != "GET")

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> HttpAnswer:
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, self._address + path, headers=headers, body=raw, basic=self._basic)
        except OutcomeUnknown as error:
            if method == "GET":
                raise ExternalSystemError("Przelewy24 did not answer in time") from error
            raise
        log.info("Przelewy24 %s %s: %s", method, path.partition("?")[0], answer.status)
        return answer
