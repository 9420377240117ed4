"""New keys of a merchant account: proposed by one person, taken up by another, and the old ones stay for old money.

Whoever holds the keys of an account at a gateway moves the gmina's money, so nobody changes them alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.errors import Conflict, Forbidden, Invalid
from skarbnik.payments.accounts import lock_merchant_account
from skarbnik.payments.models import MerchantAccount
from skarbnik.plugin_api import PaymentGateway
from skarbnik.tenancy.models import PluginSettings
from skarbnik.tenancy.plugin_settings import get_settings, open_settings, seal_settings, store_settings
from skarbnik.tenancy.registry import Tenant


class AnotherAccount(Invalid):
    """These keys are of another account at the gateway: its money would go elsewhere."""


@dataclass(frozen=True)
class Version:
    """One set of keys an account has or had. The keys themselves are never shown."""

    number: int
    at: datetime
    by: UUID | None  # None: the operator, at the command line


def propose_credentials(
    session: Session,
    tenant: Tenant,
    account_id: UUID,
    gateway_type: type[PaymentGateway],
    settings: Any,
    *,
    by: UUID,
) -> MerchantAccount:
    """Keep new keys until another person takes them up; an earlier proposal is forgotten.

    AnotherAccount when they are of another account there, Invalid when nothing changed.
    """
    account = lock_merchant_account(session, account_id)
    if gateway_type.merchant(settings) != account.merchant:
        raise AnotherAccount(f"not keys of merchant account {account_id}")
    current = get_settings(session, tenant, account.holder, gateway_type.settings_type, account.settings_version)
    if current == settings:
        raise Invalid(f"these are the keys that merchant account {account_id} has")
    account.proposal_id = new_id()
    account.proposed_keys = seal_settings(tenant, _place(account), settings)
    account.proposed_by, account.proposed_at = by, clock.now()
    session.flush()
    return account


def take_up_credentials(
    session: Session,
    tenant: Tenant,
    account_id: UUID,
    gateway_type: type[PaymentGateway],
    *,
    proposal_id: UUID,
    by: UUID,
) -> MerchantAccount:
    """The second person agrees: new payments begin with these keys. Those that were begun go on with theirs.

    Forbidden for who proposed them, Conflict when it is not this proposal that waits.
    """
    account = lock_merchant_account(session, account_id)
    if account.proposed_keys is None or account.proposal_id != proposal_id:
        raise Conflict(f"proposal {proposal_id} for merchant account {account_id} does not wait")
    if account.proposed_by == by:
        raise Forbidden("who proposed keys does not take them up")
    settings = open_settings(tenant, _place(account), account.proposed_keys, gateway_type.settings_type)
    account.settings_version = store_settings(session, tenant, account.holder, settings, by=account.proposed_by)
    _forget_proposal(session, account)
    return account


def proposed_changes(
    tenant: Tenant, account: MerchantAccount, gateway_type: type[PaymentGateway], current: Any
) -> list[tuple[str, str]]:
    """What would be another setting, with the plugin's label, for who decides: payers may be sent to another address.
    No secrets; nothing when no keys wait."""
    if account.proposed_keys is None:
        return []
    proposed = open_settings(tenant, _place(account), account.proposed_keys, gateway_type.settings_type)
    return [
        (field.metadata["label"], str(getattr(proposed, field.name)))
        for field in dataclasses.fields(proposed)
        if not field.metadata["secret"] and getattr(proposed, field.name) != getattr(current, field.name)
    ]


def drop_credentials(session: Session, account_id: UUID) -> MerchantAccount:
    """Proposed keys are not wanted after all, and forgotten: they never were anybody's."""
    account = lock_merchant_account(session, account_id)
    if account.proposal_id is None:
        raise Conflict(f"no keys of merchant account {account_id} wait")
    _forget_proposal(session, account)
    return account


def list_versions(session: Session, account: MerchantAccount) -> Sequence[Version]:
    """Every set of keys that was used, the newest first."""
    rows = session.execute(
        select(PluginSettings.version, PluginSettings.created_at, PluginSettings.created_by)
        .where(PluginSettings.holder == account.holder)
        .order_by(PluginSettings.version.desc())
        .limit(50)
    )
    return [Version(*row) for row in rows]


def _place(account: MerchantAccount) -> str:
    return f"{account.holder}/proposal/{account.proposal_id}"


def _forget_proposal(session: Session, account: MerchantAccount) -> None:
    account.proposal_id = account.proposed_keys = account.proposed_by = account.proposed_at = None
    session.flush()
