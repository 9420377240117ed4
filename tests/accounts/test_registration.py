"""Somebody registers: the address is proven first, strangers learn nothing, and who does not come vanishes."""

import io
import re
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from skarbnik import clock
from skarbnik.accounts import registration
from skarbnik.accounts.models import Registration, User, UserState
from skarbnik.errors import NotFound
from skarbnik.outbox import Again
from skarbnik.testing.factories import PASSWORD, UserFactory, bound_to


def rows(tenant):
    with tenant.session() as session:
        return session.scalars(select(Registration).order_by(Registration.id)).all()


def test_who_registers_proves_the_address_and_gets_a_number_to_read_aloud(fill_in, link_in, tenant):
    browser, answer = fill_in(email="Jan@Example.pl")
    assert answer.headers["Location"] == "/register/sent"
    path = link_in("account.prove")
    assert "jan@example.pl" in browser.get(path).text

    assert browser.post(path, {"password": PASSWORD}).status_code == 303

    (row,) = rows(tenant)
    assert row.email == "jan@example.pl"
    assert row.proven_at is not None
    assert f"{row.number[:4]} {row.number[4:]}" in browser.get(path).text
    with tenant.session() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0


def test_a_known_address_gets_the_same_answer_and_another_letter(fill_in, letters, tenant):
    with tenant.session() as session, bound_to(session):
        email = UserFactory().email
    known, to_known = fill_in(email=email)
    unknown, to_unknown = fill_in(email="nikt@example.pl")

    assert (to_known.status_code, to_known.headers["Location"]) == (303, to_unknown.headers["Location"])
    assert known.get("/register/sent").text.count("\n") == unknown.get("/register/sent").text.count("\n")
    assert [(each.cause, each.recipient) for each in letters()] == [
        ("account.known", email),
        ("account.prove", "nikt@example.pl"),
    ]
    assert "/register/" not in letters("account.known")[0].text
    assert [each.email for each in rows(tenant)] == ["nikt@example.pl"]


def test_a_known_address_costs_the_same_work(fill_in, tenant, monkeypatch):
    """The password is hashed either way: it is what takes the time."""
    hashed = []
    real = registration.hash_password
    monkeypatch.setattr(registration, "hash_password", lambda password: hashed.append(1) or real(password))
    with tenant.session() as session, bound_to(session):
        email = UserFactory().email

    fill_in(email=email)
    fill_in(email="nikt@example.pl")

    assert len(hashed) == 2


def test_a_stranger_who_registers_somebody_elses_address_gets_nowhere(fill_in, link_in, tenant):
    """The owner follows the link, and does not know the stranger's password: nothing is proven."""
    fill_in(password="hasło obcego człowieka", again="hasło obcego człowieka")
    path = link_in("account.prove")
    browser, _answer = fill_in()
    browser.get(path)

    assert browser.post(path, {"password": PASSWORD}).status_code == 422
    assert [each.proven_at for each in rows(tenant)] == [None, None]


def test_proving_ends_what_others_began_with_the_address(fill_in, link_in, tenant):
    fill_in(password="hasło obcego człowieka", again="hasło obcego człowieka")
    browser, _answer = fill_in()
    path = link_in("account.prove")
    browser.get(path)
    browser.post(path, {"password": PASSWORD})

    (row,) = rows(tenant)
    assert row.proven_at is not None


def test_two_tabs_prove_the_same_address_once(fill_in, link_in, tenant):
    fill_in()
    path = link_in("account.prove")
    secret = path.rpartition("/")[2]
    with tenant.session() as first, tenant.session() as second:
        one = registration.prove(first, secret, PASSWORD)
        first.commit()
        other = registration.prove(second, secret, PASSWORD)
    assert one.number == other.number
    assert one.expires_at == other.expires_at


def test_an_account_that_was_made_meanwhile_keeps_its_address(fill_in, link_in, tenant):
    browser, _answer = fill_in()
    path = link_in("account.prove")
    browser.get(path)
    with tenant.session() as session, bound_to(session):
        UserFactory(email="jan@example.pl")

    assert browser.post(path, {"password": PASSWORD}).headers["Location"] == "/sign-in"
    assert [each.proven_at for each in rows(tenant)] == [None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 121},
        {"email": "jan"},
        {"email": f"{'x' * 120}@example.pl"},
        {"again": "other words here"},
        {"password": "jan.nowak1", "again": "jan.nowak1"},
        {"terms": ""},
        {"version": "of yesterday"},
    ],
)
def test_what_cannot_be_registered_is_said_and_kept_nowhere(fill_in, letters, tenant, wrong):
    _browser, answer = fill_in(**wrong)
    assert answer.status_code == 422
    assert "aria-invalid" in answer.text or "error" in answer.text
    assert rows(tenant) == []
    assert letters() == []


def test_the_declaration_is_tagged_and_names_the_number_but_no_pesel(fill_in, link_in, tenant):
    browser, _answer = fill_in(name="Zażółć Gęślą-Jaźń")
    path = link_in("account.prove")
    browser.get(path)
    assert browser.get(f"{path}/declaration").status_code == 404
    browser.post(path, {"password": PASSWORD})

    paper = PdfReader(io.BytesIO(browser.get(f"{path}/declaration").data))

    text = " ".join(page.extract_text() for page in paper.pages)
    (row,) = rows(tenant)
    assert f"{row.number[:4]} {row.number[4:]}" in text
    assert "Zażółć Gęślą-Jaźń" in text
    assert tenant.name in text
    assert not re.search(r"\d{11}", text)
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert paper.trailer["/Root"]["/Lang"].startswith("pl")
    assert len(paper.pages) == 1


def test_nobody_else_learns_the_address_of_a_registration(fill_in, link_in, browse, neighbour):
    fill_in()
    path = link_in("account.prove")
    answer = browse("lipowo").get(path)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert browse("debina").get(path).status_code == 404


def test_who_does_not_come_vanishes(fill_in, link_in, tenant, monkeypatch):
    """A week for the address, then sixty days for the desk; the errand comes back instead of looking around."""
    fill_in()
    secret = link_in("account.prove").rpartition("/")[2]
    (row,) = rows(tenant)
    assert registration.remove_due(tenant, row.id) == Again(row.expires_at)
    with tenant.session() as session:
        proven = registration.prove(session, secret, PASSWORD)
    assert registration.remove_due(tenant, row.id) == Again(proven.expires_at)
    assert proven.expires_at - proven.proven_at == timedelta(days=60)

    later = proven.expires_at + timedelta(seconds=1)
    monkeypatch.setattr("skarbnik.accounts.registration.clock.now", lambda: later)

    with tenant.session() as session, pytest.raises(NotFound):
        registration.find_registration(session, secret)
    assert registration.remove_due(tenant, row.id) is None
    assert rows(tenant) == []
    assert registration.remove_due(tenant, row.id) is None


def test_letters_to_one_address_are_few(limits, fill_in):
    answers = [fill_in()[1].status_code for _each in range(6)]
    assert answers == [303] * 5 + [429]


def test_passwords_that_were_refused_use_up_no_letter(limits, fill_in):
    weak = {"password": "password123", "again": "password123"}
    answers = [fill_in(**weak)[1].status_code for _each in range(6)]
    assert answers == [422] * 6

    assert fill_in()[1].status_code == 303


def test_strangers_a_gmina_writes_to_are_not_endless(limits, browse, tenant, neighbour, monkeypatch):
    monkeypatch.setattr("skarbnik.accounts.registration_views.MOST_LETTERS", "3 per hour")

    def register(number, slug="lipowo", **changes):
        browser = browse(slug)
        version = re.search(r'name="version"[^>]*value="([^"]*)"', browser.get("/register").text)[1]
        fields = {"name": "Jan Nowy", "email": f"jan{number}@example.pl", "password": PASSWORD, "again": PASSWORD}
        fields |= {"terms": "y", "version": version} | changes
        return browser.post("/register", fields, environ_overrides={"REMOTE_ADDR": f"198.51.100.{number}"}).status_code

    assert [register(number, again="x") for number in range(4)] == [422] * 4  # nobody was written to
    assert [register(number) for number in range(4)] == [303, 303, 303, 429]
    assert register(5, slug="debina") == 303


def test_somebody_who_registered_signs_in_only_after_the_desk(registered, browse, tenant):
    assert browse("lipowo").sign_in("jan@example.pl", PASSWORD).status_code == 422
    with tenant.session() as session:
        assert session.scalars(select(User).where(User.state == UserState.ACTIVE)).all() == []
        assert registration.get_waiting(session, registered).created_at <= clock.now()


def test_who_gets_an_account_elsewhere_is_told_before_filling_anything_in(lipowo, provider, browse):
    """Profil Zaufany makes an account at once: nobody walks to the office for want of a sentence."""
    for path in ("/register", "/sign-in"):
        without_buttons = re.sub(r"<button.*?</button>", "", browse("lipowo").get(path).text)
        assert provider.label in without_buttons, path
        assert provider.label not in browse("debina").get(path).text, path


def test_what_is_wrong_is_told_in_the_order_of_the_page_and_the_terms_like_any_field(browse):
    browser = browse("lipowo")
    browser.get("/register")

    page = browser.post("/register", {}).text

    assert re.findall(r'<li><a href="#(\w+)"', page) == ["name", "email", "password", "terms"]
    assert re.search(r'<input[^>]*aria-invalid="true"[^>]*name="terms"', page)
