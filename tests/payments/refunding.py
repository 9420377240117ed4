"""What tests of money that goes back ask and do."""

from uuid import uuid4

from sqlalchemy import inspect, select, text

from skarbnik import clock
from skarbnik.money import Money
from skarbnik.office.queries import money_equation
from skarbnik.payments.bookings import mark_seen
from skarbnik.payments.models import BookingLine, Difference
from skarbnik.payments.queries import left_to_pay
from skarbnik.payments.refunds import (
    propose_refund,
    record_refund_report,
)
from skarbnik.payments.states import RefundKind
from skarbnik.plugin_api import OperationKind, RefundReport
from skarbnik.receivables.models import Instalment, Operation


def lines_of(session, capture):
    session.flush()
    session.expire_all()
    capture_id = inspect(capture).identity[0]
    return session.scalars(
        select(BookingLine).where(BookingLine.capture_id == capture_id).order_by(BookingLine.id)
    ).all()


def states(session, capture):
    return [(line.amounts.total.grosze, line.state) for line in lines_of(session, capture)]


def propose(session, capture, by, grosze=0, *, of_rest=0, kind=RefundKind.OUTSIDE, **more):
    original = next((line for line in lines_of(session, capture) if line.refund_id is None), None)
    words = {"happened_on": clock.today(), "reference": "WB 7", "reason": "nadpłata"} | more
    return propose_refund(
        session,
        capture.id,
        kind=kind,
        lines={original.id: Money(grosze)} if grosze else {},
        on_no_line=Money(of_rest),
        by=by.id,
        **words,
    )


def answered(session, refund, state, **more):
    words = {"external_id": f"R-{refund.id}", "amount": refund.amount, "currency": "PLN"} | more
    return record_refund_report(session, refund.id, RefundReport(refund.id, state=state, **words))


def left_of(session, capture):
    session.flush()
    instalment = session.get_one(Instalment, lines_of(session, capture)[0].instalment_id)
    return left_to_pay(session, [instalment])[instalment.id].total.grosze


def holds(session):
    session.flush()
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    return all(each.holds for each in money_equation(session))


def open_kinds(session):
    session.flush()
    return sorted(session.scalars(select(Difference.kind).where(Difference.closed_at.is_(None))))


def echo(session, line):
    """The finance system's operation for a line, as an import brings it, and the balance it leaves."""
    instalment, run_id = session.get_one(Instalment, line.instalment_id), uuid4()
    session.add(
        Operation(
            source="puma", external_id=str(uuid4()), receivable_id=instalment.receivable_id,
            instalment_id=instalment.id, kind=OperationKind.PAYMENT, booked_on=clock.today(),
            happened_on=clock.today(), document="WB 1", principal=-line.principal, interest=-line.interest,
            costs=-line.costs, booking_id=line.id, digest=uuid4(), run_id=run_id,
        )
    )  # fmt: skip
    instalment.principal -= line.principal
    instalment.interest -= line.interest
    instalment.costs -= line.costs
    session.flush()
    return mark_seen(session, run_id)
