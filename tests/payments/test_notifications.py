"""What a gateway sends is kept raw and once; it proves nothing and is answered at once."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from skarbnik import clock
from skarbnik.payments import accounts
from skarbnik.payments.models import Capture, Notification, Transaction
from skarbnik.payments.notifications import keep_notification
from skarbnik.payments.services import record_report
from skarbnik.plugin_api import NotificationHint, RawNotification, TransactionState
from skarbnik.testing.factories import MerchantAccountFactory, TransactionFactory, report_on
from skarbnik_payu.gateway import PayuGateway


@pytest.fixture
def account(tenant, pay):
    return pay(tenant)


@pytest.fixture
def client(app):
    return app.test_client()


def kept(tenant):
    with tenant.session() as session:
        return session.scalars(select(Notification)).all()


RUNG = (
    "SELECT tenant_id, topic, subject_id FROM work.outbox"
    " WHERE topic NOT IN ('settlements.every_night', 'audit.seal') ORDER BY id"
)


def rung(lab):
    with lab.as_admin() as connection:
        return connection.execute(RUNG).fetchall()


def test_a_signed_notification_is_kept_and_rings_the_worker(tenant, client, account, notify, lab):
    assert notify(client, "lipowo", account).status_code == 200

    (one,) = kept(tenant)
    assert one.transaction_id == account.paid.id
    assert rung(lab) == [(tenant.id, "payments.notified", account.paid.id)]


def test_a_notification_captures_nothing_by_itself(tenant, client, account, notify):
    notify(client, "lipowo", account)

    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(Capture)) == 0
        assert session.get_one(Transaction, account.paid.id).state is TransactionState.PENDING


def test_a_repeated_notification_is_kept_once_and_rings_again(tenant, client, account, notify, lab):
    assert [notify(client, "lipowo", account).status_code for _ in range(3)] == [200] * 3

    assert len(kept(tenant)) == 1
    assert len(rung(lab)) == 3


def test_another_state_of_the_same_payment_is_another_notification(tenant, client, account, notify):
    for status in ("PENDING", "WAITING_FOR_CONFIRMATION", "COMPLETED"):
        notify(client, "lipowo", account, status=status)

    assert len(kept(tenant)) == 3


def test_the_body_is_kept_byte_for_byte(tenant, client, account, notify, notification):
    strange = b'{"order" :  ' + notification(account, buyer={"x": "Zażółć\u2028"})[9:].replace(b"}}", b"}\r\n }")
    json.loads(strange)

    assert notify(client, "lipowo", account, strange).status_code == 200
    assert kept(tenant)[0].body == strange


def test_only_headers_worth_keeping_are_kept(tenant, client, account, notify):
    notify(client, "lipowo", account, headers={"Authorization": "Bearer secret", "Cookie": "a=secret"})

    headers = json.loads(kept(tenant)[0].headers)
    assert "openpayu-signature" in headers
    assert "secret" not in kept(tenant)[0].headers


@pytest.mark.parametrize("key", ["", "another key entirely", "B6CA15B0D1020E8094D9B5F8D163DB54"])
def test_a_forged_notification_is_refused_and_not_kept(tenant, client, account, notify, key, lab):
    assert notify(client, "lipowo", account, key=key).status_code == 400

    assert kept(tenant) == []
    assert rung(lab) == []


def test_a_notification_without_a_signature_is_refused(client, account, notify):
    assert notify(client, "lipowo", account, headers={"OpenPayu-Signature": ""}).status_code == 400


def test_a_signed_notification_for_another_point_of_payment_is_refused(tenant, client, account, notify, notification):
    foreign = notification(account).replace(account.merchant.encode(), b"999999")

    assert notify(client, "lipowo", account, foreign).status_code == 400
    assert kept(tenant) == []


def test_an_address_nobody_was_given_does_not_exist(client, account, notify):
    assert notify(client, "lipowo", account, secret="0" * 64).status_code == 404


def test_the_address_of_one_gmina_is_worth_nothing_at_anothers_host(client, account, notify, neighbour):
    assert notify(client, "debina", account).status_code == 404
    assert kept(neighbour) == []


def test_a_notification_of_a_payment_we_do_not_know_yet_is_to_be_sent_again(tenant, client, account, notify, some_id):
    answer = notify(client, "lipowo", account, external_id="NOT-YET", transaction_id=some_id())

    assert answer.status_code == 503
    assert kept(tenant) == []


def test_what_is_larger_than_any_notification_is_refused(client, account, notify, notification):
    for size in (257 * 1024, 2 * 1024 * 1024):
        body = notification(account, filler="x" * size)
        assert notify(client, "lipowo", account, body).status_code == 413


def test_a_key_that_was_just_changed_still_signs_what_was_on_its_way(tenant, client, account, notify, payu_settings):
    assert notify(client, "lipowo", account, status="NEW").status_code == 200  # the account is remembered from here on
    with tenant.session() as session:
        accounts.open_merchant_account(
            session,
            tenant,
            PayuGateway,
            payu_settings(second_key="n" * 32),
            title="PayU",
            creditor_account_id=account.creditor_account_id,
        )

    assert notify(client, "lipowo", account).status_code == 200
    assert notify(client, "lipowo", account, status="PENDING", key="n" * 32).status_code == 200
    assert notify(client, "lipowo", account, status="CANCELED", key="x" * 32).status_code == 400


def test_a_switched_off_account_still_hears_about_its_money(tenant, client, account, notify):
    with tenant.session() as session:
        session.execute(text("UPDATE merchant_accounts SET enabled = false"))

    assert notify(client, "lipowo", account).status_code == 200


def test_a_hint_with_our_id_only_is_about_that_payment_and_no_other(session):
    account = MerchantAccountFactory()
    TransactionFactory(merchant_account=account)
    wanted = TransactionFactory(merchant_account=account)
    hint = NotificationHint(key="k", transaction_id=wanted.id, external_id=None)

    assert keep_notification(session, account.id, hint, RawNotification({}, b""))
    assert session.scalars(select(Notification.transaction_id)).all() == [wanted.id]


def test_a_hint_that_names_nothing_of_ours_is_not_about_whatever_has_no_number_yet(session, some_id):
    account = MerchantAccountFactory()
    TransactionFactory(merchant_account=account)
    hint = NotificationHint(key="k", transaction_id=some_id(), external_id=None)

    assert not keep_notification(session, account.id, hint, RawNotification({}, b""))


def test_a_hint_teaches_us_the_number_the_gateway_gave(session):
    transaction = TransactionFactory()
    hint = NotificationHint(key="k", transaction_id=transaction.id, external_id="EXT-77")

    keep_notification(session, transaction.merchant_account_id, hint, RawNotification({}, b""))
    session.refresh(transaction)

    assert transaction.external_id == "EXT-77"


def test_a_payment_of_another_merchant_account_is_not_touched(session):
    transaction = TransactionFactory(started=True)
    hint = NotificationHint(key="k", transaction_id=transaction.id, external_id=transaction.external_id)

    assert not keep_notification(session, MerchantAccountFactory().id, hint, RawNotification({}, b""))


def test_the_day_of_payment_is_the_one_the_gateway_signed(session):
    paid_at = datetime(2026, 11, 22, 22, 59, tzinfo=UTC)
    with clock.stopped_at(datetime(2026, 11, 23, 6, tzinfo=UTC)):
        transaction = TransactionFactory(started=True)
        hint = NotificationHint("k", transaction.id, transaction.external_id, happened_at=paid_at)
        keep_notification(session, transaction.merchant_account_id, hint, RawNotification({}, b""))
        record_report(session, transaction.id, report_on(transaction, "E-1"))

    assert session.scalars(select(Capture.captured_at)).one() == paid_at
