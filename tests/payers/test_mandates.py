"""Acting for somebody else: asked for once, decided once by somebody else, and over when it is ended."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from tests.payers.conftest import NIP, PROXY

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.accounts.pesel import set_pesel
from skarbnik.errors import ForbiddenTransition, Invalid, NotFound
from skarbnik.mail.models import Mail
from skarbnik.payers.mandates import (
    MOST_OPEN,
    AskedAlready,
    EndedAlready,
    OwnRequest,
    PayerChanged,
    TooManyOpen,
    Wish,
    end_mandate,
    give_up_mandate,
    refuse_request,
    take_back_mandate,
    withdraw_request,
)
from skarbnik.payers.models import Mandate, MandateBasis, MandateRequest, Payer
from skarbnik.payers.queries import find_candidates
from skarbnik.payers.states import RequestState
from skarbnik.portal.mandate_mail import tell_decided, tell_ended
from skarbnik.portal.queries import find_payer_of
from skarbnik.testing.factories import PayerFactory, UserFactory, bound_to
from skarbnik.testing.together import together

YESTERDAY, TOMORROW = clock.today() - timedelta(days=1), clock.today() + timedelta(days=1)


def acts(tenant, town, payer="company", day=None):
    with tenant.session() as session:
        found = find_payer_of(session, town[payer], user_id=town["user"], today=day or clock.today())
    return found is not None


def request_of(tenant, request):
    with tenant.session() as session:
        return session.get_one(MandateRequest, request.id)


def test_a_double_click_asks_once_and_another_word_about_the_same_is_refused(ask):
    assert ask().id == ask().id
    with pytest.raises(AskedAlready):
        ask(document="Inny dokument")
    ask(PROXY)
    with pytest.raises(AskedAlready):
        ask(PROXY, name="JAN NOWAK", document="Drugie pełnomocnictwo")


def test_only_five_wait_at_a_time_and_a_decision_or_a_withdrawal_makes_room(tenant, town, ask):
    first, second, *_rest = [ask(PROXY, name=f"Osoba {number}") for number in range(MOST_OPEN)]
    with pytest.raises(TooManyOpen):
        ask(PROXY, name="Szósta")

    with tenant.session() as session:
        withdraw_request(session, first.id, user_id=town["user"])
        refuse_request(session, second.id, reason="Brak dokumentu.", by=town["official"])

    ask(PROXY, name="Szósta")
    ask(PROXY, name="Siódma")
    with pytest.raises(TooManyOpen):
        ask(PROXY, name="Ósma")


def test_two_windows_do_not_ask_for_the_sixth(tenant, ask):
    for number in range(MOST_OPEN - 1):
        ask(PROXY, name=f"Osoba {number}")

    ends = together(*(lambda number=number: ask(PROXY, name=f"Okno {number}") for number in range(4)))

    assert sum(isinstance(end, TooManyOpen) for end in ends) == 3
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(MandateRequest)) == MOST_OPEN


@pytest.mark.parametrize(
    "wish",
    [
        Wish(MandateBasis.SELF, "Dowód", may_pay=True, name="Ja"),
        Wish(MandateBasis.PROXY, "", may_pay=True, name="Ktoś"),
        Wish(MandateBasis.PROXY, "Dokument", may_pay=True),
    ],
)
def test_a_request_says_for_whom_and_with_which_document(tenant, town, ask, wish):
    with pytest.raises(Invalid):
        ask(wish)


def test_a_confirmed_request_lets_act_within_its_days_and_names_who_confirmed(tenant, town, ask, confirm):
    asked = ask()
    assert not acts(tenant, town)

    made = confirm(asked, until_on=TOMORROW, may_pay=False)

    assert (made.confirmed_by, made.may_pay, made.request_id) == (town["official"], False, asked.id)
    assert [acts(tenant, town, day=day) for day in (YESTERDAY, clock.today(), TOMORROW)] == [False, True, True]
    assert not acts(tenant, town, day=TOMORROW + timedelta(days=1))
    assert request_of(tenant, asked).state is RequestState.CONFIRMED


def test_two_officials_decide_once(tenant, town, ask, confirm):
    asked = ask()

    def refuse():
        with tenant.session() as session:
            return refuse_request(session, asked.id, reason="Brak dokumentu.", by=town["second"])

    ends = together(lambda: confirm(asked), refuse, lambda: confirm(asked, by="second"))

    assert sum(isinstance(end, ForbiddenTransition) for end in ends) == 2
    found = request_of(tenant, asked)
    assert found.state in {RequestState.CONFIRMED, RequestState.REFUSED}
    assert acts(tenant, town) == (found.state is RequestState.CONFIRMED)


def test_what_was_withdrawn_is_not_decided_and_what_was_decided_is_not_withdrawn(tenant, town, ask, confirm):
    asked = ask()
    with tenant.session() as session:
        withdraw_request(session, asked.id, user_id=town["user"])
    with pytest.raises(ForbiddenTransition):
        confirm(asked)

    again = ask()
    confirm(again)
    with tenant.session() as session, pytest.raises(ForbiddenTransition):
        withdraw_request(session, again.id, user_id=town["user"])


def test_nobody_withdraws_or_gives_up_what_is_another_persons(tenant, town, ask, confirm):
    asked = ask()
    with tenant.session() as session, bound_to(session):
        other = UserFactory().id
    with tenant.session() as session, pytest.raises(NotFound):
        withdraw_request(session, asked.id, user_id=other)
    made = confirm(asked)
    with tenant.session() as session, pytest.raises(NotFound):
        give_up_mandate(session, made.id, user_id=other)
    assert acts(tenant, town)


@pytest.mark.parametrize("same", ["account", "pesel", "e-mail"])
def test_nobody_decides_what_they_asked_for_under_another_account(tenant, town, ask, same):
    asked = ask()
    with tenant.session() as session:
        resident, official = session.get_one(User, town["user"]), session.get_one(User, town["official"])
        if same == "pesel":
            for each in (resident, official):
                set_pesel(each, tenant, "84051203469")
        if same == "e-mail":
            official.email = resident.email
    by = town["user" if same == "account" else "official"]

    with tenant.session() as session, pytest.raises(OwnRequest):
        refuse_request(session, asked.id, reason="Brak dokumentu.", by=by)
    assert request_of(tenant, asked).state is RequestState.ASKED


def test_two_people_without_a_pesel_are_not_the_same_person(tenant, town, ask, confirm):
    confirm(ask())
    assert acts(tenant, town)


@pytest.mark.parametrize("change", ["merged", "closed"])
def test_a_payer_that_was_merged_or_closed_meanwhile_is_looked_at_again(tenant, town, ask, confirm, change):
    asked = ask()
    with tenant.session() as session:
        payer = session.get_one(Payer, town["company"])
        if change == "merged":
            payer.merged_into = town["person"]
            session.get_one(Payer, town["person"]).merged_from = [payer.id]
        else:
            payer.closed_at = clock.now()

    with pytest.raises(PayerChanged):
        confirm(asked)
    assert request_of(tenant, asked).state is RequestState.ASKED

    confirm(asked, payer_id=town["person"])
    assert acts(tenant, town, "person")


def test_a_merge_after_the_decision_takes_the_right_along(tenant, town, ask, confirm):
    confirm(ask())
    with tenant.session() as session:
        session.get_one(Payer, town["company"]).merged_into = town["person"]
        session.get_one(Payer, town["person"]).merged_from = [town["company"]]
    assert acts(tenant, town, "person")
    assert not acts(tenant, town)


@pytest.mark.parametrize(
    "days",
    [
        {"until_on": YESTERDAY},
        {"from_on": TOMORROW, "until_on": clock.today()},
        {"from_on": YESTERDAY - timedelta(days=5), "until_on": YESTERDAY},
    ],
)
def test_days_that_give_nothing_are_refused(tenant, town, ask, confirm, days):
    asked = ask()
    with pytest.raises(Invalid):
        confirm(asked, **days)
    assert request_of(tenant, asked).state is RequestState.ASKED


def test_both_payers_with_one_nip_are_shown_and_a_name_or_number_finds_others(tenant, town):
    with tenant.session() as session, bound_to(session):
        twin = PayerFactory(name="TARTAK", nip=NIP, source="csv")
        old = PayerFactory(name="Tartak stary", nip=NIP, merged_into=twin.id)
        closed = PayerFactory(name="Tartak zamknięty", nip=NIP, closed_at=clock.now())
        number = PayerFactory(external_id="P-777", name="Zofia Lis").id
    with tenant.session() as session:
        found = find_candidates(session, nip=NIP, wanted="")
        assert {each.id for each in found} == {town["company"], twin.id, old.id, closed.id}
        assert {each.id: each.became_id for each in found}[old.id] == twin.id
        assert {each.id for each in find_candidates(session, nip=None, wanted="P-777")} == {number}
        assert {each.id for each in find_candidates(session, nip=None, wanted="nowak")} == {town["person"]}
        assert find_candidates(session, nip=None, wanted="no") == []


@pytest.mark.parametrize("from_on", [YESTERDAY, clock.today(), TOMORROW])
def test_what_is_ended_is_over_at_once_whenever_it_began(tenant, town, ask, confirm, from_on):
    asked = ask()
    made = confirm(asked, from_on=from_on)

    with tenant.session() as session:
        end_mandate(session, made.id, reason="Odwołano.", by=town["second"])

    assert not any(acts(tenant, town, day=clock.today() + timedelta(days=each)) for each in range(5))
    found = request_of(tenant, asked)
    assert (found.state, found.ended_by, found.reason) == (RequestState.ENDED, town["second"], "Odwołano.")
    with tenant.session() as session, pytest.raises(EndedAlready):
        end_mandate(session, made.id, reason="Jeszcze raz.", by=town["official"])


def test_two_who_end_a_right_at_once_end_it_once(tenant, town, ask, confirm):
    made = confirm(ask())

    def end():
        with tenant.session() as session:
            end_mandate(session, made.id, reason="Odwołano.", by=town["official"])

    def give_up():
        with tenant.session() as session:
            give_up_mandate(session, made.id, user_id=town["user"])

    ends = together(end, give_up, end)
    assert sum(isinstance(each, EndedAlready) for each in ends) == 2
    assert not acts(tenant, town)


def test_a_newer_decision_takes_the_place_of_the_one_before_and_the_story_stays(tenant, town, ask, confirm):
    first = ask()
    confirm(first, until_on=TOMORROW)
    second = ask()
    made = confirm(second, by="second", may_pay=False)

    assert (request_of(tenant, first).state, request_of(tenant, first).ended_by) == (
        RequestState.ENDED,
        town["second"],
    )
    assert (made.request_id, made.may_pay, made.until_on) == (second.id, False, None)
    with tenant.session() as session:
        give_up_mandate(session, made.id, user_id=town["user"])
    third = ask()
    confirm(third)
    assert request_of(tenant, second).ended_by == town["user"]
    assert acts(tenant, town)


def test_a_newer_decision_and_an_end_at_once_do_not_wait_for_each_other_for_ever(tenant, town, ask, confirm):
    made = confirm(ask())
    second = ask()

    def end():
        with tenant.session() as session:
            end_mandate(session, made.id, reason="Odwołano.", by=town["official"])

    confirmed, _ended = together(lambda: confirm(second, by="second"), end)
    assert not isinstance(confirmed, Exception)
    assert acts(tenant, town) == (request_of(tenant, second).state is RequestState.CONFIRMED)


def test_who_somebody_is_nobody_confirms_and_nobody_ends(tenant, town, ask, confirm):
    asked = ask()
    with pytest.raises(Invalid):
        confirm(asked, basis=MandateBasis.SELF)
    with tenant.session() as session:
        own = session.scalars(select(Mandate.id).where(Mandate.user_id == town["user"])).one()
        with pytest.raises(Invalid):
            end_mandate(session, own, reason="x", by=town["official"])
        with pytest.raises(Invalid):
            give_up_mandate(session, own, user_id=town["user"])


def test_an_end_and_a_refusal_say_why(tenant, town, ask, confirm):
    made = confirm(ask())
    asked = ask(PROXY)
    with tenant.session() as session:
        for call in (
            lambda: end_mandate(session, made.id, reason=" ", by=town["official"]),
            lambda: refuse_request(session, asked.id, reason="", by=town["official"]),
        ):
            with pytest.raises(Invalid):
                call()


def test_a_person_takes_back_the_power_of_attorney_they_gave_and_nothing_else(tenant, town, ask, confirm):
    with tenant.session() as session, bound_to(session):
        principal = UserFactory(acts_for=[session.get_one(Payer, town["person"])]).id
    proxy = confirm(ask(PROXY), payer_id=town["person"])
    company = confirm(ask(), payer_id=town["person"])

    def take_back(mandate, by):
        with tenant.session() as session:
            take_back_mandate(session, mandate.id, payer_id=town["person"], by=by)

    for mandate, by in ((proxy, town["user"]), (company, principal)):
        with pytest.raises(NotFound):
            take_back(mandate, by)
    take_back(proxy, principal)

    with tenant.session() as session:
        found = find_payer_of(session, town["person"], user_id=town["user"], today=clock.today())
    assert found.basis == "company"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'confirmed'",
        "state = 'refused', decided_by = user_id, decided_at = now()",
        "state = 'ended'",
        "basis = 'self'",
        "name = NULL, nip = NULL",
        "document = ''",
        "role = 'cat'",
        "payer_id = (SELECT id FROM payers LIMIT 1)",
    ],
)
def test_what_must_never_be_false_the_database_knows(tenant, ask, change):
    asked = ask()
    with pytest.raises(IntegrityError), tenant.session() as session:
        session.execute(text(f"UPDATE mandate_requests SET {change} WHERE id = :id"), {"id": asked.id})


def test_nobody_acts_for_another_without_a_decision(tenant, town):
    with pytest.raises(IntegrityError), tenant.session() as session:
        session.execute(text("UPDATE mandates SET basis = 'proxy'"))


def test_a_decision_rings_the_worker_and_the_mail_holds_nothing_of_anybody(tenant, town, ask, confirm, clean):
    asked = ask()
    made = confirm(asked)
    with tenant.session() as session:
        end_mandate(session, made.id, reason="Odwołano.", by=town["official"])
    with clean.as_admin() as connection:
        rung = connection.execute("SELECT topic, subject_id FROM work.outbox ORDER BY id").fetchall()
    assert rung == [("account.mandate_decided", asked.id), ("account.mandate_ended", asked.id)]

    for tell in (tell_decided, tell_decided, tell_ended, tell_ended):
        tell(tenant, asked.id)

    with tenant.session() as session:
        mails = session.scalars(select(Mail).order_by(Mail.created_at)).all()
        assert [mail.cause for mail in mails] == ["mandate.decided", "mandate.ended"]
        for mail in mails:
            assert mail.recipient == session.get_one(User, town["user"]).email
            for word in ("Tartak", NIP, "Kowalska", "Odwołano", "KRS"):
                assert word not in mail.subject + mail.text


@pytest.mark.parametrize("change", ["email = NULL", "state = 'blocked'"])
def test_who_has_no_address_or_cannot_sign_in_gets_no_mail(tenant, town, ask, confirm, change):
    asked = ask()
    confirm(asked)
    with tenant.session() as session:
        session.execute(text(f"UPDATE users SET {change} WHERE id = :id"), {"id": town["user"]})
    tell_decided(tenant, asked.id)
    with tenant.session() as session:
        assert session.scalars(select(Mail)).all() == []
