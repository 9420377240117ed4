"""Przelewy24 as a payment gateway of Skarbnik."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from skarbnik.plugin_api import (
    ZERO,
    BlikProblem,
    BlikRefused,
    Capability,
    ExternalSystemError,
    GatewayReport,
    HttpClient,
    Misconfigured,
    NotificationHint,
    NotKnown,
    OutcomeUnknown,
    PaymentGateway,
    PaymentMethod,
    PaymentRequest,
    RawNotification,
    RefundKey,
    RefundReport,
    RefundRequest,
    Refused,
    SettlementKind,
    SettlementLine,
    StartedPayment,
    TransactionKey,
    TransactionState,
)
from skarbnik_przelewy24 import notifications
from skarbnik_przelewy24.answers import AlreadyThere, CodeRefused, data_of, text
from skarbnik_przelewy24.blik import problem_of
from skarbnik_przelewy24.client import Przelewy24Client
from skarbnik_przelewy24.methods import language_for, read_methods
from skarbnik_przelewy24.refunds import accepted_report, find_refund, is_accepted, refund_body
from skarbnik_przelewy24.reports import batches_of, day_text, line_of, payout_line, read_pages
from skarbnik_przelewy24.settings import Przelewy24Settings
from skarbnik_przelewy24.transactions import (
    is_to_be_verified,
    order_id_of,
    register_body,
    transaction_report,
    verify_body,
)

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Przelewy24Gateway(PaymentGateway):
    """Przelewy24 REST API v1 with its own payment page, for one point of sale.

    It cannot cancel: nothing Przelewy24 documents takes back what nobody has paid yet. The time limit ends it.
    """

    id = "przelewy24"
    label = "Przelewy24"
    settings_type = Przelewy24Settings
    capabilities = frozenset(
        {
            Capability.REFUND,
            Capability.METHODS,
            Capability.SETTLEMENT_REPORT,
            Capability.ACCESS_CHECK,
            Capability.BLIK,
        }
    )

    def __init__(self, settings: Przelewy24Settings, http: HttpClient) -> None:
        self._settings = settings
        self._client = Przelewy24Client(settings, http)

    @classmethod
    def hosts(cls, settings: Przelewy24Settings) -> frozenset[str]:
        return frozenset({urlsplit(settings.base_url).netloc.lower()})

    @classmethod
    def merchant(cls, settings: Przelewy24Settings) -> str:
        return settings.pos_id

    def start(self, request: PaymentRequest) -> StartedPayment:
        """Register the transaction. Whether a sessionId may be registered again is not documented; both are borne:
        a second token leads to the same transaction, and a refusal is a refusal."""
        body = self._client.register(register_body(request, self._settings))
        token = text(data_of(body), "token")
        if token is None or not TOKEN.fullmatch(token):
            raise OutcomeUnknown("Przelewy24's answer to registering a transaction has no token")
        if request.blik_code:
            return self._charged(request.transaction_id.hex, token, request.blik_code)
        return StartedPayment(
            external_id=request.transaction_id.hex, redirect_url=f"{self._settings.base_url}/trnRequest/{token}"
        )

    def read_notification(self, raw: RawNotification) -> NotificationHint:
        return notifications.read(raw, self._settings)

    def fetch(self, transaction: TransactionKey) -> GatewayReport:
        """Ask for the transaction, and verify money that is exactly what was ordered: until then it is the payer's.

        Other money stays PENDING with the amount and currency it came with, and is not verified.
        """
        try:
            body = self._client.get(transaction.transaction_id.hex)
        except NotKnown:
            return self._without_payment(transaction)
        report, order_id = transaction_report(body, self._settings), order_id_of(body)
        if order_id is None or not is_to_be_verified(body, report, transaction):
            return report
        if self._verified(transaction, order_id):
            return replace(report, state=TransactionState.COMPLETED)
        return transaction_report(self._client.get(transaction.transaction_id.hex), self._settings)

    def refund(self, request: RefundRequest) -> RefundReport:
        order_id = self._order_id(request.transaction)
        try:
            body = self._client.refund(refund_body(request, order_id))
        except AlreadyThere as error:
            return self._accepted_before(request, error)
        if not is_accepted(body, order_id):
            raise OutcomeUnknown("Przelewy24 took a refund and its answer cannot be understood")
        return accepted_report(request)

    def fetch_refund(self, refund: RefundKey) -> RefundReport:
        found = find_refund(self._client.list_refunds(self._order_id(refund.transaction)), refund)
        if found is None:
            raise NotKnown("Przelewy24 has no refund with this requestId; sending it again is safe")
        return found

    def methods(self, *, language: str) -> Sequence[PaymentMethod]:
        return read_methods(self._client.list_methods(language_for(language)))

    def settlement_report(self, day: date) -> Sequence[SettlementLine]:
        """Payments and refunds of the day, and the payouts that left on it, with all they paid out."""
        rows = read_pages(self._client.report(day_text(day)), self._client.report_page)
        found: dict[tuple[SettlementKind, str], SettlementLine] = {}
        for row in rows:
            self._add(found, row, day)
        for batch in batches_of(rows):
            payout = payout_line(batch)
            found[payout.kind, payout.external_id] = payout
            number = payout.external_id
            for row in read_pages(self._client.batch(number), partial(self._client.batch, number)):
                self._add(found, row, day, payout=number)
        return list(found.values())

    def check_access(self) -> None:
        if data_of(self._client.test_access()) is not True:
            raise ExternalSystemError("Przelewy24's answer about our access cannot be understood")

    def _charged(self, session_id: str, token: str, code: str) -> StartedPayment:
        """The payer confirms in the bank's application. A merchant who may not charge codes is answered as one whose
        keys are wrong, although the same keys have just registered the transaction."""
        try:
            self._client.charge_code(token, code)
        except CodeRefused as error:
            raise BlikRefused(problem_of(error.number, error.words), session_id) from error
        except Misconfigured as error:
            raise BlikRefused(BlikProblem.NOT_HERE, session_id) from error
        return StartedPayment(external_id=session_id, redirect_url=None)

    def _verified(self, transaction: TransactionKey, order_id: int) -> bool:
        """Whether verify said so. When it did not, for any reason but our keys, the transaction itself will say."""
        try:
            body = self._client.verify(verify_body(transaction, order_id, self._settings))
        except Misconfigured:
            raise
        except ExternalSystemError:
            return False  # verified by another call meanwhile, refused, or not known
        return text(data_of(body), "status") == "success"

    def _accepted_before(self, request: RefundRequest, error: AlreadyThere) -> RefundReport:
        """The same ids were taken for this very refund, or for another amount by mistake."""
        try:
            known = self.fetch_refund(RefundKey(request.refund_id, request.refund_id.hex, request.transaction))
        except ExternalSystemError as silence:
            raise OutcomeUnknown("Przelewy24 has this refund and does not say what became of it") from silence
        if known.amount != request.amount:
            raise Refused("Przelewy24 has a refund of another amount with this id") from error
        return known

    def _order_id(self, transaction: TransactionKey) -> int:
        """Przelewy24's number of the paid transaction, which refunds go by."""
        order_id = order_id_of(self._client.get(transaction.transaction_id.hex))
        if order_id is None:
            raise Refused("nothing was paid in this transaction")
        return order_id

    def _add(
        self,
        found: dict[tuple[SettlementKind, str], SettlementLine],
        row: dict[str, Any],
        day: date,
        *,
        payout: str | None = None,
    ) -> None:
        line = line_of(row, day, payout=payout, ask=self._client.get)
        if line is not None:
            found[line.kind, line.external_id] = line

    def _without_payment(self, transaction: TransactionKey) -> GatewayReport:
        """Przelewy24 may know a transaction only when somebody began to pay: one it gave a token for is no stranger."""
        started = transaction.external_id is not None
        return GatewayReport(
            transaction_id=transaction.transaction_id,
            external_id=transaction.external_id or "",
            amount=transaction.amount if started else ZERO,
            currency=transaction.currency,
            state=TransactionState.PENDING if started else TransactionState.UNKNOWN,
            merchant=self._settings.pos_id,
        )
