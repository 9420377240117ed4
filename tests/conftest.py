"""What tests of several features share: a merchant account at PayU, its notifications, letters, who registers."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import select

from skarbnik.accounts.models import Registration
from skarbnik.mail.models import Mail
from skarbnik.payments.accounts import open_merchant_account
from skarbnik.receivables.models import CreditorAccount
from skarbnik.testing.factories import PASSWORD, CreditorAccountFactory, TransactionFactory, bound_to
from skarbnik.web.limits import limiter
from skarbnik_payu.gateway import PayuGateway
from skarbnik_payu.settings import PayuSettings

SECOND_KEY = "b6ca15b0d1020e8094d9b5f8d163db54"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for everything a test process looks at."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--no-proxy-server"]  # as root, and to nobody but this machine
        chromium = playwright.chromium.launch(executable_path=os.environ["SKARBNIK_CHROMIUM"], args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def payu_settings():
    """Settings of a POS; `second_key` signs its notifications. Nobody listens at its address."""

    def make(pos_id="300746", second_key=SECOND_KEY, base_url="http://127.0.0.1:9"):
        return PayuSettings(
            pos_id=pos_id, client_id=pos_id, client_secret="s" * 32, second_key=second_key, base_url=base_url
        )

    return make


@pytest.fixture
def open_account(payu_settings):
    """`open_account(session, tenant)`: a merchant account with real, sealed settings."""

    def make(session, tenant, creditor_account=None, **settings):
        account: CreditorAccount = creditor_account or CreditorAccountFactory()
        return open_merchant_account(
            session,
            tenant,
            PayuGateway,
            payu_settings(**settings),
            title="PayU",
            creditor_account_id=account.id,
        )

    return make


@pytest.fixture
def pay(open_account):
    """`pay(tenant)`: an account and a payment that was started there; the account's transaction is its `paid`."""

    def make(tenant, **settings):
        with tenant.session() as session, bound_to(session):
            transaction = TransactionFactory(started=True)
            creditor_account = transaction.merchant_account.creditor_account
            account = open_account(session, tenant, creditor_account, **settings)
            transaction.merchant_account = account
            session.flush()
            account.paid = transaction
        return account

    return make


def payu_body(account, *, status="COMPLETED", external_id=None, transaction_id=None, **more):
    order = {
        "orderId": external_id or account.paid.external_id,
        "extOrderId": str(transaction_id or account.paid.id),
        "merchantPosId": account.merchant,
        "status": status,
        "currencyCode": "PLN",
        "totalAmount": "10000",
        **more,
    }
    return json.dumps({"order": order}, ensure_ascii=False).encode()


@pytest.fixture
def notification():
    """The body of a notification about the account's transaction."""
    return payu_body


@pytest.fixture
def notify():
    """`notify(client, slug, account)`: send a signed notification to the account's address, as PayU does."""

    def send(client, slug, account, body=None, *, key=SECOND_KEY, secret=None, host=None, headers=None, **more):
        raw = payu_body(account, **more) if body is None else body
        signature = hashlib.md5(raw + key.encode()).hexdigest()
        return client.post(
            f"/hooks/payments/payu/{secret or account.hook_secret}",
            base_url=f"https://{host or f'{slug}.skarbnik.test'}",
            data=raw,
            headers={
                "Content-Type": "application/json",
                "OpenPayu-Signature": f"sender=checkout;signature={signature};algorithm=MD5;content=DOCUMENT",
                **(headers or {}),
            },
        )

    return send


@pytest.fixture
def limits(monkeypatch, request):
    """Limits count, beginning with nothing. Ask for it before the application."""
    monkeypatch.setattr(limiter, "enabled", True)  # before it is made: only then limits also look at its answers
    request.getfixturevalue("app")  # which switches them off
    limiter.enabled = True
    limiter._storage_dead = False  # where a test before had Redis away, it would count elsewhere for a moment
    limiter.reset()
    yield
    limiter.reset()


@pytest.fixture
def some_id():
    return uuid4


@pytest.fixture
def letters(tenant):
    """`letters("account.prove")`: what was sent for a cause, the oldest first."""

    def listed(cause=None):
        with tenant.session() as session:
            found = session.scalars(select(Mail).order_by(Mail.id)).all()
        return [each for each in found if cause in (None, each.cause)]

    return listed


@pytest.fixture
def link_in(letters):
    """`link_in("account.prove")`: the path of the first link in the newest letter of a cause."""

    def found(cause):
        return re.search(r"https?://[^/\s]+(/\S+)", letters(cause)[-1].text)[1]

    return found


@pytest.fixture
def fill_in(browse):
    """`fill_in(email=...)`: fill in the form of registering and send it; the browser and its answer."""

    def send(browser=None, **words):
        browser = browser or browse("lipowo")
        browser.get("/register")
        version = re.search(r'name="version"[^>]*value="([^"]*)"', browser.text)[1]
        form = {"name": "Jan Nowak", "email": "jan@example.pl", "password": PASSWORD, "again": PASSWORD, "terms": "y"}
        return browser, browser.post("/register", {**form, "version": version, **words})

    return send


@pytest.fixture
def registered(fill_in, link_in, tenant):
    """A registration whose address is proven: its number."""
    browser, _answer = fill_in()
    path = link_in("account.prove")
    browser.get(path)
    browser.post(path, {"password": PASSWORD})
    with tenant.session() as session:
        return session.scalars(select(Registration.number)).one()
