"""What every payment gateway and finance system must do, as tests a vendor subclasses.

    class TestPayu(PaymentGatewayContract):
        plugin_type = PayuGateway

A subclass gives the few fixtures that raise `NotImplementedError` here, best with the outside system's own simulator,
and gets the tests.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from datetime import timedelta, timezone
from hashlib import sha256
from io import BytesIO
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest

from skarbnik.plugin_api import (
    Acknowledgement,
    Block,
    BookingBatch,
    BrokenFile,
    Capability,
    DocumentRow,
    ExternalSystemError,
    FileKind,
    FinanceSystem,
    Forged,
    HttpClient,
    InstalmentRow,
    LiabilityRow,
    Manifest,
    Misconfigured,
    OperationRow,
    PaymentGateway,
    PaymentRequest,
    RawNotification,
    ReceivableRow,
    Refused,
    RemoteFile,
    RemoteFiles,
    Row,
    StartedPayment,
    TransactionKey,
    TransactionState,
)
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik.testing.blik import BlikContract
from skarbnik.testing.refunds import RefundsContract
from skarbnik.testing.settlements import SettlementContract

METHODS = {
    Capability.CANCEL: ("cancel",),
    Capability.REFUND: ("refund", "fetch_refund"),
    Capability.METHODS: ("methods",),
    Capability.SETTLEMENT_REPORT: ("settlement_report",),
    Capability.STATEMENT_FILE: ("read_statement",),
    Capability.ACCESS_CHECK: ("check_access",),
}
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")


class _Contract:
    """What holds for every class a plugin hands out."""

    contract_type: ClassVar[type]
    plugin_type: ClassVar[Any]

    @pytest.fixture
    def plugin_settings(self) -> Any:
        """Settings as an office would enter them."""
        raise NotImplementedError

    def test_the_class_fits_the_contract_of_this_skarbnik(self) -> None:
        made = self.plugin_type
        assert issubclass(made, self.contract_type)
        assert made.contract == self.contract_type.contract  # type: ignore[attr-defined]  # every contract has one
        assert NAME.fullmatch(made.id)
        assert made.label.strip() == made.label != ""
        assert not getattr(made, "__abstractmethods__", None)

    def test_settings_are_a_frozen_dataclass_that_survives_storing(self, plugin_settings: Any) -> None:
        settings_type = self.plugin_type.settings_type
        assert isinstance(plugin_settings, settings_type)
        assert settings_type.__dataclass_params__.frozen
        stored = json.loads(json.dumps(dataclasses.asdict(plugin_settings)))
        assert settings_type(**stored) == plugin_settings
        assert parse_settings(settings_type, stored) == plugin_settings

    def test_every_setting_tells_the_office_what_it_is(self) -> None:
        for field in dataclasses.fields(self.plugin_type.settings_type):
            assert field.metadata.get("label"), field.name
            assert str(field.type) in {"str", "int", "bool"} or field.type in {str, int, bool}, field.name

    def test_secrets_do_not_show_when_settings_are_printed(self, plugin_settings: Any) -> None:
        shown = repr(plugin_settings)
        for field in dataclasses.fields(plugin_settings):
            if field.metadata.get("secret"):
                value = str(getattr(plugin_settings, field.name))
                assert not field.repr, field.name
                assert not value or value not in shown


class PaymentGatewayContract(SettlementContract, RefundsContract, _Contract):
    """Subclass it as `Test…`, name `plugin_type`, and give the fixtures that raise here."""

    contract_type = PaymentGateway
    plugin_type: ClassVar[type[PaymentGateway]]
    signs_bytes: ClassVar[bool] = True  # False: it signs values inside the body, so headers and blanks prove nothing

    @pytest.fixture
    def payment_gateway(self) -> PaymentGateway:
        """The gateway, connected to the simulator."""
        raise NotImplementedError

    @pytest.fixture
    def payment_request(self) -> PaymentRequest:
        """A payment nobody started yet, in PLN."""
        raise NotImplementedError

    @pytest.fixture
    def complete(self) -> Callable[[StartedPayment], None]:
        """Pay at the simulator what was started."""
        raise NotImplementedError

    @pytest.fixture
    def notified(self) -> Callable[[StartedPayment], RawNotification]:
        """The notification the simulator sent about a completed payment, as it came."""
        raise NotImplementedError

    @pytest.fixture
    def dead_gateway(self, plugin_settings: Any) -> PaymentGateway:
        """The gateway with a client that may reach nobody."""
        return self.plugin_type(plugin_settings, HttpClient(frozenset()))

    def test_declared_capabilities_are_those_that_are_written(self) -> None:
        for capability, methods in METHODS.items():
            written = [getattr(self.plugin_type, name) is not getattr(PaymentGateway, name) for name in methods]
            assert written == [capability in self.plugin_type.capabilities] * len(methods), capability

    def test_what_takes_codes_of_blik_is_tested_with_them(self) -> None:
        """See `skarbnik.testing.blik`."""
        assert (Capability.BLIK in self.plugin_type.capabilities) == isinstance(self, BlikContract)

    def test_the_hosts_it_needs_are_declared(self, plugin_settings: Any) -> None:
        hosts = self.plugin_type.hosts(plugin_settings)
        assert hosts
        assert all(HOST.fullmatch(host) for host in hosts)

    def test_the_merchant_account_has_a_number(self, plugin_settings: Any) -> None:
        merchant = self.plugin_type.merchant(plugin_settings)
        assert 0 < len(merchant) <= 60
        assert merchant == self.plugin_type.merchant(plugin_settings)

    def test_nobody_but_the_declared_hosts_is_reached(
        self, dead_gateway: PaymentGateway, payment_request: PaymentRequest
    ) -> None:
        with pytest.raises(ExternalSystemError):
            dead_gateway.start(payment_request)

    def test_a_started_payment_is_known_and_not_paid(
        self, payment_gateway: PaymentGateway, payment_request: PaymentRequest
    ) -> None:
        started = payment_gateway.start(payment_request)
        report = payment_gateway.fetch(_key(payment_request, started))
        assert 0 < len(started.external_id) <= 80
        assert report.transaction_id == payment_request.transaction_id
        assert report.external_id == started.external_id
        assert report.state is not TransactionState.COMPLETED

    def test_starting_twice_with_one_id_makes_one_payment(
        self, payment_gateway: PaymentGateway, payment_request: PaymentRequest
    ) -> None:
        first = payment_gateway.start(payment_request)
        try:
            second = payment_gateway.start(payment_request)
        except ExternalSystemError:
            return
        assert second.external_id == first.external_id

    def test_a_completed_payment_is_reported_with_id_amount_currency_and_merchant(
        self,
        payment_gateway: PaymentGateway,
        payment_request: PaymentRequest,
        complete: Callable[[StartedPayment], None],
        plugin_settings: Any,
    ) -> None:
        started = payment_gateway.start(payment_request)
        complete(started)
        report = payment_gateway.fetch(_key(payment_request, started))
        assert report.state is TransactionState.COMPLETED
        assert (report.transaction_id, report.external_id) == (payment_request.transaction_id, started.external_id)
        assert (report.amount, report.currency) == (payment_request.amount, "PLN")
        assert report.merchant == self.plugin_type.merchant(plugin_settings)
        assert report.happened_at is None or report.happened_at.tzinfo is not None

    def test_a_payment_it_does_not_know_is_unknown_and_no_error(
        self, payment_gateway: PaymentGateway, payment_request: PaymentRequest
    ) -> None:
        stranger = TransactionKey(uuid4(), None, payment_request.amount, "PLN")
        report = payment_gateway.fetch(stranger)
        assert report.state is TransactionState.UNKNOWN
        assert report.external_id == ""
        assert report.transaction_id == stranger.transaction_id

    def test_a_genuine_notification_names_its_payment(
        self,
        payment_gateway: PaymentGateway,
        payment_request: PaymentRequest,
        complete: Callable[[StartedPayment], None],
        notified: Callable[[StartedPayment], RawNotification],
        dead_gateway: PaymentGateway,
    ) -> None:
        started = payment_gateway.start(payment_request)
        complete(started)
        raw = notified(started)
        hint = dead_gateway.read_notification(raw)  # without any network
        assert hint == payment_gateway.read_notification(raw)
        assert 0 < len(hint.key) <= 120
        named: set[UUID | str | None] = {hint.transaction_id, hint.external_id}
        assert named & {payment_request.transaction_id, started.external_id}

    def test_a_forged_notification_is_refused(
        self,
        payment_gateway: PaymentGateway,
        payment_request: PaymentRequest,
        complete: Callable[[StartedPayment], None],
        notified: Callable[[StartedPayment], RawNotification],
    ) -> None:
        started = payment_gateway.start(payment_request)
        complete(started)
        raw = notified(started)
        middle = len(raw.body) // 2
        touched = raw.body[:middle] + bytes([raw.body[middle] ^ 1]) + raw.body[middle + 1 :]
        forged = [
            RawNotification(raw.headers, touched),
            RawNotification(raw.headers, b""),
            RawNotification({}, b""),
        ]
        if self.signs_bytes:
            forged += [
                RawNotification({}, raw.body),
                RawNotification(raw.headers, raw.body + b" "),
                RawNotification(dict.fromkeys(raw.headers, "x"), raw.body),
            ]
        for each in forged:
            with pytest.raises(Forged):
                payment_gateway.read_notification(each)


def _key(request: PaymentRequest, started: StartedPayment) -> TransactionKey:
    return TransactionKey(request.transaction_id, started.external_id, request.amount, request.currency)


class FinanceSystemContract(_Contract):
    """Subclass it as `Test…`, name `plugin_type`, and give the fixtures that raise here."""

    contract_type = FinanceSystem
    plugin_type: ClassVar[type[FinanceSystem]]

    @pytest.fixture
    def finance_system(self, plugin_settings: Any) -> FinanceSystem:
        return self.plugin_type(plugin_settings)

    @pytest.fixture
    def export(self) -> bytes:
        """A right file of the system, with a row of each kind it can write."""
        raise NotImplementedError

    @pytest.fixture
    def batch(self) -> BookingBatch:
        """Bookings for the gmina of the settings."""
        raise NotImplementedError

    @pytest.fixture
    def answer(self) -> Callable[[BookingBatch, bytes], bytes]:
        """What the system answers to a batch it received: the first line refused, the others booked."""
        raise NotImplementedError

    @pytest.fixture
    def offered(self) -> dict[str, bytes] | None:
        """Files the system offers over HTTP at the address of the settings. None when it has no such way."""
        return None

    @pytest.fixture
    def offered_document(self) -> bytes:
        """A PDF the system has, when it `offers_documents`."""
        raise NotImplementedError

    @pytest.fixture
    def remote(self, finance_system: FinanceSystem, plugin_settings: Any) -> RemoteFiles:
        found = finance_system.open_remote(HttpClient(self.plugin_type.hosts(plugin_settings)))
        if found is None:
            pytest.skip("files of this system come through the folder")
        return found

    @staticmethod
    def rows(system: FinanceSystem, body: bytes) -> list[Row]:
        return list(system.read_rows(BytesIO(body)))

    def test_a_file_says_what_it_holds(self, finance_system: FinanceSystem, export: bytes) -> None:
        assert finance_system.classify(BytesIO(export)) is FileKind.IMPORT
        manifest: Manifest = finance_system.read_manifest(BytesIO(export))
        said = dataclasses.asdict(manifest.totals)
        rows = self.rows(finance_system, export)
        for name, kind in _KINDS.items():
            assert said[name] in (None, sum(type(row).__name__ == kind for row in rows)), name
        assert manifest.number >= 1
        assert manifest.as_of.tzinfo is not None

    def test_the_same_file_gives_the_same_rows(self, finance_system: FinanceSystem, export: bytes) -> None:
        assert self.rows(finance_system, export) == self.rows(finance_system, export)

    def test_blocks_hold_the_rows_of_the_file(self, finance_system: FinanceSystem, export: bytes) -> None:
        """The same content is the same rows: the core does not look at the second one."""
        rows: list[Row] = []
        told: dict[bytes, list[tuple[Any, ...]]] = {}
        for each in finance_system.read_blocks(BytesIO(export)):
            inside = list(each.rows()) if isinstance(each, Block) else [each]
            rows += inside
            if isinstance(each, Block):
                head = inside[0]
                assert isinstance(head, ReceivableRow)
                assert (head.line, head.external_id) == (each.line, each.external_id)
                assert {type(row) for row in inside[1:]} <= {LiabilityRow, InstalmentRow, OperationRow, DocumentRow}
                said = [row[1:] for row in inside]
                assert told.setdefault(each.content(), said) == said
        assert rows == self.rows(finance_system, export)

    def test_every_row_names_its_line_in_the_file(self, finance_system: FinanceSystem, export: bytes) -> None:
        lines = [row.line for row in self.rows(finance_system, export)]
        assert lines == sorted(lines)
        assert 1 <= min(lines) <= max(lines) <= export.count(b"\n") + 1

    def test_texts_are_stripped_and_free_of_control_characters(
        self, finance_system: FinanceSystem, export: bytes
    ) -> None:
        for row in self.rows(finance_system, export):
            for value in row:
                if isinstance(value, str):
                    assert value == value.strip()
                    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", value)

    def test_a_truncated_file_is_never_read_as_a_smaller_one(
        self, finance_system: FinanceSystem, export: bytes
    ) -> None:
        body = export.rstrip()
        for end in range(0, len(body) - 1, max(len(body) // 40, 1)):
            with pytest.raises(BrokenFile) as caught:
                self.rows(finance_system, body[:end])
            assert caught.value.problems

    @pytest.mark.parametrize("body", [b"", b"\0" * 64, b"not a file of ours", b"\xff\xfe\xfd"])
    def test_something_else_is_refused_and_no_crash(self, finance_system: FinanceSystem, body: bytes) -> None:
        for read in (finance_system.classify, finance_system.read_manifest):
            with pytest.raises(BrokenFile):
                read(BytesIO(body))
        with pytest.raises(BrokenFile):
            finance_system.read_acknowledgement(body)

    def test_the_same_batch_is_the_same_bytes_under_the_same_name(
        self, finance_system: FinanceSystem, batch: BookingBatch
    ) -> None:
        assert finance_system.write_bookings(batch) == finance_system.write_bookings(batch)
        name = finance_system.bookings_name(batch)
        assert name == finance_system.bookings_name(batch)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", name)
        later = dataclasses.replace(batch, number=batch.number + 1)
        assert finance_system.bookings_name(later) != name

    def test_it_is_the_same_bytes_whatever_zone_its_moments_came_in(
        self, finance_system: FinanceSystem, batch: BookingBatch
    ) -> None:
        elsewhere = timezone(timedelta(hours=-5))
        moved = dataclasses.replace(
            batch,
            created_at=batch.created_at.astimezone(elsewhere),
            items=tuple(dataclasses.replace(each, paid_at=each.paid_at.astimezone(elsewhere)) for each in batch.items),
        )
        assert finance_system.write_bookings(moved) == finance_system.write_bookings(batch)

    def test_a_batch_of_another_gmina_is_not_written(self, finance_system: FinanceSystem, batch: BookingBatch) -> None:
        with pytest.raises(Misconfigured):
            finance_system.write_bookings(dataclasses.replace(batch, tenant_code="ANOTHER"))

    def test_a_moment_without_a_zone_is_not_written(self, finance_system: FinanceSystem, batch: BookingBatch) -> None:
        with pytest.raises(ValueError):
            finance_system.write_bookings(dataclasses.replace(batch, created_at=batch.created_at.replace(tzinfo=None)))

    def test_an_answer_is_read_line_by_line(
        self,
        finance_system: FinanceSystem,
        batch: BookingBatch,
        answer: Callable[[BookingBatch, bytes], bytes],
    ) -> None:
        body = answer(batch, finance_system.write_bookings(batch))
        assert finance_system.classify(BytesIO(body)) is FileKind.ACKNOWLEDGEMENT
        read: Acknowledgement = finance_system.read_acknowledgement(body)
        assert (read.batch_number, read.tenant_code) == (batch.number, batch.tenant_code)
        assert read.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", read.sha256)
        assert [line.booking_id for line in read.lines] == [item.booking_id for item in batch.items]
        assert [line.refusal is None for line in read.lines] == [False] + [True] * (len(batch.items) - 1)
        assert all(line.reference and line.booked_on for line in read.lines if line.refusal is None)

    def test_money_that_went_back_is_asked_for_and_answered_as_any_other(
        self,
        finance_system: FinanceSystem,
        batch: BookingBatch,
        answer: Callable[[BookingBatch, bytes], bytes],
    ) -> None:
        """Amounts below zero: beside what they take back, or alone, when all of a batch is less than nothing."""
        first, *others = (dataclasses.replace(each, amounts=-each.amounts) for each in batch.items)
        for items in ((first, *batch.items[1:]), (first, *others)):
            refunded = dataclasses.replace(batch, items=items)
            body = finance_system.write_bookings(refunded)
            assert body != finance_system.write_bookings(batch)
            read = finance_system.read_acknowledgement(answer(refunded, body))
            assert [line.booking_id for line in read.lines] == [item.booking_id for item in batch.items]
            assert [line.refusal is None for line in read.lines] == [False] + [True] * len(others)

    def test_who_is_asked_over_the_network_is_declared(
        self, finance_system: FinanceSystem, plugin_settings: Any
    ) -> None:
        hosts = self.plugin_type.hosts(plugin_settings)
        assert all(HOST.fullmatch(host) for host in hosts)
        assert (finance_system.open_remote(HttpClient(hosts)) is not None) == bool(hosts)

    def test_nobody_but_the_declared_hosts_is_asked_for_files(
        self, finance_system: FinanceSystem, remote: RemoteFiles
    ) -> None:
        alone = finance_system.open_remote(HttpClient(frozenset()))
        assert alone is not None
        file = RemoteFile("puma-export-000001.xml", 1, "0" * 64)
        for ask in (
            lambda: alone.list_files(0),
            lambda: alone.download(file, BytesIO(), 0),
            lambda: alone.deliver("puma-bookings-000001.xml", b"<x/>"),
        ):
            with pytest.raises(ExternalSystemError):
                ask()
        if alone.offers_documents:
            with pytest.raises(ExternalSystemError):
                alone.download_document(file, BytesIO(), 0)

    def test_what_is_offered_is_downloaded_whole_or_from_where_it_was_cut(
        self, remote: RemoteFiles, offered: dict[str, bytes] | None
    ) -> None:
        assert offered
        files = {file.name: file for file in remote.list_files(0)}
        assert files.keys() >= offered.keys()
        for name, content in offered.items():
            assert (files[name].size, files[name].sha256) == (len(content), sha256(content).hexdigest())
            for had in (0, 1, len(content) // 2):
                into = BytesIO(content[:had])
                remote.download(files[name], into, had)
                assert into.getvalue() == content

    def test_a_document_is_downloaded_whole_or_from_where_it_was_cut_and_one_it_has_not_is_refused(
        self, remote: RemoteFiles, request: pytest.FixtureRequest
    ) -> None:
        if not remote.offers_documents:
            pytest.skip("PDFs of this system come another way")
        content: bytes = request.getfixturevalue("offered_document")
        digest = sha256(content).hexdigest()
        for had in (0, 1, len(content) // 2):
            into = BytesIO(content[:had])
            remote.download_document(RemoteFile(f"{digest}.pdf", len(content), digest), into, had)
            assert into.getvalue() == content
        with pytest.raises(Refused):
            remote.download_document(RemoteFile(f"{'0' * 64}.pdf", 1, "0" * 64), BytesIO(), 0)

    def test_a_batch_may_be_handed_over_again(
        self, finance_system: FinanceSystem, remote: RemoteFiles, batch: BookingBatch
    ) -> None:
        name, content = finance_system.bookings_name(batch), finance_system.write_bookings(batch)
        remote.deliver(name, content)
        remote.deliver(name, content)


_KINDS = {
    "payers": "PayerRow",
    "kinds": "KindRow",
    "receivables": "ReceivableRow",
    "liabilities": "LiabilityRow",
    "instalments": "InstalmentRow",
    "operations": "OperationRow",
    "overpayments": "OverpaymentRow",
    "documents": "DocumentRow",
}
