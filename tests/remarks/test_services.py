"""Reports of wrong data: few at a time, answered once, and what is half answered no database keeps."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from skarbnik import clock
from skarbnik.errors import ForbiddenTransition, Invalid, NotFound
from skarbnik.mail.models import Mail
from skarbnik.payers.models import Mandate
from skarbnik.portal.tasks import tell_answered
from skarbnik.remarks.models import Outcome, Remark, Topic
from skarbnik.remarks.services import MOST_OPEN, TooManyOpen, answer_remark, take_up, withdraw_remark
from skarbnik.remarks.states import RemarkState
from skarbnik.testing.factories import InstalmentFactory, PayerFactory, bound_to


def count(tenant):
    with tenant.session() as session:
        return session.scalar(select(func.count()).select_from(Remark))


def answer(tenant, town, remark, **more):
    words = {"outcome": Outcome.WILL_CORRECT, "text": "Poprawimy adres.", "by": town["official"], **more}
    with tenant.session() as session:
        take_up(session, remark.id, by=town["official"])
        return answer_remark(session, remark.id, **words)


def test_a_double_click_reports_once(tenant, write):
    assert write().id == write().id
    assert count(tenant) == 1


def test_only_ten_wait_at_a_time_and_an_answer_or_a_withdrawal_makes_room(tenant, town, write):
    first, second, *_rest = [write(text=f"Błąd {number}") for number in range(MOST_OPEN)]
    with pytest.raises(TooManyOpen):
        write(text="Jedenasty")

    answer(tenant, town, first)
    with tenant.session() as session:
        withdraw_remark(session, second.id, user_id=town["user"])

    write(text="Jedenasty")
    write(text="Dwunasty")
    with pytest.raises(TooManyOpen):
        write(text="Trzynasty")


def test_two_windows_do_not_write_the_eleventh(tenant, write):
    for number in range(MOST_OPEN - 1):
        write(text=f"Błąd {number}")
    together, refused = Barrier(4), []

    def send(number):
        together.wait()
        try:
            write(text=f"Okno {number}")
        except TooManyOpen:
            refused.append(number)

    threads = [Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count(tenant) == MOST_OPEN
    assert len(refused) == 3


def test_a_report_is_about_a_receivable_of_the_payer_or_about_the_payer(tenant, town, write):
    with tenant.session() as session, bound_to(session):
        foreign = InstalmentFactory(payer=PayerFactory()).receivable_id
    assert write(topic=Topic.AMOUNT, receivable_id=town["receivable"]).receivable_id == town["receivable"]
    with pytest.raises(NotFound):
        write(topic=Topic.AMOUNT, receivable_id=foreign)
    with pytest.raises(Invalid):
        write(topic=Topic.AMOUNT)
    with pytest.raises(Invalid):
        write(topic=Topic.NAME, receivable_id=town["receivable"])


def test_what_was_answered_is_answered_for_good(tenant, town, write):
    remark = write()
    answer(tenant, town, remark)

    with tenant.session() as session:
        with pytest.raises(ForbiddenTransition):
            answer_remark(session, remark.id, outcome=Outcome.NOT_WRONG, text="Jednak nie.", by=town["official"])
        with pytest.raises(ForbiddenTransition):
            withdraw_remark(session, remark.id, user_id=town["user"])
        with pytest.raises(ForbiddenTransition):
            take_up(session, remark.id, by=town["official"])
        assert session.get_one(Remark, remark.id).answer == "Poprawimy adres."


def end_mandates(tenant, town):
    """Anna's right to act for the first payer ended yesterday."""
    with tenant.session() as session:
        mine = (Mandate.user_id == town["user"]) & (Mandate.payer_id == town["payer"])
        ended = clock.today() - timedelta(days=1)
        session.execute(update(Mandate).where(mine).values(from_on=ended, until_on=ended))


def test_nobody_withdraws_what_another_wrote_or_what_they_may_not_act_for_any_more(tenant, town, write):
    remark = write()
    with tenant.session() as session, pytest.raises(NotFound):
        withdraw_remark(session, remark.id, user_id=town["official"])

    end_mandates(tenant, town)
    with tenant.session() as session, pytest.raises(NotFound):
        withdraw_remark(session, remark.id, user_id=town["user"])


@pytest.mark.parametrize(
    "change",
    [
        "text = ''",
        "state = 'answered'",
        "answer = 'x', outcome = 'not_wrong', answered_by = user_id, answered_at = now()",
        "state = 'in_progress'",
        "state = 'answered', taken_by = user_id, answer = '', outcome = 'not_wrong', answered_by = user_id,"
        " answered_at = now()",
        "topic = 'amount'",
        "topic = 'weather'",
    ],
)
def test_what_must_never_be_false_the_database_knows(tenant, write, change):
    remark = write()
    with pytest.raises(IntegrityError), tenant.session() as session:
        session.execute(text(f"UPDATE remarks SET {change} WHERE id = :id"), {"id": remark.id})


def test_an_answer_rings_the_worker_and_the_mail_holds_nothing_of_anybody(tenant, town, write, clean):
    remark = write(language="en")
    answer(tenant, town, remark)
    with clean.as_admin() as connection:
        rung = connection.execute("SELECT topic, subject_id FROM work.outbox").fetchall()
    assert rung == [("remark.answered", remark.id)]

    tell_answered(tenant, remark.id)
    tell_answered(tenant, remark.id)

    with tenant.session() as session:
        (mail,) = session.scalars(select(Mail)).all()
        assert mail.recipient == town["email"]
        assert f"https://lipowo.skarbnik.test/remarks/{remark.id}" in mail.text
        for secret in ("Kowalska", "Polnej", "Poprawimy", "adres"):
            assert secret not in f"{mail.subject}{mail.text}"
        assert session.get_one(Remark, remark.id).state is RemarkState.ANSWERED


def test_who_may_not_act_for_the_payer_any_more_is_not_told_to_read_the_answer(tenant, town, write):
    remark = write()
    answer(tenant, town, remark)
    end_mandates(tenant, town)

    tell_answered(tenant, remark.id)

    with tenant.session() as session:
        assert session.scalars(select(Mail)).all() == []


def test_who_may_no_longer_sign_in_is_not_written_to(tenant, town, write):
    remark = write()
    answer(tenant, town, remark)
    with tenant.session() as session:
        session.execute(text("UPDATE users SET state = 'blocked' WHERE id = :id"), {"id": town["user"]})

    tell_answered(tenant, remark.id)

    with tenant.session() as session:
        assert session.scalars(select(Mail)).all() == []
