"""Asking gateways what they settled: every night about yesterday, by hand about any day, once about each payment where
there is no report. No transaction is open while we talk to them.

Each merchant account has one errand that comes back night after night, at a time of its own: a thousand gminas at once
would keep payments waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from typing import Any, BinaryIO
from uuid import UUID

import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import first_id_of
from skarbnik.errors import ExternalSystemError, NotFound
from skarbnik.outbox import Again, publish
from skarbnik.payments import differences, settlements
from skarbnik.payments.gateways import open_gateway
from skarbnik.payments.models import MerchantAccount, SettlementOrigin, SettlementReport
from skarbnik.plugin_api import (
    Capability,
    Money,
    SettlementKind,
    SettlementLine,
    TransactionKey,
    TransactionState,
)
from skarbnik.tenancy.registry import Tenant

log = structlog.get_logger()

AT = hour(4, 0)  # in Poland, after the gateways' own night; clocks are moved earlier
SPREAD = 7200  # seconds over which the accounts of all gminas are asked
AFTER_FAILURE = timedelta(hours=1)
UNTIL = hour(12, 0)  # so long a silent gateway is asked again; then the next night
IN_A_MOMENT, SOON = timedelta(seconds=30), timedelta(seconds=3)
LONGEST_STATEMENT = 92  # days
MOST_SILENT = 3  # payments in a row that the gateway does not answer about; then it is left alone
LONGEST = 120.0  # seconds of asking one by one, after which others have their turn
_AT_ONCE = threading.BoundedSemaphore(2)  # of a process: the other threads stay for payments


def begin_settling(session: Session, account: MerchantAccount) -> None:
    """Of a new account: ask every night from now on."""
    publish(session, "settlements.every_night", account.id, due_at=next_night(account.id, clock.now()))


def next_night(account_id: UUID, after: datetime) -> datetime:
    """The account's own moment in the first night after."""
    day, later = clock.local_day(after), timedelta(seconds=account_id.int % SPREAD)
    moments = (
        datetime.combine(day + timedelta(days=days), AT, tzinfo=clock.WARSAW).astimezone(UTC) + later
        for days in range(3)
    )
    return next(moment for moment in moments if moment > after)


def every_night(tenant: Tenant, account_id: UUID) -> Again:
    """Ask about the days that are due, and look what differs. Comes back the next night, or sooner when it failed."""
    if not _AT_ONCE.acquire(blocking=False):
        return Again(clock.now() + IN_A_MOMENT)
    try:
        with tenant.session() as session:
            account = session.get_one(MerchantAccount, account_id)
            days = settlements.days_to_ask(session, account)
        done = [_ask(tenant, account, day) for day in days]
        with tenant.session() as session:
            settlements.match(session, account_id)
            differences.look(session, account_id)
    finally:
        _AT_ONCE.release()
    night = next_night(account_id, clock.now())
    if None in done:
        return Again(clock.now() + IN_A_MOMENT)
    is_late = clock.now().astimezone(clock.WARSAW).time() >= UNTIL
    return Again(night if all(done) or is_late else min(night, clock.now() + AFTER_FAILURE))


def ask_now(tenant: Tenant, report_id: UUID) -> Again | None:
    """An official wants to know about a day now."""
    if not _AT_ONCE.acquire(blocking=False):
        return Again(clock.now() + SOON)  # somebody waits for it
    try:
        with tenant.session() as session:
            report = session.get_one(SettlementReport, report_id)
            account = session.get_one(MerchantAccount, report.merchant_account_id)
        done = _ask(tenant, account, report.day)
        with tenant.session() as session:
            settlements.match(session, account.id)
            differences.look(session, account.id)
    finally:
        _AT_ONCE.release()
    return Again(clock.now() + IN_A_MOMENT) if done is None else None


def match_again(tenant: Tenant, account_id: UUID) -> None:
    """A gateway was asked about money we did not have: what it said may have closed the difference."""
    with tenant.session() as session:
        settlements.match(session, account_id)
        differences.look(session, account_id, heal=False)


def begin_asking(session: Session, tenant: Tenant, day: date) -> int:
    """Have every account's gateway asked about a day. How many there are."""
    accounts = session.scalars(select(MerchantAccount).order_by(MerchantAccount.id)).all()
    for account in accounts:
        report = settlements.note_asked(session, account.id, day, origin_of(tenant, account))
        report.asked_at, report.asked_to, report.error = clock.now(), None, None
        publish(session, "settlements.ask", report.id)
    return len(accounts)


def origin_of(tenant: Tenant, account: MerchantAccount) -> SettlementOrigin:
    """How the gateway of an account can be known to settle."""
    gateway = tenant.instance.plugins.gateways.get(account.gateway)
    if gateway is not None and Capability.SETTLEMENT_REPORT in gateway.capabilities:
        return SettlementOrigin.REPORT
    return SettlementOrigin.ASKED


def takes_statements(tenant: Tenant, account: MerchantAccount) -> bool:
    gateway = tenant.instance.plugins.gateways.get(account.gateway)
    return gateway is not None and Capability.STATEMENT_FILE in gateway.capabilities


def _ask(tenant: Tenant, account: MerchantAccount, day: date) -> bool | None:
    """Whether the gateway told all of a day; None when there was no time to hear it all. Why not is kept."""
    origin = origin_of(tenant, account)
    with tenant.session() as session:
        report = settlements.note_asked(session, account.id, day, origin)
        report.asked_at = clock.now()
        asked_to = report.asked_to
    try:
        if origin is SettlementOrigin.REPORT:
            told = open_gateway(tenant, account).settlement_report(day)
            with tenant.session() as session:
                settlements.keep(session, account.id, told, origin)
                settlements.note_told(session, account.id, day, origin)
            return True
        return _ask_one_by_one(tenant, account, day, asked_to)
    except SQLAlchemyError:
        raise
    except Exception as error:  # of the gateway, the line or the plugin: the office sees it
        expected = isinstance(error, ExternalSystemError | NotFound)
        log.warning("settlement.silent", account=str(account.id), day=str(day), exc_info=not expected)
        with tenant.session() as session:
            failed = settlements.note_asked(session, account.id, day, origin)
            failed.error = type(error).__name__[:40] if expected else "PluginFailed"
        return False


# Whatever was captured on the day, and what was begun on it and may have been paid without our knowing.
_OF_THE_DAY = text("""
    SELECT t.id, t.external_id, t.amount, c.captured_at, t.created_at
    FROM transactions t LEFT JOIN LATERAL (
        SELECT min(captured_at) AS captured_at FROM captures WHERE transaction_id = t.id
    ) AS c ON true
    WHERE t.id IN (
        SELECT transaction_id FROM captures WHERE captured_at >= :since AND captured_at < :until
        UNION
        SELECT id FROM transactions
        WHERE id >= :first AND id < :last AND external_id IS NOT NULL AND state <> 'completed'
    )
        AND t.merchant_account_id = :account AND (CAST(:after AS uuid) IS NULL OR t.id > :after)
        AND NOT EXISTS (
            SELECT FROM captures c JOIN settlement_lines l ON l.capture_id = c.id AND l.kind = 'payment'
            WHERE c.transaction_id = t.id
        )
    ORDER BY t.id
""")


def _ask_one_by_one(tenant: Tenant, account: MerchantAccount, day: date, after: UUID | None) -> bool | None:
    """A gateway without a report says of each payment what it has: that is its side of the day."""
    began = time.monotonic()
    with tenant.session() as session:
        rows = session.execute(_OF_THE_DAY, {**_bounds(day), "account": account.id, "after": after}).all()
    lines: list[SettlementLine] = []
    silent: list[ExternalSystemError] = []  # in a row
    failed: ExternalSystemError | None = None
    in_time = True
    for row in rows:
        in_time = time.monotonic() - began < LONGEST
        if not in_time or len(silent) == MOST_SILENT:
            break
        try:
            lines += _answer(tenant, account, row)
            silent = []
        except ExternalSystemError as error:
            silent.append(error)
            failed = error
        after = row.id
    with tenant.session() as session:
        settlements.keep(session, account.id, lines, SettlementOrigin.ASKED)
        report = settlements.note_asked(session, account.id, day, SettlementOrigin.ASKED)
        report.asked_to = None if in_time or failed else after
        if in_time and failed is None:
            settlements.note_told(session, account.id, day, SettlementOrigin.ASKED)
    if failed is not None:
        raise failed  # what was heard is kept; the others are asked about again
    return True if in_time else None


def _answer(tenant: Tenant, account: MerchantAccount, row: Any) -> list[SettlementLine]:
    """What the gateway has of one payment, as a line of a report would say it."""
    key = TransactionKey(row.id, row.external_id, Money(row.amount), "PLN")
    said = open_gateway(tenant, account).fetch(key)
    if said.state is not TransactionState.COMPLETED or said.transaction_id != row.id:
        return []
    moment = row.captured_at or said.happened_at or row.created_at
    payment = SettlementKind.PAYMENT
    return [SettlementLine(payment, said.external_id, said.amount, said.currency, moment, transaction_id=row.id)]


def _bounds(day: date) -> dict[str, Any]:
    since, until = clock.start_of(day), clock.start_of(day + timedelta(days=1))
    return {"since": since, "until": until, "first": first_id_of(since), "last": first_id_of(until)}


def days_of(told: Sequence[SettlementLine]) -> list[date]:
    """The days a statement tells, the newest first: those it has a line of. What a payout paid out may be older, and
    not all of its day.

    A file does not say for which period it was taken. Between two of its lines there may be days that it leaves out,
    and one old correction would speak for a whole quarter.
    """
    own = [each for each in told if each.kind is SettlementKind.PAYOUT or each.payout is None] or told
    days = sorted({clock.local_day(each.happened_at) for each in own}, reverse=True)
    return [day for day in days if day > days[0] - timedelta(days=LONGEST_STATEMENT)]


def take_statement(tenant: Tenant, account: MerchantAccount, stream: BinaryIO) -> tuple[int, int]:
    """Keep what a file says that the office took from the gateway's panel: how many lines, how many are news.

    BrokenFile, and nothing is kept, when anything of it cannot be used.
    """
    told: Sequence[SettlementLine] = open_gateway(tenant, account).read_statement(stream)
    with tenant.session() as session:
        news = settlements.keep(session, account.id, told, SettlementOrigin.STATEMENT)
        settlements.match(session, account.id)
        for day in days_of(told):
            settlements.note_told(session, account.id, day, SettlementOrigin.STATEMENT)
        differences.look(session, account.id)
    return len(told), news
