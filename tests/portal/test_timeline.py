"""What a resident reads of money that went back: how much and when, never why, and that it is owed again."""

import io
import re

import pypdf
import pytest
from sqlalchemy import select

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.payments.bookings import mark_booked
from skarbnik.payments.models import BookingLine, Capture, PaymentOrder
from skarbnik.payments.refunds import (
    approve_refund,
    decline_refund,
    mark_refund_refused,
    propose_refund,
    record_refund_report,
)
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState, RefundKind
from skarbnik.plugin_api import RefundReport, RefundState
from skarbnik.receivables.models import Instalment
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    OfficialFactory,
    OrderLineFactory,
    PayerFactory,
    PaymentOrderFactory,
    TransactionFactory,
    UserFactory,
    bound_to,
    report_on,
)

REASON = "Wezwanie Anny do lekarza"
STEP = re.compile(r'<li class="(done|now|waits|wrong)"><b>([^<]*)</b>')


@pytest.fixture
def town(tenant):
    """Anna paid 103,00 zł of tax, which is booked and in the balances of the finance system."""
    with tenant.session() as session, bound_to(session):
        anna = PayerFactory(name="Kowalska Anna")
        instalment = InstalmentFactory(payer=anna, principal=Money(10_000), interest=Money(300))
        order = PaymentOrderFactory(payer_id=anna.id, amount=Money(10_300), state="started")
        OrderLineFactory(
            order=order,
            instalment=instalment,
            payer_id=anna.id,
            creditor_account_id=instalment.receivable.kind.creditor_account_id,
            interest=Money(300),
        )
        transaction = TransactionFactory(started=True, order=order, instalment=instalment, amount=Money(10_300))
        record_report(session, transaction.id, report_on(transaction, "EXT-77"))
        (line,) = session.scalars(select(BookingLine))
        line.move_to(BookingState.SENT)
        mark_booked(session, line, reference="WB 1", booked_on=clock.today())
        line.seen_at = clock.now()
        instalment.principal = instalment.interest = Money(0)
        officials = [OfficialFactory().id, OfficialFactory().id]
        return {
            "email": UserFactory(acts_for=[anna]).email,
            "officials": officials,
            "line": line.id,
            "capture": line.capture_id,
            "path": f"/payments/{order.number}",
        }


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["email"], PASSWORD)
    browser.get("/language/en/dashboard")
    return browser


@pytest.fixture
def refund(tenant, town):
    """`refund(grosze, kind)`: proposed and, unless told otherwise, approved; its id."""

    def make(grosze, kind=RefundKind.GATEWAY, *, approved=True):
        with tenant.session() as session:
            made = propose_refund(
                session,
                town["capture"],
                kind=kind,
                lines={town["line"]: Money(grosze)},
                reason=REASON,
                by=town["officials"][0],
                happened_on=clock.today(),
                reference="WB 77",
            )
            if approved:
                approve_refund(session, made.id, by=town["officials"][1])
            return made.id

    return make


def done(tenant, refund_id, grosze):
    with tenant.session() as session:
        record_refund_report(
            session, refund_id, RefundReport(refund_id, "R", Money(grosze), "PLN", RefundState.COMPLETED)
        )


def steps(browser, town):
    page = browser.get(town["path"]).text
    assert REASON not in page
    assert "WB 77" not in page
    return STEP.findall(page)[5:]


def test_what_nobody_decided_is_not_told(anna, town, refund, tenant):
    proposed = refund(4_000, approved=False)
    assert len(steps(anna, town)) == 1
    with tenant.session() as session:
        decline_refund(session, proposed, by=town["officials"][1], reason="nie")
    assert len(steps(anna, town)) == 1


def test_a_refund_is_told_when_it_is_on_its_way_and_when_it_is_done(anna, town, refund, tenant):
    made = refund(4_000)
    assert steps(anna, town)[1:] == [("now", "Zwrot w drodze")]
    assert "40,00" in anna.text

    done(tenant, made, 4_000)

    assert [mark for mark, _title in steps(anna, town)[1:]] == ["done", "waits"]
    with tenant.session() as session:
        back = session.scalars(select(BookingLine).where(BookingLine.refund_id == made)).one()
        back.move_to(BookingState.SENT)
        mark_booked(session, back, reference="ZW 1", booked_on=clock.today())
        back.seen_at = clock.now()
    assert [mark for mark, _title in steps(anna, town)[1:]] == ["done", "done"]


def test_a_refund_the_gateway_refused_is_told_without_its_words(anna, town, refund, tenant):
    made = refund(4_000)
    with tenant.session() as session:
        mark_refund_refused(session, made, answer="NO_BALANCE")

    assert [mark for mark, _title in steps(anna, town)[1:]] == ["wrong"]
    assert "NO_BALANCE" not in anna.text


@pytest.mark.parametrize("kind", [RefundKind.OUTSIDE, RefundKind.CHARGEBACK])
def test_money_that_went_without_us_is_told_with_its_day(anna, town, refund, kind):
    refund(4_000, kind)

    assert [mark for mark, _title in steps(anna, town)[1:]] == ["done", "waits"]
    assert f"{clock.today():%d.%m.%Y}" in anna.text


def test_what_went_back_is_owed_again_at_once(anna, town, refund, tenant):
    """The finance system's balance still says that nothing is left."""
    assert "input" not in anna.get("/receivables").text.partition("<main")[2].partition('name="i"')[1]
    done(tenant, refund(4_000), 4_000)

    page = anna.get("/receivables").text

    assert 'name="i"' in page
    assert "40,00\u00a0zł" in page
    with tenant.session() as session:
        receivable = session.scalars(select(Instalment.receivable_id)).one()
    assert "40,00\u00a0zł" in anna.get(f"/receivables/{receivable}").text
    with tenant.session() as session:
        assert session.scalars(select(PaymentOrder.state)).one() == "paid"


def confirmation(browser, town):
    answer = browser.get(f"{town['path']}/confirmation")
    return answer, "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages)


def test_a_confirmation_is_of_what_is_left(anna, town, refund, tenant):
    done(tenant, refund(4_000), 4_000)

    _answer, text = confirmation(anna, town)
    text = text.replace("\u00a0", " ")

    assert "103,00 zł" in text
    assert "Zwrócono" in text
    assert "40,00 zł" in text
    assert "63,00 zł" in text


def test_there_is_no_confirmation_of_what_went_back_whole(anna, town, refund, tenant):
    done(tenant, refund(10_300), 10_300)

    assert anna.get(f"{town['path']}/confirmation").status_code == 404
    assert f"{town['path']}/confirmation" not in anna.get(town["path"]).text
    with tenant.session() as session:
        assert session.scalars(select(Capture.state)).one() == "refunded"
