"""Factories that read like speech: `InstalmentFactory(overdue=True)`, `TransactionFactory(started=True)`.

They write through the session they are bound to (`bound_to`), which the `session` fixture does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import factory
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import User, UserKind, UserState
from skarbnik.accounts.passwords import hash_password
from skarbnik.content.standard import STANDARD_TERMS
from skarbnik.exchange.models import Source
from skarbnik.money import Money
from skarbnik.payers.models import Mandate, MandateBasis, MandateRequest, Payer
from skarbnik.payers.states import RequestState
from skarbnik.payments.models import MerchantAccount, OrderLine, PaymentOrder, Transaction
from skarbnik.payments.ordering import HOLD, new_number
from skarbnik.payments.states import PaymentOrderState
from skarbnik.plugin_api import GatewayReport, LiabilityRole, PayerKind, Regime, Role, TransactionState
from skarbnik.receivables.models import CreditorAccount, Document, Instalment, Kind, Liability, Receivable

_bound: list[Session] = []

PASSWORD = "correct horse battery"


@contextmanager
def bound_to(session: Session) -> Iterator[None]:
    """Let factories write through this session."""
    _bound.append(session)
    try:
        yield
    finally:
        _bound.pop()


def _latest() -> Session:
    """The session factories write into now."""
    return _bound[-1]


class Factory(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_factory = _latest
        sqlalchemy_session_persistence = "flush"


def _external(prefix: str) -> Any:
    return factory.Sequence(lambda number: f"{prefix}-{number:06d}")


class SourceFactory(Factory):
    class Meta:
        model = Source
        sqlalchemy_get_or_create = ("id",)

    id = "puma"
    plugin = "puma"
    title = "PUMA"
    tenant_code = "PL-LIPOWO"
    settings_version = 1
    last_import = 0
    last_batch = 0
    as_of = factory.LazyFunction(clock.now)


class CreditorAccountFactory(Factory):
    class Meta:
        model = CreditorAccount

    nrb = factory.Sequence(lambda number: f"{number:026d}")
    owner = "Gmina Lipowo"
    title = "Rachunek podatkowy"


class KindFactory(Factory):
    class Meta:
        model = Kind

    source = "puma"
    code = _external("KIND")
    title = "Podatek od nieruchomości"
    regime = Regime.TAX
    creditor_account = factory.SubFactory(CreditorAccountFactory)
    position = 10
    online = True
    in_parts = False


class PayerFactory(Factory):
    class Meta:
        model = Payer

    source = "puma"
    external_id = _external("P")
    kind = PayerKind.PERSON
    name = factory.Sequence(lambda number: f"Kowalska Anna {number}")
    digest = factory.LazyFunction(uuid4)
    run_id = factory.LazyFunction(uuid4)


class ReceivableFactory(Factory):
    class Meta:
        model = Receivable

    source = "puma"
    external_id = _external("R")
    kind = factory.SubFactory(KindFactory)
    title = "Podatek od nieruchomości 2026"
    number = factory.Sequence(lambda number: f"FN.3120.{number}.2026")
    digest = factory.LazyFunction(uuid4)
    run_id = factory.LazyFunction(uuid4)


class LiabilityFactory(Factory):
    class Meta:
        model = Liability

    role = LiabilityRole.OWNER
    share_part = 1
    share_whole = 1
    digest = factory.LazyFunction(uuid4)
    run_id = factory.LazyFunction(uuid4)


class DocumentFactory(Factory):
    """A decision whose PDF did not come yet."""

    class Meta:
        model = Document

    source = "puma"
    external_id = _external("D")
    title = "Decyzja wymiarowa"
    issued_on = factory.LazyFunction(clock.today)
    sha256 = "a" * 64
    size = 122_880
    digest = factory.LazyFunction(uuid4)
    run_id = factory.LazyFunction(uuid4)


class InstalmentFactory(Factory):
    """An instalment with 100,00 zł left, due in a month. `overdue=True`: a month ago, with interest.

    `payer=` makes that payer liable for the receivable.
    """

    class Meta:
        model = Instalment

    class Params:
        overdue = factory.Trait(
            due_on=factory.LazyFunction(lambda: clock.today() - timedelta(days=30)), interest=Money(900)
        )

    source = "puma"
    external_id = _external("I")
    receivable = factory.SubFactory(ReceivableFactory)
    number = 1
    due_on = factory.LazyFunction(lambda: clock.today() + timedelta(days=30))
    charged = Money(10_000)
    principal = Money(10_000)
    interest = Money(0)
    costs = Money(0)
    digest = factory.LazyFunction(uuid4)
    run_id = factory.LazyFunction(uuid4)

    @factory.post_generation
    def payer(self, create: bool, payer: Payer | None, **kwargs: Any) -> None:
        if payer is not None:
            LiabilityFactory(receivable_id=self.receivable_id, payer_id=payer.id)


class UserFactory(Factory):
    """A resident who can sign in with `PASSWORD`."""

    class Meta:
        model = User

    kind = UserKind.RESIDENT
    state = UserState.ACTIVE
    email = factory.Sequence(lambda number: f"osoba{number}@example.pl")
    name = "Anna Kowalska"
    password_hash = factory.LazyFunction(lambda: hash_password(PASSWORD))
    created_at = factory.LazyFunction(clock.now)
    terms_version = STANDARD_TERMS

    @factory.post_generation
    def acts_for(self, create: bool, payers: list[Payer] | None, **kwargs: Any) -> None:
        for payer in payers or []:
            MandateFactory(user_id=self.id, payer_id=payer.id)


class OfficialFactory(UserFactory):
    kind = UserKind.OFFICIAL
    name = "Halina Księgowa"
    email = factory.Sequence(lambda number: f"urzad{number}@example.pl")

    class Params:
        has_roles = (Role.ACCOUNTANT,)

    roles = factory.LazyAttribute(lambda made: " ".join(sorted(made.has_roles)))


class MandateFactory(Factory):
    class Meta:
        model = Mandate

    basis = MandateBasis.SELF
    may_pay = True
    from_on = factory.LazyFunction(lambda: clock.today() - timedelta(days=1))
    created_at = factory.LazyFunction(clock.now)

    @classmethod
    def _create(cls, model_class: type[Mandate], *args: Any, **kwargs: Any) -> Any:
        """One for somebody else comes with the request an official confirmed."""
        kwargs["basis"] = MandateBasis(kwargs["basis"])
        if kwargs["basis"] is not MandateBasis.SELF and "request_id" not in kwargs:
            kwargs.setdefault("confirmed_by", OfficialFactory().id)
            kwargs["request_id"] = MandateRequestFactory(
                user_id=kwargs["user_id"],
                basis=kwargs["basis"],
                state=RequestState.CONFIRMED,
                decided_by=kwargs["confirmed_by"],
                decided_at=clock.now(),
                payer_id=kwargs["payer_id"],
                from_on=kwargs["from_on"],
                until_on=kwargs.get("until_on"),
                may_pay=kwargs["may_pay"],
            ).id
        return super()._create(model_class, *args, **kwargs)


class MandateRequestFactory(Factory):
    class Meta:
        model = MandateRequest

    basis = MandateBasis.PROXY
    name = "Zofia Kowalska"
    document = "Pełnomocnictwo, akt notarialny Rep. A 12/2026"
    wants_pay = True
    language = "pl"
    state = RequestState.ASKED
    asked_at = factory.LazyFunction(clock.now)


class MerchantAccountFactory(Factory):
    class Meta:
        model = MerchantAccount

    gateway = "payu"
    merchant = factory.Sequence(lambda number: str(300_000 + number))
    title = "PayU"
    creditor_account = factory.SubFactory(CreditorAccountFactory)
    settings_version = 1
    hook_secret = factory.LazyFunction(lambda: uuid4().hex)
    created_at = factory.LazyFunction(clock.now)


class PaymentOrderFactory(Factory):
    class Meta:
        model = PaymentOrder

    number = factory.LazyFunction(new_number)
    request_key = factory.LazyFunction(uuid4)
    state = PaymentOrderState.CREATED
    amount = Money(10_000)
    email = "osoba@example.pl"
    language = "pl"
    ordered_on = factory.LazyFunction(clock.today)
    ordered_at = factory.LazyFunction(clock.now)
    held_until = factory.LazyFunction(lambda: clock.now() + HOLD)


class OrderLineFactory(Factory):
    class Meta:
        model = OrderLine

    position = 1
    title = "Podatek od nieruchomości 2026, 1"
    instalment_digest = factory.LazyFunction(uuid4)
    principal = Money(10_000)
    interest = Money(0)
    costs = Money(0)


def report_on(
    transaction: Transaction, external_id: str = "EXT-1", amount: Money | None = None, **more: Any
) -> GatewayReport:
    """What its gateway answers about a transaction: that the money is there, as it was ordered."""
    words = {"currency": "PLN", "merchant": transaction.merchant_account.merchant, **more}
    return GatewayReport(transaction.id, external_id, transaction.amount if amount is None else amount, **words)


class TransactionFactory(Factory):
    """An attempt to pay one instalment of 100,00 zł, with everything below it. `started=True`: the gateway has it.

    `instalment=` pays that one instead of a new one.
    """

    class Meta:
        model = Transaction

    class Params:
        started = factory.Trait(
            state=TransactionState.PENDING,
            external_id=factory.Sequence(lambda number: f"EXT-{number}"),
            started_at=factory.LazyFunction(clock.now),
        )

    settings_version = 1
    amount = Money(10_000)
    created_at = factory.LazyFunction(clock.now)

    @classmethod
    def _create(cls, model_class: type[Transaction], *args: Any, **kwargs: Any) -> Any:
        instalment = kwargs.pop("instalment", None) or InstalmentFactory()
        account_id = instalment.receivable.kind.creditor_account_id
        if "order" not in kwargs:
            payer = PayerFactory()
            state = PaymentOrderState.CREATED if "started_at" not in kwargs else PaymentOrderState.STARTED
            kwargs["order"] = PaymentOrderFactory(payer_id=payer.id, amount=kwargs["amount"], state=state)
            OrderLineFactory(
                order=kwargs["order"],
                instalment=instalment,
                payer_id=payer.id,
                creditor_account_id=account_id,
                principal=instalment.principal,
                interest=instalment.interest,
                costs=instalment.costs,
            )
        if "merchant_account" not in kwargs:
            creditor_account = instalment.receivable.kind.creditor_account
            kwargs["merchant_account"] = MerchantAccountFactory(creditor_account=creditor_account)
        return super()._create(model_class, *args, **kwargs)
