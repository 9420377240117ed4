"""The demo's data: gminas as an operator makes them, settings as an office enters them, accounts to sign in with.

Everything comes through the product's own services and the finance system's own files; nothing is written around them.
Seeding twice with the same plan changes nothing.
"""

from __future__ import annotations

import subprocess
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.factors import store_app
from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.pesel import find_by_pesel, open_pesel, set_pesel
from skarbnik.accounts.services import make_user
from skarbnik.content.models import MAIN, Article, ArticleKind, Key
from skarbnik.content.queries import current_terms
from skarbnik.content.services import accept_terms, save_article
from skarbnik.dev.identity import connect_providers
from skarbnik.dev.plan import DemoPlan, GminaPlan
from skarbnik.dev.programs import first_export
from skarbnik.dev.settled import seed_settled_day
from skarbnik.errors import SkarbnikError
from skarbnik.exchange import imports
from skarbnik.exchange.models import ImportRun, Source
from skarbnik.exchange.sources import connect_source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.systems import spool_of
from skarbnik.exchange.tasks import read_file
from skarbnik.money import Money
from skarbnik.operator.services import give_factor, make_operator
from skarbnik.payers import mandates
from skarbnik.payers.models import CompanyRole, Mandate, MandateBasis, Payer
from skarbnik.payments.accounts import open_merchant_account
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.states import CommissionPayer
from skarbnik.plugin_api import PayerKind, Regime, Role
from skarbnik.receivables.models import CreditorAccount, Kind
from skarbnik.receivables.scopes import ScopeOfWork, set_scope
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.plugin_settings import get_settings, parse_settings, store_settings
from skarbnik.tenancy.registry import Tenant
from skarbnik.tenancy.services import create_tenant, read_tenant_file

SOURCE = "puma"

# The cast of the PUMA simulator: who signs in, and for whom they act.
RESIDENTS = {
    "anna.kowalska": ("Anna Kowalska", ["P-000001", "P-000003"]),
    "jan.kowalski": ("Jan Kowalski", ["P-000002"]),
    "piekarnia": ("Piotr Zieliński", ["P-000003"]),
    "nic.do.zaplaty": ("Tadeusz Wolny", ["P-000004"]),
    "dlugie.nazwisko": ("Konstancja Brzęczyszczykiewicz", ["P-000005"]),
    "zalegly": ("Stefan Zaległy", ["P-000006"]),
    "nadplata": ("Barbara Hojna", ["P-000007"]),
}
TEXTS = (
    (ArticleKind.HOURS, MAIN, "pl", "Godziny pracy", "Poniedziałek: 8.00–17.00\n\nWtorek–piątek: 7.30–15.00"),
    (ArticleKind.HOURS, MAIN, "en", "Opening hours", "Monday: 8 am to 5 pm\n\nTuesday to Friday: 7.30 am to 3 pm"),
    (
        ArticleKind.WARNING,
        "przerwa",
        "pl",
        "W sobotę od 22.00 do 24.00 nie zapłacisz przez PayU",
        "PayU przeprowadza wtedy prace techniczne. W tym czasie wybierz Przelewy24 albo zapłać przelewem.",
    ),
    (
        ArticleKind.NEWS,
        "rata",
        "pl",
        "Do 15 grudnia zapłać za odpady za listopad i grudzień",
        "Kwotę znajdziesz po zalogowaniu na stronie *Do zapłaty*.",
    ),
)
NEWCOMER = "nadplata"  # has not agreed to the terms of use yet
OFFICIALS = {  # login: name, role, and how the list of accounts calls it
    "ksiegowa": ("Halina Księgowa", Role.ACCOUNTANT, "księgowość"),
    "administrator": ("Adam Administrator", Role.ADMINISTRATOR, "administrator"),
    "audytor": ("Alicja Audytorka", Role.AUDITOR, "audytor"),
    "ankiety": ("Anna Ankietowa", Role.SURVEYS, "ankiety"),
    "odpady": ("Olga Odpadowa", Role.ACCOUNTANT, "opłata za odpady"),
}
OF_UNIT = "odpady"  # works with what is paid to the municipal company, and with nothing else


def seed(plan: DemoPlan) -> dict[str, Any]:
    """Make what is missing. Tenant ids by slug, and the accounts to print."""
    instance = Instance(read_settings({**plan.environment}), pool=2)
    tenants: dict[str, str] = {}
    accounts: list[dict[str, str]] = []
    for gmina in plan.gminas:
        tenant = _tenant(instance, gmina)
        tenants[gmina.slug] = tenant.id
        _settings(tenant, plan, gmina)
        _first_import(tenant, plan, gmina)
        with tenant.session() as session:
            _merchant_accounts(session, tenant, plan, gmina)
            _ways_to_pay(session, gmina)
            accounts += _people(session, tenant, gmina, plan)
            connect_providers(session, tenant, plan, gmina)
            _texts(session, gmina)
    accounts.append(_operator(instance, plan))
    return {"tenants": tenants, "accounts": accounts, "exported": True}


def settle_a_day(plan: DemoPlan) -> None:
    """Of the demo only: yesterday's payments in the first gmina, which no simulator's ledger has."""
    instance = Instance(read_settings({**plan.environment}), pool=2)
    seed_settled_day(instance.registry.get_by_slug(plan.gminas[0].slug))


def _operator(instance: Instance, plan: DemoPlan) -> dict[str, str]:
    login = f"operator@{instance.settings.host}"
    password = plan.password_for(login)
    owner, secret = instance.owner_engine(), plan.app_key_for(login)
    make_operator(owner, email=login, name="Ola Operatorka", password=password)
    give_factor(owner, instance.keys, email=login, secret=secret)
    return {"gmina": "", "role": "operator: /operator/", "login": login, "password": password, "app_key": secret}


def _texts(session: Session, gmina: GminaPlan) -> None:
    """What the office has written: opening hours everywhere, news and a warning in the first gmina."""
    if session.scalar(select(func.count()).select_from(Article)):
        return
    author = session.scalars(select(User.id).where(User.kind == UserKind.OFFICIAL).order_by(User.email)).first()
    assert author is not None
    for kind, slug, language, title, body in TEXTS:
        if kind is ArticleKind.HOURS or gmina.slug == "lipowo":
            save_article(session, Key(kind, slug, language), version=0, title=title, body=body, by=author)


def _tenant(instance: Instance, gmina: GminaPlan) -> Tenant:
    known = {tenant.slug: tenant for tenant in instance.registry.list_all()}
    if gmina.slug in known:
        return known[gmina.slug]
    new = read_tenant_file(instance.settings.tenants / f"{gmina.slug}.toml")
    tenant_id = create_tenant(
        instance.owner_engine(), instance.settings.instance, new, plugin_texts=instance.plugins.migrations
    )
    instance.registry.forget()
    return instance.registry.get(tenant_id)


def _settings(tenant: Tenant, plan: DemoPlan, gmina: GminaPlan) -> None:
    plugins = tenant.instance.plugins
    smtp = parse_settings(
        plugins.mail_senders["smtp"].settings_type,
        {"host": plan.smtp_host, "port": plan.smtp_port, "security": "none"},
    )
    system = plugins.finance_systems["puma"]
    puma = parse_settings(system.settings_type, plan.puma_settings(gmina))
    with tenant.session() as session:
        _store(session, tenant, "smtp", smtp)
        version = _store(session, tenant, f"source:{SOURCE}", puma)
        if version is not None:
            connect_source(
                session,
                SOURCE,
                plugin="puma",
                title="PUMA",
                tenant_code=gmina.puma_code,
                settings_version=version,
                remote=bool(system.hosts(puma)),
            )
    spool_of(tenant, SOURCE).make()


def _store(session: Session, tenant: Tenant, holder: str, settings: Any) -> int | None:
    """The version that was made of them. None when they are what is there."""
    try:
        if get_settings(session, tenant, holder, type(settings)) == settings:
            return None
    except SkarbnikError:
        pass  # the first version
    return store_settings(session, tenant, holder, settings)


def _first_import(tenant: Tenant, plan: DemoPlan, gmina: GminaPlan) -> None:
    """Let the finance system write its first full file, and read it as the worker would."""
    with tenant.session() as session:
        if session.get_one(Source, SOURCE).last_import:
            return
    program = first_export(plan, gmina, tenant.id)
    subprocess.run(program.command, env=dict(program.environment), cwd=program.folder, check=True)
    spool = spool_of(tenant, SOURCE)
    system = tenant.instance.plugins.finance_systems["puma"]
    with tenant.session() as session:
        runs = imports.register_arrivals(
            session, session.get_one(Source, SOURCE), spool.list_arrived(system.file_pattern)
        )
    for run in runs:
        read_file(tenant, run.id)
        with tenant.session() as session:
            done = session.get_one(ImportRun, run.id)
        if done.state is not RunState.APPLIED:
            raise SkarbnikError(f"the first file of {gmina.slug} was refused: {done.message}")


def _merchant_accounts(session: Session, tenant: Tenant, plan: DemoPlan, gmina: GminaPlan) -> None:
    """The office's points of sale receive what goes to the account most kinds use, its company's the next one."""
    gateways = tenant.instance.plugins.gateways
    accounts = session.scalars(
        select(CreditorAccount)
        .join(Kind, Kind.creditor_account_id == CreditorAccount.id)
        .group_by(CreditorAccount.id)
        .order_by(func.count(Kind.id).desc(), CreditorAccount.nrb)
    ).all()
    found: list[tuple[str, CreditorAccount, dict[str, str]]] = []
    for pos, account in zip(gmina.payu, accounts, strict=False):
        account.owner = pos.name
        keys = {"client_id": pos.client_id, "client_secret": pos.client_secret, "second_key": pos.second_key}
        found.append(("payu", account, {"base_url": plan.payu_url, "pos_id": pos.pos_id, **keys}))
    for point, account in zip(gmina.przelewy24, accounts, strict=False):
        account.owner = point.name
        keys = {"merchant_id": point.merchant_id, "pos_id": point.pos_id, "api_key": point.api_key, "crc": point.crc}
        office = {"base_url": plan.przelewy24_url, "email": f"urzad@{gmina.slug}.example"}
        found.append(("przelewy24", account, {**keys, **office}))
    for name, account, values in found:
        settings = parse_settings(gateways[name].settings_type, values)
        title = gateways[name].label
        open_merchant_account(session, tenant, gateways[name], settings, title=title, creditor_account_id=account.id)


def _ways_to_pay(session: Session, gmina: GminaPlan) -> None:
    """What an office decides: taxes in parts, by a resolution of the council; what PayU takes is the payer's cost."""
    for kind in session.scalars(select(Kind).where(Kind.regime == Regime.TAX, Kind.resolution.is_(None))):
        kind.in_parts, kind.resolution = True, "XXII/145/2025"
    for account in session.scalars(select(MerchantAccount).where(MerchantAccount.blik.is_(False))):
        account.blik = True
        if account.gateway == "payu" and gmina.przelewy24:  # residents choose between this and one that costs nothing
            account.commission_payer, account.commission_rate = CommissionPayer.PAYER, 99
            account.commission_fixed = Money(5)


def _people(session: Session, tenant: Tenant, gmina: GminaPlan, plan: DemoPlan) -> list[dict[str, str]]:
    payers = {row.external_id: row for row in session.scalars(select(Payer).where(Payer.external_id < "P-000010"))}
    made, companies = [], []
    for login, (name, acts_for) in RESIDENTS.items():
        email = f"{login}@{gmina.slug}.example"
        made.append(_account(gmina, plan, "mieszkaniec", email))
        if _known(session, UserKind.RESIDENT, email) or _has_account(session, tenant, payers, acts_for):
            continue
        user = make_user(session, kind=UserKind.RESIDENT, email=email, name=name, password=plan.password_for(email))
        if login != NEWCOMER:
            accept_terms(session, user.id, current_terms(session, clock.now()).version)
        for external_id in acts_for:
            payer = payers[external_id]
            basis = MandateBasis.SELF if payer.kind is PayerKind.PERSON else MandateBasis.COMPANY
            if basis is MandateBasis.SELF and payer.pesel_sealed:
                set_pesel(user, tenant, open_pesel(tenant, payer.pesel_sealed))  # as proven at the desk
            if basis is MandateBasis.COMPANY:
                companies.append((user.id, payer))
                continue
            session.add(
                Mandate(
                    user_id=user.id,
                    payer_id=payer.id,
                    basis=basis,
                    from_on=clock.today(),
                    created_at=clock.now(),
                )
            )
    for login, (name, role, called) in OFFICIALS.items():
        email = f"{login}@{gmina.slug}.example"
        made.append(_account(gmina, plan, f"urząd: {called}", email) | {"app_key": plan.app_key_for(email)})
        if not _known(session, UserKind.OFFICIAL, email):
            user = make_user(
                session,
                kind=UserKind.OFFICIAL,
                email=email,
                name=name,
                password=plan.password_for(email),
                roles=frozenset({role}),
            )
            store_app(session, tenant, user.id, plan.app_key_for(email))
            if login == OF_UNIT:
                units = session.scalars(select(Kind.creditor_account_id).where(Kind.code == "ODPADY")).all()
                set_scope(session, user.id, ScopeOfWork(accounts=frozenset(each for each in units if each)))
    official = session.scalars(select(User.id).where(User.kind == UserKind.OFFICIAL).order_by(User.email)).first()
    for user_id, payer in companies:
        assert official is not None
        _confirm_company(session, user_id, payer, official)
    return made


def _confirm_company(session: Session, user_id: UUID, payer: Payer, official: UUID) -> None:
    """As a resident asks and an official confirms."""
    wish = mandates.Wish(
        MandateBasis.COMPANY, "Odpis z KRS", may_pay=True, name=payer.name, nip=payer.nip, role=CompanyRole.OWNER
    )
    asked = mandates.ask_mandate(session, user_id=user_id, wish=wish, language="pl")
    given = mandates.Decision(payer.id, MandateBasis.COMPANY, may_pay=True, from_on=clock.today())
    mandates.confirm_request(session, asked.id, given, by=official)


def _has_account(session: Session, tenant: Tenant, payers: dict[str, Payer], external_ids: list[str]) -> bool:
    """Whether the person has an account by another address: somebody who tried the demo changed it."""
    sealed = [payers[each].pesel_sealed for each in external_ids]
    return any(
        find_by_pesel(session, tenant, open_pesel(tenant, each), kind=UserKind.RESIDENT) for each in sealed if each
    )


def _known(session: Session, kind: UserKind, email: str) -> bool:
    return session.scalar(select(User.id).where(User.kind == kind, User.email == email)) is not None


def _account(gmina: GminaPlan, plan: DemoPlan, role: str, email: str) -> dict[str, str]:
    return {"gmina": gmina.slug, "role": role, "login": email, "password": plan.password_for(email)}
