"""A resident's pages about acting for others: asking, following, giving up, and never acting on the wrong one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.audit.models import AuditEntry
from skarbnik.payers.mandates import Decision, confirm_request, end_mandate, refuse_request
from skarbnik.payers.models import Mandate, MandateBasis, MandateRequest
from skarbnik.payers.states import RequestState
from skarbnik.payments.models import PaymentLink, PaymentOrder
from skarbnik.plugin_api import Role
from skarbnik.remarks.models import Remark
from skarbnik.testing.factories import (
    PASSWORD,
    InstalmentFactory,
    LiabilityFactory,
    MandateFactory,
    OfficialFactory,
    PayerFactory,
    UserFactory,
    bound_to,
)

COMPANY = {"nip": "526-000-12-46", "role": "board", "document": "Odpis z KRS", "until_on": "", "what_for": "pay"}
PROXY = {
    "name": "Zofia Lis",
    "nip": "",
    "document_on": "2026-11-02",
    "document": "Rep. A 12/2026",
    "until_on": "",
    "what_for": "see",
}


@pytest.fixture
def town(tenant, open_account):
    with tenant.session() as session, bound_to(session):
        own, mother = PayerFactory(name="Anna Kowalska"), PayerFactory(name="Maria Kowalska")
        user = UserFactory(acts_for=[own])
        proxy = MandateFactory(
            user_id=user.id, payer_id=mother.id, basis=MandateBasis.PROXY, until_on=clock.today() + timedelta(days=3)
        )
        debts = {each.id: InstalmentFactory(payer=each) for each in (own, mother)}
        shared = InstalmentFactory(payer=own)
        LiabilityFactory(receivable_id=shared.receivable_id, payer_id=mother.id)
        for number, each in enumerate((*debts.values(), shared)):
            open_account(session, tenant, each.receivable.kind.creditor_account, pos_id=str(300_746 + number))
        principal = UserFactory(name="Maria Kowalska", acts_for=[mother])
        return {
            "own": own.id,
            "mother": mother.id,
            "user": user,
            "principal": principal,
            "proxy": proxy.id,
            "official": OfficialFactory(has_roles=[Role.ACCOUNTANT]).id,
            "debts": debts,
            "shared": shared,
        }


@pytest.fixture
def anna(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["user"].email, PASSWORD)
    browser.get("/acting")
    return browser


@pytest.fixture
def principal(browse, town):
    browser = browse("lipowo")
    browser.sign_in(town["principal"].email, PASSWORD)
    browser.get("/acting")
    return browser


def requests(tenant):
    with tenant.session() as session:
        mine = select(MandateRequest).where(MandateRequest.state != RequestState.CONFIRMED)
        return session.scalars(mine.order_by(MandateRequest.id)).all()


def test_a_resident_asks_for_a_company_follows_it_and_withdraws(anna, tenant):
    anna.get("/acting/ask")
    assert anna.get("/acting/ask?kind=company").status_code == 200
    answer = anna.post("/acting/ask?kind=company", COMPANY)
    assert (answer.status_code, answer.location) == (303, "/acting")

    (made,) = requests(tenant)
    assert (made.nip, made.role, made.wants_pay, made.state) == ("5260001246", "board", True, "asked")
    assert "5260001246" in anna.get("/acting").text
    assert anna.post(f"/acting/requests/{made.id}/withdraw").status_code == 303
    assert requests(tenant)[0].state is RequestState.WITHDRAWN
    assert anna.post(f"/acting/requests/{made.id}/withdraw").status_code == 303
    with tenant.session() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [each for each in actions if each.startswith("mandate.")] == ["mandate.asked", "mandate.request_withdrawn"]


def test_a_resident_asks_as_a_proxy_with_the_document_and_its_day(anna, tenant):
    anna.get("/acting/ask?kind=proxy")
    assert anna.post("/acting/ask?kind=proxy", PROXY).status_code == 303

    (made,) = requests(tenant)
    assert (made.name, made.nip, made.wants_pay) == ("Zofia Lis", None, False)
    assert made.document_on.isoformat() == "2026-11-02"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("company", {"nip": ""}),
        ("company", {"nip": "5260001247"}),
        ("company", {"nip": "526000124"}),
        ("company", {"nip": "٥٢٦٠٠٠١٢٤٦"}),
        ("company", {"role": ""}),
        ("company", {"role": "cat"}),
        ("company", {"document": " "}),
        ("company", {"document": "x" * 301}),
        ("company", {"document": "PESEL 84051203469"}),
        ("company", {"until_on": "2020-01-01"}),
        ("company", {"until_on": "9999-12-31"}),
        ("company", {"until_on": "jutro"}),
        ("company", {"what_for": "own"}),
        ("proxy", {"name": ""}),
        ("proxy", {"name": "84051203469"}),
        ("proxy", {"name": "x" * 201}),
        ("proxy", {"nip": "123"}),
        ("proxy", {"document_on": ""}),
        ("proxy", {"document_on": "2999-01-01"}),
        ("proxy", {"document": ""}),
    ],
)
def test_what_the_office_could_not_use_is_said_at_once(anna, tenant, kind, change):
    anna.get(f"/acting/ask?kind={kind}")
    fields = COMPANY if kind == "company" else PROXY
    assert anna.post(f"/acting/ask?kind={kind}", fields | change).status_code == 422
    assert 'class="note wrong"' in anna.text
    assert requests(tenant) == []


def test_the_same_twice_and_a_sixth_are_refused_in_words(anna, tenant):
    anna.get("/acting/ask?kind=proxy")
    for number in range(5):
        assert anna.post("/acting/ask?kind=proxy", PROXY | {"name": f"Osoba {number}"}).status_code == 303
        anna.get("/acting/ask?kind=proxy")
    for name, document in (("Osoba 1", "Inny"), ("Szósta", "Akt")):
        answer = anna.post("/acting/ask?kind=proxy", PROXY | {"name": name, "document": document})
        assert answer.status_code == 409
        assert 'role="alert"' in answer.text
    assert len(requests(tenant)) == 5


def test_a_refusal_is_read_with_its_reason(anna, town, tenant):
    anna.get("/acting/ask?kind=proxy")
    anna.post("/acting/ask?kind=proxy", PROXY)
    with tenant.session() as session:
        refuse_request(session, requests(tenant)[0].id, reason="Brak podpisu mocodawcy.", by=town["official"])
    assert "Brak podpisu mocodawcy." in anna.get("/acting").text


def test_what_was_confirmed_is_there_with_the_next_click(anna, town, tenant):
    with tenant.session() as session, bound_to(session):
        payer = PayerFactory(name="Tartak sp. z o.o.").id
    anna.get("/acting/ask?kind=company")
    anna.post("/acting/ask?kind=company", COMPANY)
    assert "Tartak" not in anna.get("/dashboard").text
    with tenant.session() as session:
        decision = Decision(payer, MandateBasis.COMPANY, may_pay=True, from_on=clock.today())
        confirm_request(session, requests(tenant)[0].id, decision, by=town["official"])
    assert "Tartak" in anna.get("/dashboard").text


def test_one_gives_up_a_right_and_nobody_elses(anna, principal, town, tenant):
    assert principal.post(f"/acting/mandates/{town['proxy']}/give-up").status_code == 404
    anna.post("/acting", {"payer": str(town["mother"])})
    assert anna.post(f"/acting/mandates/{town['proxy']}/give-up").status_code == 303
    assert "Maria Kowalska" not in anna.get("/dashboard").text
    anna.get("/acting")
    assert anna.post(f"/acting/mandates/{town['proxy']}/give-up").status_code == 303


def test_a_person_sees_who_acts_for_them_and_ends_it_at_once(anna, principal, town):
    anna.post("/acting", {"payer": str(town["mother"])})
    mothers = f"/receivables/{town['debts'][town['mother']].receivable_id}"
    assert anna.get(mothers).status_code == 200
    assert f"/acting/given/{town['proxy']}/end" in principal.get("/acting").text
    assert town["user"].name in principal.text

    assert principal.post(f"/acting/given/{town['proxy']}/end").status_code == 303

    assert anna.get(mothers).status_code == 404
    assert "/given/" not in principal.get("/acting").text


def test_a_proxy_neither_sees_nor_ends_the_rights_of_others(anna, town, tenant):
    with tenant.session() as session, bound_to(session):
        other = UserFactory(name="Piotr Inny")
        right = MandateFactory(user_id=other.id, payer_id=town["mother"], basis=MandateBasis.PROXY).id
    anna.post("/acting", {"payer": str(town["mother"])})
    assert "Piotr Inny" not in anna.get("/acting").text
    assert anna.post(f"/acting/given/{right}/end").status_code == 404


def test_the_header_switches_with_one_click_and_says_as_what_and_until_when(anna, town):
    page = anna.get("/dashboard").text
    header = page[page.index("<header") : page.index("</header>")]
    last = clock.today() + timedelta(days=3)
    assert '<details class="switch">' in header
    assert f'name="payer" value="{town["mother"]}"' in header
    assert f"{last.day:02d}.{last.month:02d}.{last.year}" in header
    assert anna.post("/acting", {"payer": str(town["mother"])}).status_code == 303
    page = anna.get("/dashboard").text
    assert f'name="payer" value="{town["own"]}"' in page


@pytest.mark.parametrize(("others", "menu"), [(0, False), (1, True), (4, True), (5, False)])
def test_with_two_to_five_payers_the_header_has_a_menu_and_with_more_a_page(browse, tenant, others, menu):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(acts_for=[PayerFactory(name=f"Płatnik {number}") for number in range(others + 1)])
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    header = browser.get("/dashboard").text.partition("</header>")[0]
    assert ('class="switch"' in header) == menu
    assert header.count('name="payer"') == (others if menu else 0)
    assert 'href="/acting"' in header


def test_whom_one_acts_for_is_looked_for_and_comes_in_pages(browse, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory(acts_for=[PayerFactory(name=f"Płatnik {number:02}") for number in range(45)])
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    first, third = browser.get("/acting").text, browser.get("/acting?page=3").text
    assert "Płatnik 19" in first
    assert "Płatnik 20" not in first.partition("<main")[2]
    assert "Płatnik 44" in third
    assert "Płatnik 31" in browser.get("/acting?q=tnik+31").text
    assert "Płatnik 32" not in browser.text.partition("<main")[2]


def form(instalment, acting):
    return {
        "request_key": str(uuid4()),
        "i": [str(instalment.id)],
        "p": ["10000"],
        "n": ["0"],
        "k": ["0"],
        "acting": str(acting),
    }


def made(tenant, model):
    with tenant.session() as session:
        return session.scalars(select(model)).all()


def test_a_page_shown_for_another_payer_orders_nothing_after_a_switch_in_another_window(anna, town, tenant):
    """Both may owe the same instalment, so that the amounts alone would not tell."""
    page = anna.get(f"/payments/new?i={town['shared'].id}").text
    assert f'name="acting" value="{town["own"]}"' in page
    kept = form(town["shared"], town["own"])
    anna.post("/acting", {"payer": str(town["mother"])})

    answer = anna.post("/payments", kept)

    assert answer.status_code == 409
    assert "Maria Kowalska" in answer.text
    assert made(tenant, PaymentOrder) == []
    assert f'name="payer" value="{town["own"]}"' in answer.text  # one click leads back

    anna.post("/acting", {"payer": str(town["own"])})
    assert anna.post("/payments", kept).status_code == 303
    assert [each.payer_id for each in made(tenant, PaymentOrder)] == [town["own"]]


@pytest.mark.parametrize(
    ("path", "fields", "model"),
    [
        ("/payments/new", {}, PaymentOrder),
        ("/payments/AAAAA-AAAAA/pay", {"rest": "10000"}, PaymentOrder),
        ("/payments/links", {}, PaymentLink),
        ("/payments/links/00000000-0000-4000-8000-000000000000/revoke", {}, PaymentLink),
        ("/remarks/new", {"topic": "name", "text": "Błąd"}, Remark),
    ],
)
def test_no_form_acts_on_the_wrong_payer(anna, town, tenant, path, fields, model):
    anna.post("/acting", {"payer": str(town["mother"])})
    shown = {"acting": str(town["own"]), "instalment": str(town["shared"].id), "i": str(town["shared"].id)}
    assert anna.post(path, fields | shown).status_code == 409
    assert made(tenant, model) == []


def test_a_right_that_ended_since_the_page_was_shown_orders_nothing(anna, town, tenant):
    anna.post("/acting", {"payer": str(town["mother"])})
    kept = form(town["debts"][town["mother"]], town["mother"])
    with tenant.session() as session:
        end_mandate(session, town["proxy"], reason="Odwołano.", by=town["official"])

    answer = anna.post("/payments", kept)

    assert answer.status_code == 409
    assert f'value="{town["mother"]}"' not in answer.text
    assert made(tenant, PaymentOrder) == []


def test_every_form_of_a_payer_says_for_whom_it_was_shown(anna, town):
    for path in (f"/payments/new?i={town['shared'].id}", "/remarks/new"):
        page = anna.get(path).text.partition("<main")[2]
        posts = page.count('<form method="post"')
        assert posts == page.count('name="acting"') > 0, path


def test_who_may_only_see_is_told_so_before_anything_is_filled_in(browse, town, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
        MandateFactory(user_id=user.id, payer_id=town["own"], basis=MandateBasis.PROXY, may_pay=False)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    answer = browser.get(f"/payments/new?i={town['shared'].id}")
    assert (answer.status_code, answer.location) == (303, "/receivables")


def test_of_two_rights_for_one_payer_the_one_that_gives_more_counts(browse, tenant, town):
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
        MandateFactory(user_id=user.id, payer_id=town["own"], basis=MandateBasis.PROXY, may_pay=False)
        MandateFactory(user_id=user.id, payer_id=town["own"], basis=MandateBasis.COMPANY)
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    assert browser.get(f"/payments/new?i={town['shared'].id}").status_code == 200


def test_officials_and_strangers_have_no_such_pages(browse, tenant, town):
    with tenant.session() as session, bound_to(session):
        official = OfficialFactory(has_roles=list(Role))
    browser = browse("lipowo")
    assert browser.get("/acting/ask").status_code == 303
    browser.sign_in(official.email, PASSWORD, office=True)
    assert browser.get("/acting/ask").status_code == 404
    assert browser.post(f"/acting/mandates/{town['proxy']}/give-up").status_code == 404
    with tenant.session() as session:
        assert session.scalar(text("SELECT count(*) FROM mandates WHERE until_on < CURRENT_DATE")) == 0
        assert session.get_one(Mandate, town["proxy"]).until_on > clock.today()


def test_who_may_only_see_is_offered_nothing_to_pay(browse, town, tenant):
    with tenant.session() as session, bound_to(session):
        user = UserFactory()
        MandateFactory(user_id=user.id, payer_id=town["own"], basis=MandateBasis.PROXY, may_pay=False)
    browser, payer = browse("lipowo"), browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    payer.sign_in(town["user"].email, PASSWORD)
    for path in ("/dashboard", "/receivables", f"/receivables/{town['shared'].receivable_id}"):
        assert "btn-main" in payer.get(path).text, path
        assert "btn-main" not in browser.get(path).text, path


def test_who_proved_their_pesel_is_not_sent_to_the_office_once_more(browse, tenant):
    """The finance system has nothing of theirs: another visit with an identity card changes nothing."""
    with tenant.session() as session, bound_to(session):
        known, unknown = UserFactory(), UserFactory()
        session.get_one(User, known.id).pesel_hash, session.get_one(User, known.id).pesel_key = uuid4(), 1
    pages = {}
    for user in (known, unknown):
        browser = browse("lipowo")
        browser.sign_in(user.email, PASSWORD)
        pages[user] = browser.get("/no-payer").text.partition("<main")[2]
    assert "PESEL" in pages[known]
    assert "PESEL" not in pages[unknown]
