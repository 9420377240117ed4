"""Money that came, handed to the finance system in immutable batches, and what it answered line by line."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from skarbnik import clock
from skarbnik.audit.services import record_act
from skarbnik.errors import BrokenFile, FileProblem
from skarbnik.exchange.hours import next_moment
from skarbnik.exchange.included import note_mended
from skarbnik.exchange.models import BatchLine, BatchState, BookingBatch, Source
from skarbnik.outbox import publish
from skarbnik.payers.models import Payer
from skarbnik.payments import bookings as payments
from skarbnik.payments.models import BookingLine, Capture, MerchantAccount, OrderLine, PaymentOrder, Refund, Transaction
from skarbnik.payments.states import BookingState
from skarbnik.plugin_api import Acknowledgement, BookingItem, FinanceSystem
from skarbnik.plugin_api import BookingBatch as BatchDocument
from skarbnik.receivables.models import CreditorAccount, Instalment, Receivable

LARGEST_BATCH = 2000


def hour_of_batches(session: Session, source: Source) -> datetime | None:
    """The hour of its source that what waits has waited for since it came. None: at once, or nothing waits."""
    oldest = session.scalar(
        select(func.min(BookingLine.recorded_at))
        .join(BookingLine.order_line)
        .join(OrderLine.instalment)
        .where(BookingLine.state == BookingState.WAITING, Instalment.source == source.id)
    )
    return next_moment(source.hours, oldest) if oldest is not None else None


def make_batch(session: Session, source_id: str, system: FinanceSystem) -> BookingBatch | None:
    """Put waiting bookings of a source into its next batch, once each. None when nothing waits."""
    source = session.scalars(select(Source).where(Source.id == source_id).with_for_update(key_share=True)).one()
    lines = _waiting(session, source_id)
    if not lines:
        return None
    source.last_batch += 1
    made_at = clock.now()
    document = BatchDocument(
        number=source.last_batch,
        tenant_code=source.tenant_code,
        created_at=made_at,
        items=tuple(item for _, item in lines),
    )
    content = system.write_bookings(document)
    batch = BookingBatch(
        source=source_id,
        number=source.last_batch,
        file_name=system.bookings_name(document),
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        made_at=made_at,
    )
    session.add(batch)
    session.flush()
    for line, _ in lines:
        line.move_to(BookingState.SENT)
        line.sent_at = made_at
        session.add(BatchLine(batch_id=batch.id, booking_line_id=line.id))
    session.flush()
    record_act(session, "exchange.batch_made", subject="booking_batch", subject_id=batch.id)
    publish(session, "exchange.batch_made", batch.id)
    return batch


def _waiting(session: Session, source_id: str) -> list[tuple[BookingLine, BookingItem]]:
    rows = session.execute(
        select(
            BookingLine,
            Receivable.external_id.label("receivable"),
            Instalment.external_id.label("instalment"),
            Payer.external_id.label("payer"),
            CreditorAccount.nrb,
            Capture.captured_at,
            Refund,
            Capture.external_id.label("gateway_id"),
            MerchantAccount.gateway,
            PaymentOrder.number,
        )
        .join(BookingLine.order_line)
        .join(OrderLine.order)
        .join(Payer, Payer.id == OrderLine.payer_id)
        .join(OrderLine.instalment)
        .join(Instalment.receivable)
        .join(BookingLine.capture)
        .outerjoin(BookingLine.refund)
        .join(Capture.transaction)
        .join(Transaction.merchant_account)
        .join(MerchantAccount.creditor_account)
        .where(BookingLine.state == BookingState.WAITING, Instalment.source == source_id)
        .order_by(BookingLine.recorded_at, BookingLine.id)
        .limit(LARGEST_BATCH)
        .with_for_update(of=BookingLine)
    ).all()
    return [
        (
            row.BookingLine,
            BookingItem(
                booking_id=row.BookingLine.id,
                receivable=row.receivable,
                instalment=row.instalment,
                payer=row.payer,
                amounts=row.BookingLine.amounts,
                account=row.nrb,
                paid_at=row.captured_at if row.Refund is None else row.Refund.went_back_at,
                gateway=row.gateway,
                gateway_id=row.gateway_id,
                order_number=row.number,
            ),
        )
        for row in rows
    ]


def mark_delivered(session: Session, batch_id: UUID) -> None:
    batch = session.scalars(select(BookingBatch).where(BookingBatch.id == batch_id).with_for_update()).one()
    if batch.state is BatchState.MADE:
        batch.state, batch.delivered_at = BatchState.DELIVERED, clock.now()


def send_batch_again(session: Session, batch_id: UUID) -> None:
    """The same bytes under the same number, whatever became of them: the finance system books each line once."""
    publish(session, "exchange.batch_made", session.get_one(BookingBatch, batch_id).id)


def apply_acknowledgement(session: Session, source: Source, answer: Acknowledgement) -> dict[str, int]:
    """Keep what the finance system made of a batch. Safe to repeat; BrokenFile when it does not fit the batch."""
    batch = session.scalars(
        select(BookingBatch)
        .where(BookingBatch.source == source.id, BookingBatch.number == answer.batch_number)
        .with_for_update()
    ).one_or_none()
    if batch is None or answer.tenant_code != source.tenant_code:
        raise _broken("unknown-batch", f"Nie wysłano paczki nr {answer.batch_number} do tego systemu.")
    if answer.sha256 is not None and answer.sha256 != batch.sha256:
        raise _broken("other-content", f"Potwierdzenie dotyczy innej treści paczki nr {batch.number} niż wysłana.")
    lines = {line.booking_line_id: line for line in _lines_of(session, batch)}
    if {line.booking_id for line in answer.lines} != set(lines):
        raise _broken("other-lines", f"Potwierdzenie nie wymienia dokładnie pozycji paczki nr {batch.number}.")
    repeated = batch.state is BatchState.ANSWERED
    if repeated and any(lines[each.booking_id].refusal and each.refusal is None for each in answer.lines):
        note_mended(session, source, batch)  # the source is locked before bookings, as who makes a batch does
    bookings = {
        booking.id: booking
        for booking in session.scalars(
            select(BookingLine)
            .join(BookingLine.order_line)
            .options(contains_eager(BookingLine.order_line))
            .where(BookingLine.id.in_(lines))
            .order_by(BookingLine.id)
            .with_for_update(of=BookingLine)
        )
    }
    counts = {"booked": 0, "refused": 0}
    for said in answer.lines:
        line, booking = lines[said.booking_id], bookings[said.booking_id]
        line.reference, line.booked_on, line.refusal = said.reference, said.booked_on, said.refusal
        if said.refusal is None:
            payments.mark_booked(session, booking, reference=said.reference, booked_on=said.booked_on)
            counts["booked"] += 1
        else:
            if not repeated:  # an official may have sent the line again since, in a later batch
                payments.mark_refused(session, booking, reason=said.refusal)
            counts["refused"] += 1
    if not repeated:
        batch.state, batch.answered_at = BatchState.ANSWERED, clock.now()
        batch.delivered_at = batch.delivered_at or clock.now()
    record_act(session, "exchange.acknowledged", subject="booking_batch", subject_id=batch.id)
    return counts


def _lines_of(session: Session, batch: BookingBatch) -> list[BatchLine]:
    return list(session.scalars(select(BatchLine).where(BatchLine.batch_id == batch.id)))


def _broken(code: str, message: str) -> BrokenFile:
    return BrokenFile(message, [FileProblem(None, code, message)])
