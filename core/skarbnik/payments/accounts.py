"""Merchant accounts: opening one, giving it new credentials, switching it off. Old credentials stay for old money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.crypto import new_secret
from skarbnik.db import new_id
from skarbnik.errors import Conflict, NotFound
from skarbnik.money import Money
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.settling import begin_settling
from skarbnik.payments.states import CommissionPayer
from skarbnik.plugin_api import PaymentGateway
from skarbnik.tenancy.plugin_settings import get_settings, store_settings
from skarbnik.tenancy.registry import Tenant


def open_merchant_account(
    session: Session,
    tenant: Tenant,
    gateway_type: type[PaymentGateway],
    settings: Any,
    *,
    title: str,
    creditor_account_id: UUID,
) -> MerchantAccount:
    """An account at a gateway that pays out to one creditor account. The same one again takes the new settings.

    Settings that equal the newest version make no new one. Conflict when it would pay out to another account than
    before: orders say which account their lines go to.
    """
    merchant = gateway_type.merchant(settings)
    account = session.scalars(
        select(MerchantAccount)
        .where(MerchantAccount.gateway == gateway_type.id, MerchantAccount.merchant == merchant)
        .with_for_update()
    ).one_or_none()
    if account is None:
        account = MerchantAccount(
            id=new_id(),
            gateway=gateway_type.id,
            merchant=merchant,
            title=title,
            creditor_account_id=creditor_account_id,
            settings_version=0,
            hook_secret=new_secret(),
            created_at=clock.now(),
        )
    if account.creditor_account_id != creditor_account_id:
        raise Conflict(f"merchant account {account.id} pays out to another bank account")
    known = account.settings_version and get_settings(session, tenant, account.holder, gateway_type.settings_type)
    if known != settings:
        account.settings_version = store_settings(session, tenant, account.holder, settings)
    is_new = account not in session
    session.add(account)
    session.flush()
    if is_new:
        begin_settling(session, account)
    return account


@dataclass(frozen=True)
class AccountSettings:
    """What an office says of a merchant account; its number, bank account and keys are another matter."""

    title: str
    enabled: bool
    blik: bool
    commission_payer: CommissionPayer
    commission_rate: int  # hundredths of a per cent
    commission_fixed: Money


def set_merchant_account(session: Session, account_id: UUID, settings: AccountSettings) -> MerchantAccount:
    """NotFound for one this gmina does not have. Money on its way through a disabled account goes on."""
    account = lock_merchant_account(session, account_id)
    account.title, account.enabled, account.blik = settings.title, settings.enabled, settings.blik
    account.commission_payer = settings.commission_payer
    account.commission_rate, account.commission_fixed = settings.commission_rate, settings.commission_fixed
    session.flush()
    return account


def lock_merchant_account(session: Session, account_id: UUID) -> MerchantAccount:
    """As it is now, until the transaction ends. NotFound for one this gmina does not have."""
    account = session.scalars(
        select(MerchantAccount)
        .where(MerchantAccount.id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if account is None:
        raise NotFound(f"no merchant account {account_id}")
    return account
