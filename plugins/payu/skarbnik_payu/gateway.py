"""PayU as a payment gateway of Skarbnik."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from skarbnik.plugin_api import (
    ZERO,
    BlikProblem,
    BlikRefused,
    Capability,
    ExternalSystemError,
    GatewayReport,
    HttpClient,
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
    SettlementLine,
    StartedPayment,
    TransactionKey,
    TransactionState,
)
from skarbnik_payu import notifications
from skarbnik_payu.answers import NotUnique, text
from skarbnik_payu.blik import find_problem, problem_of
from skarbnik_payu.client import PayuClient
from skarbnik_payu.methods import read_methods
from skarbnik_payu.orders import is_as_ordered, order_body, order_of, order_report
from skarbnik_payu.refunds import find_refund, refund_body, refund_report
from skarbnik_payu.settings import PayuSettings
from skarbnik_payu.statements import read_statement
from skarbnik_payu.states import WAITING_FOR_CONFIRMATION


class PayuGateway(PaymentGateway):
    """PayU REST API 2.1 with the hosted payment page, for one POS.

    It has no report of a day that a program could ask for: the office brings the statement of its panel.
    """

    id = "payu"
    label = "PayU"
    settings_type = PayuSettings
    capabilities = frozenset(
        {
            Capability.CANCEL,
            Capability.REFUND,
            Capability.METHODS,
            Capability.BLIK,
            Capability.STATEMENT_FILE,
            Capability.ACCESS_CHECK,
        }
    )

    def __init__(self, settings: PayuSettings, http: HttpClient) -> None:
        self._settings = settings
        self._client = PayuClient(settings, http)

    @classmethod
    def hosts(cls, settings: PayuSettings) -> frozenset[str]:
        return frozenset({urlsplit(settings.base_url).netloc.lower()})

    @classmethod
    def merchant(cls, settings: PayuSettings) -> str:
        return settings.pos_id

    def start(self, request: PaymentRequest) -> StartedPayment:
        """Create the order. One that is already there is named without an address: PayU tells that only once."""
        try:
            body = self._client.create(order_body(request, self._settings))
        except NotUnique as error:
            if error.order_id is None:
                raise OutcomeUnknown("PayU has this order and does not say its orderId") from error
            return StartedPayment(external_id=error.order_id, redirect_url=None)
        except Refused as error:
            if request.blik_code:
                raise BlikRefused(problem_of(str(error)) or BlikProblem.NOT_HERE) from error
            raise
        order_id = text(body, "orderId")
        if order_id is None:
            raise OutcomeUnknown("PayU's answer to creating an order has no orderId")
        if request.blik_code:
            return self._begun(order_id)
        return StartedPayment(external_id=order_id, redirect_url=text(body, "redirectUri"))

    def read_notification(self, raw: RawNotification) -> NotificationHint:
        return notifications.read(raw, self._settings)

    def fetch(self, transaction: TransactionKey) -> GatewayReport:
        """Ask for the order, and confirm it when the POS has automatic receipt switched off.

        PayU cannot be asked by extOrderId, and creating again to learn the orderId might create a payment. So an order
        whose orderId never reached us is UNKNOWN until its notification names it.
        """
        if transaction.external_id is None:
            return self._unknown(transaction)
        try:
            body = self._client.get(transaction.external_id)
            if self._is_to_be_captured(body, transaction):
                self._capture(transaction.external_id)
                body = self._client.get(transaction.external_id)
        except NotKnown:
            return self._unknown(transaction)
        return order_report(body)

    def cancel(self, transaction: TransactionKey) -> GatewayReport:
        """An order that waits for confirmation may need to be cancelled twice."""
        if transaction.external_id is None:
            return self._unknown(transaction)
        try:
            body = self._cancel_once(transaction.external_id)
            if order_of(body).get("status") == WAITING_FOR_CONFIRMATION:
                body = self._cancel_once(transaction.external_id)
        except NotKnown:
            return self._unknown(transaction)
        return order_report(body)

    def refund(self, request: RefundRequest) -> RefundReport:
        body = self._client.refund(_order_id(request.transaction), refund_body(request))
        try:
            report = refund_report(body.get("refund"))
        except ExternalSystemError as error:
            raise OutcomeUnknown("PayU took a refund and its answer cannot be understood") from error
        if report.refund_id != request.refund_id:
            raise OutcomeUnknown("PayU answered with another refund")
        return report

    def fetch_refund(self, refund: RefundKey) -> RefundReport:
        order_id = _order_id(refund.transaction)
        if refund.external_id is not None:
            return refund_report(self._client.get_refund(order_id, refund.external_id))
        found = find_refund(self._client.list_refunds(order_id), refund)
        if found is None:
            raise NotKnown("PayU has no refund with this extRefundId; sending it again is safe")
        return refund_report(found)

    def methods(self, *, language: str) -> Sequence[PaymentMethod]:
        return read_methods(self._client.list_methods(language))

    def read_statement(self, stream: BinaryIO) -> Sequence[SettlementLine]:
        return read_statement(stream, self._settings)

    def check_access(self) -> None:
        """An access token is given for right keys only. The second key is not tried: nothing asks for it."""
        self._client.check_access()

    def _begun(self, order_id: str) -> StartedPayment:
        """The payer confirms in the bank's application, unless PayU already says that the code does not pay."""
        try:
            problem = find_problem(self._client.transactions(order_id))
        except ExternalSystemError:
            problem = None  # nothing to be read yet: the order itself will say what becomes of it
        if problem is not None:
            raise BlikRefused(problem, order_id)
        return StartedPayment(external_id=order_id, redirect_url=None)

    def _is_to_be_captured(self, body: dict[str, Any], transaction: TransactionKey) -> bool:
        """Only money that is exactly what was ordered is taken; PayU returns the rest to the payer after some days."""
        if order_of(body).get("status") != WAITING_FOR_CONFIRMATION:
            return False
        return is_as_ordered(order_report(body), transaction, self._settings)

    def _capture(self, order_id: str) -> None:
        try:
            self._client.capture(order_id)
        except (Refused, OutcomeUnknown):
            return  # confirmed or cancelled meanwhile, or it is not known: the order is read again and says which

    def _cancel_once(self, order_id: str) -> dict[str, Any]:
        with suppress(Refused):  # paid or cancelled meanwhile: the order is read and says which
            self._client.cancel(order_id)
        try:
            return self._client.get(order_id)
        except NotKnown:
            raise
        except ExternalSystemError as error:
            raise OutcomeUnknown("PayU was told to cancel and could not be asked what came of it") from error

    def _unknown(self, transaction: TransactionKey) -> GatewayReport:
        return GatewayReport(
            transaction_id=transaction.transaction_id,
            external_id="",
            amount=ZERO,
            currency=transaction.currency,
            state=TransactionState.UNKNOWN,
            merchant=self._settings.pos_id,
        )


def _order_id(transaction: TransactionKey) -> str:
    if transaction.external_id is None:
        raise ExternalSystemError("the orderId of this payment is not known yet")
    return transaction.external_id
