"""What gateways told of a day that has everything, for the pages of the reconciliation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from skarbnik import clock
from skarbnik.db import TenantSession
from skarbnik.money import Money
from skarbnik.office.difference_words import KINDS
from skarbnik.payments import differences, settlements
from skarbnik.payments.models import Capture, Difference, MerchantAccount, Payout, SettlementOrigin
from skarbnik.plugin_api import SettlementKind, SettlementLine
from skarbnik.testing.factories import OfficialFactory

MANY = 60  # more than a page of lines
LONG = "NUMER-KTORY-NIE-MA-KONCA-" * 3


def settle(session: TenantSession, account: MerchantAccount | None) -> dict[str, list[Any]]:
    """Payouts that add up and not, differences of every kind, taken and closed ones."""
    assert account is not None
    now, kinds = clock.now() - timedelta(minutes=1), SettlementKind
    captures = session.scalars(select(Capture).where(Capture.merchant_account_id == account.id)).all()
    told = [
        SettlementLine(kinds.PAYMENT, each.external_id, each.amount, "PLN", now, Money(17), payout="WALK-1")
        for each in captures[:-1]
    ]
    told += [
        SettlementLine(kinds.PAYMENT, f"{LONG}{number}"[:80], Money(99_999_999_99), "PLN", now, payout="WALK-1")
        for number in range(MANY)
    ]
    told += [
        SettlementLine(kinds.REFUND, "WALK-R", Money(-12_345), "PLN", now, payment=captures[0].external_id),
        SettlementLine(kinds.CHARGEBACK, "WALK-C", Money(-1), "PLN", now, payment=captures[0].external_id),
        SettlementLine(kinds.CORRECTION, "WALK-K", Money(-99_99), "PLN", now),
        SettlementLine(kinds.FEE, "WALK-F", Money(-5_00), "PLN", now),
        SettlementLine(kinds.PAYOUT, "WALK-1", Money(1), "PLN", now, fee=Money(99)),
        SettlementLine(kinds.PAYOUT, LONG, Money(99_999_999_99), "PLN", now - timedelta(days=1)),
    ]
    settlements.keep(session, account.id, told, SettlementOrigin.REPORT)
    settlements.note_told(session, account.id, clock.today(), SettlementOrigin.REPORT)
    settlements.match(session, account.id)
    differences.look(session, account.id, heal=False)
    official = OfficialFactory(name="Wielisława Krzysztofiak-Świętopełkowska")
    rows = [
        Difference(kind=kind, subject_id=uuid4(), amount=Money(-5), day=clock.today(), opened_at=now) for kind in KINDS
    ]
    session.add_all(rows)
    session.flush()
    differences.take(session, rows[0].id, by=official.id)
    differences.write_note(session, rows[0].id, LONG)
    differences.close(session, rows[1].id, resolution="Pieniądze oddał bank", by=official.id)
    session.flush()
    return {"payouts": list(session.scalars(select(Payout.id))), "differences": [each.id for each in rows]}
