"""Money that came goes to the finance system once: whoever answers twice or stumbles does not change that."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select

from skarbnik.audit.models import AuditEntry
from skarbnik.errors import Misconfigured
from skarbnik.exchange import tasks
from skarbnik.exchange.batches import apply_acknowledgement, make_batch
from skarbnik.exchange.models import BookingBatch, Source
from skarbnik.payments.bookings import release_booking
from skarbnik.payments.models import BookingLine
from skarbnik.payments.services import record_report
from skarbnik.payments.states import BookingState
from skarbnik.plugin_api import AcknowledgedLine, Acknowledgement
from skarbnik.tenancy.plugin_settings import store_settings
from skarbnik.testing.factories import (
    InstalmentFactory,
    OfficialFactory,
    SourceFactory,
    TransactionFactory,
    bound_to,
    report_on,
)
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

CODE = "PL-LIPOWO"


@pytest.fixture
def system():
    return PumaFinanceSystem(PumaSettings(tenant_code=CODE))


def capture(session, **words):
    transaction = TransactionFactory(started=True, **words)
    record_report(session, transaction.id, report_on(transaction, f"EXT-{uuid4()}"))
    return session.scalars(select(BookingLine).order_by(BookingLine.id.desc())).first()


def refusal(batch, booking):
    line = AcknowledgedLine(booking.id, None, None, "Rata rozliczona w kasie")
    return Acknowledgement(batch.number, CODE, batch.sha256, (line,))


def test_a_refusal_that_comes_again_does_not_stop_the_line_an_official_sent_again(session, system):
    source, official = SourceFactory(tenant_code=CODE), OfficialFactory()
    booking = capture(session)
    first = make_batch(session, source.id, system)
    apply_acknowledgement(session, source, refusal(first, booking))
    release_booking(session, booking.id, user_id=official.id)
    second = make_batch(session, source.id, system)

    apply_acknowledgement(session, source, refusal(first, booking))

    assert booking.state is BookingState.SENT
    booked = AcknowledgedLine(booking.id, "WB/7", date(2026, 11, 23), None)
    apply_acknowledgement(session, source, Acknowledgement(second.number, CODE, second.sha256, (booked,)))
    assert (booking.state, booking.reference) == (BookingState.BOOKED, "WB/7")


def test_an_answer_to_a_batch_is_written_down_in_the_trail(session, system):
    source = SourceFactory(tenant_code=CODE)
    booking = capture(session)
    batch = make_batch(session, source.id, system)

    apply_acknowledgement(session, source, refusal(batch, booking))

    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "exchange.acknowledged")).one()
    assert (entry.subject, entry.subject_id) == ("booking_batch", batch.id)


def test_a_finance_system_in_trouble_does_not_keep_the_bookings_of_another(tenant):
    with tenant.session() as session, bound_to(session):
        store_settings(session, tenant, "source:broken", PumaSettings(tenant_code="PL-OTHER"))
        store_settings(session, tenant, "source:puma", PumaSettings(tenant_code=CODE))
        for source_id in ("broken", "puma"):
            SourceFactory(id=source_id, tenant_code=CODE)
            capture(session, instalment=InstalmentFactory(source=source_id))

    with pytest.raises(Misconfigured):
        tasks.make_batches(tenant, uuid4())

    with tenant.session() as session:
        assert session.scalars(select(BookingBatch.source)).all() == ["puma"]
        assert session.scalars(select(Source.last_batch).order_by(Source.id)).all() == [0, 1]
