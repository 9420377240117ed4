"""An operator comes into a gmina only when it agreed, sees no more than that, and stands in its trail."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import g
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.audit.models import AuditEntry
from skarbnik.mail.models import Mail
from skarbnik.operator import services, support
from skarbnik.operator.models import SupportAccess
from skarbnik.operator.states import NEXT, SupportState, step
from skarbnik.operator.support_person import IDLE, SupportPerson, load_anybody
from skarbnik.plugin_api import Permission, Role, Support
from skarbnik.testing.browser import Browser
from skarbnik.testing.factories import PASSWORD, UserFactory, bound_to
from skarbnik.testing.together import together
from skarbnik.web.access import find_access

WHY = "Plik z 27 listopada nie wchodzi"


def asks(browser, tenant, *, reason=WHY, hours=4, scope="look"):
    """The operator asks on the page of the gmina; the id of the access."""
    browser.get(f"/operator/gminas/{tenant.id}")
    words = {"reason": reason, "hours": hours, "scope": scope}
    answer = browser.post(f"/operator/gminas/{tenant.id}/support", words)
    assert answer.status_code == 303, answer.text
    with tenant.session() as session:
        return session.scalars(select(SupportAccess.id).order_by(SupportAccess.id.desc()).limit(1)).one()


def answers(official, access_id, what="agree"):
    official.get("/office/support")
    return official.post(f"/office/support/{access_id}/{what}")


def link_of(browser, tenant, access_id):
    """The link the bare host makes; None when it makes none."""
    browser.get(f"/operator/gminas/{tenant.id}")
    page = browser.post(f"/operator/gminas/{tenant.id}/support/{access_id}/enter")
    found = re.search(r'href="https://[^/"]+(/office/support/enter/[^"]+)"', page.text)
    return found[1] if found else None


def goes_in(app, tenant, link):
    """Another browser tab, on the gmina's host."""
    inside = Browser(app, tenant.slug)
    inside.get(link)
    inside.answer = inside.post(link)
    return inside


def state_of(tenant, access_id):
    with tenant.session() as session:
        return session.get_one(SupportAccess, access_id).state


def trail(tenant, like="support.%"):
    with tenant.session() as session:
        found = select(AuditEntry).where(AuditEntry.action.like(like)).order_by(AuditEntry.id)
        return session.scalars(found).all()


@pytest.fixture
def let_in(app, operators, office, tenant):
    """`let_in()`: an operator inside Lipowo, the browser of the administrator, the access."""

    def make(**words):
        operator, _secret, browser = operators("ola")
        administrator = office(tenant)
        access_id = asks(browser, tenant, **words)
        answers(administrator, access_id)
        inside = goes_in(app, tenant, link_of(browser, tenant, access_id))
        assert inside.answer.location == "/office/", inside.answer.text
        inside.operator, inside.access_id, inside.bare, inside.administrator = (
            operator, access_id, browser, administrator,
        )  # fmt: skip
        return inside

    return make


def test_an_operator_looks_after_an_administrator_agreed(let_in):
    inside = let_in()
    assert inside.get("/office/").status_code == 200
    assert "Ola O." in inside.text
    assert WHY in inside.text
    assert inside.get("/office/payments").status_code == 200
    assert inside.get("/office/audit").status_code == 404
    assert inside.get("/profile").status_code == 404


def test_before_that_nobody_looks_and_every_official_sees_the_question(app, operators, office, tenant):
    _operator, _secret, browser = operators()
    accountant = office(tenant, Role.ACCOUNTANT)
    access_id = asks(browser, tenant)
    assert link_of(browser, tenant, access_id) is None
    assert WHY in accountant.get("/office/").text
    assert "/office/support" in accountant.text
    assert accountant.get("/office/support").status_code == 200
    for what in ("agree", "refuse", "end"):
        assert accountant.post(f"/office/support/{access_id}/{what}").status_code == 404
    assert accountant.post("/office/support/setting", {"way": "at_once"}).status_code == 404
    assert state_of(tenant, access_id) is SupportState.ASKED


def test_a_gmina_that_refuses_lets_nobody_in(operators, office, tenant):
    _operator, _secret, browser = operators()
    administrator = office(tenant)
    access_id = asks(browser, tenant)
    assert answers(administrator, access_id, "refuse").status_code == 303
    assert link_of(browser, tenant, access_id) is None
    assert WHY not in administrator.get("/office/payments").text
    assert answers(administrator, access_id).status_code == 303
    assert state_of(tenant, access_id) is SupportState.REFUSED


def test_a_question_nobody_answers_is_over_after_three_days(operators, office, tenant, monkeypatch):
    _operator, _secret, browser = operators()
    administrator = office(tenant)
    access_id = asks(browser, tenant)
    then = clock.now() + support.WAITS + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: then)
    with tenant.session() as session, pytest.raises(support.Over):
        support.agree(session, access_id, by=uuid4())
    monkeypatch.undo()
    assert WHY in administrator.get("/office/payments").text  # it is not over yet


def test_administrators_get_one_mail_each_and_nobody_else_does(operators, office, tenant):
    first, second = office(tenant), office(tenant)
    office(tenant, Role.ACCOUNTANT)
    _operator, _secret, browser = operators()
    access_id = asks(browser, tenant)
    answers(first, access_id)
    with tenant.session() as session:
        mails = session.scalars(select(Mail).order_by(Mail.id)).all()
    assert {mail.recipient for mail in mails} == {first.email, second.email}
    assert len(mails) == 2
    assert all(WHY in mail.text and tenant.url("/office/support") in mail.text for mail in mails)


def test_at_once_and_announced_when_the_office_chose_so(app, operators, office, tenant):
    administrator = office(tenant)
    administrator.get("/office/support")
    assert administrator.post("/office/support/setting", {"way": "at_once"}).status_code == 303
    _operator, _secret, browser = operators()
    access_id = asks(browser, tenant)
    inside = goes_in(app, tenant, link_of(browser, tenant, access_id))
    assert inside.get("/office/").status_code == 200
    assert WHY in administrator.get("/office/payments").text
    with tenant.session() as session:
        assert session.scalars(select(Mail)).one().recipient == administrator.email
    assert [each.action for each in trail(tenant)][:3] == ["support.setting_changed", "support.asked", "support.let_in"]


def test_an_administrator_ends_it_and_the_next_click_is_nobodys(let_in, tenant, app):
    inside = let_in()
    answers(inside.administrator, inside.access_id, "end")
    assert inside.get("/office/").location.startswith("/office/sign-in")
    assert inside.get("/office/payments").status_code == 303
    page = inside.get(inside.get("/office/payments").location).text
    assert f'href="https://skarbnik.test/operator/gminas/{tenant.id}"' in page  # they have no account at this door
    assert "Zaloguj się, aby zobaczyć" not in page
    assert "/operator/" not in app.test_client().get("/office/sign-in", base_url="https://lipowo.skarbnik.test").text


def test_it_ends_by_itself(let_in, monkeypatch):
    inside = let_in(hours=1)
    now = clock.now()
    with_use = now + timedelta(minutes=29)
    monkeypatch.setattr(clock, "now", lambda: with_use)
    assert inside.get("/office/payments").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=58))
    assert inside.get("/office/payments").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=61))
    assert inside.get("/office/payments").status_code == 303


def test_an_idle_operator_is_out(let_in, monkeypatch):
    inside = let_in(hours=24)
    later = clock.now() + IDLE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert inside.get("/office/payments").status_code == 303


def test_a_blocked_operator_is_out_of_every_gmina(lab, let_in):
    inside = let_in()
    services.set_blocked(lab.instance.owner_engine(), email=inside.operator.email, blocked=True)
    assert inside.get("/office/payments").status_code == 303


def test_the_operator_gives_it_back(let_in, tenant):
    inside = let_in()
    inside.bare.get(f"/operator/gminas/{tenant.id}")
    path = f"/operator/gminas/{tenant.id}/support/{inside.access_id}/withdraw"
    assert inside.bare.post(path).status_code == 303
    assert inside.get("/office/payments").status_code == 303
    assert state_of(tenant, inside.access_id) is SupportState.ENDED


@pytest.mark.parametrize("what", ["end", "refuse"])
def test_what_is_over_is_not_given_back_and_nobody_writes_that_it_was(lab, operators, office, tenant, what):
    _ola, _secret, browser = operators("ola")
    administrator = office(tenant)
    access_id = asks(browser, tenant)
    answers(administrator, access_id, what)

    browser.get(f"/operator/gminas/{tenant.id}")
    browser.post(f"/operator/gminas/{tenant.id}/support/{access_id}/withdraw")

    assert "support.withdrawn" not in [each.action for each in trail(tenant)]
    with lab.as_admin() as admin:
        acts = admin.execute("SELECT action FROM platform.operator_acts WHERE action LIKE 'support.%'").fetchall()
    assert acts == [("support.asked",)]


def test_leaving_ends_the_session_and_not_the_access(app, let_in, tenant):
    inside = let_in()
    cookie = inside.client.get_cookie("__Host-skarbnik-session", domain="lipowo.skarbnik.test").value
    inside.get("/office/payments")
    assert inside.post("/office/support/leave").status_code == 200
    copied = Browser(app, "lipowo")
    copied.client.set_cookie("__Host-skarbnik-session", cookie, domain="lipowo.skarbnik.test", secure=True)
    assert copied.get("/office/payments").status_code == 303
    again = goes_in(app, tenant, link_of(inside.bare, tenant, inside.access_id))
    assert again.get("/office/payments").status_code == 200


def test_a_link_works_once_and_for_a_minute(app, let_in, tenant, monkeypatch):
    inside = let_in()
    link = link_of(inside.bare, tenant, inside.access_id)
    looked = Browser(app, "lipowo")
    assert looked.get(link).status_code == 200  # looking at it changes nothing
    assert "no-referrer" in looked.get(link).headers["Referrer-Policy"]
    assert goes_in(app, tenant, link).answer.status_code == 303
    assert goes_in(app, tenant, link).answer.status_code == 404
    late = link_of(inside.bare, tenant, inside.access_id)
    later = clock.now() + support.LINK + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert goes_in(app, tenant, late).answer.status_code == 404


def test_a_newer_link_and_a_newer_session_end_the_ones_before(app, let_in, tenant):
    inside = let_in()
    old, new = (link_of(inside.bare, tenant, inside.access_id) for _time in range(2))
    assert goes_in(app, tenant, old).answer.status_code == 404
    assert goes_in(app, tenant, new).get("/office/").status_code == 200
    assert inside.get("/office/").status_code == 303


def test_a_link_is_nothing_elsewhere_for_another_access_or_after_the_end(app, let_in, operators, tenant, neighbour):
    inside = let_in()
    link = link_of(inside.bare, tenant, inside.access_id)
    _ewa, _secret, other = operators("ewa")
    foreign = asks(other, tenant)
    answers(inside.administrator, foreign)
    assert goes_in(app, neighbour, link).answer.status_code == 404
    assert goes_in(app, tenant, link.replace(str(inside.access_id), str(foreign))).answer.status_code == 404
    answers(inside.administrator, inside.access_id, "end")
    assert goes_in(app, tenant, link).answer.status_code == 404


def test_nobody_makes_a_link_for_another_operators_access(let_in, operators, tenant, neighbour):
    inside = let_in()
    _ewa, _secret, other = operators("ewa")
    for what in ("enter", "withdraw"):
        other.get(f"/operator/gminas/{tenant.id}")
        inside.bare.get(f"/operator/gminas/{tenant.id}")
        assert other.post(f"/operator/gminas/{tenant.id}/support/{inside.access_id}/{what}").status_code == 404
        path = f"/operator/gminas/{neighbour.id}/support/{inside.access_id}/{what}"
        assert inside.bare.post(path).status_code == 404
    assert state_of(tenant, inside.access_id) is SupportState.AGREED


def test_a_session_is_nothing_in_another_gmina(app, let_in, neighbour):
    inside = let_in()
    cookie = inside.client.get_cookie("__Host-skarbnik-session", domain="lipowo.skarbnik.test").value
    there = Browser(app, "debina")
    for value in (cookie, cookie[:-1] + "x", f"support.{uuid4().hex}.abc", "support..", "support.x.y"):
        there.client.set_cookie("__Host-skarbnik-session", value, domain="debina.skarbnik.test", secure=True)
        assert there.get("/office/").status_code == 303
    assert trail(neighbour) == []


def test_an_official_of_another_gmina_answers_nothing(operators, office, tenant, neighbour):
    _operator, _secret, browser = operators()
    access_id = asks(browser, tenant)
    stranger = office(neighbour)
    for what in ("agree", "refuse", "end"):
        stranger.get("/office/support")
        assert stranger.post(f"/office/support/{access_id}/{what}").status_code == 404
    assert WHY not in stranger.get("/office/support").text
    assert state_of(tenant, access_id) is SupportState.ASKED


def test_one_access_at_a_time(operators, tenant):
    _operator, _secret, browser = operators()
    asks(browser, tenant)
    asks(browser, tenant, reason="Drugi raz")
    with tenant.session() as session:
        assert session.scalars(select(SupportAccess.reason)).all() == [WHY]


@pytest.mark.parametrize("words", [{"reason": " "}, {"reason": "x" * 201}, {"hours": 48}, {"scope": "everything"}])
def test_a_question_without_sense_is_not_asked(operators, tenant, words):
    _operator, _secret, browser = operators()
    browser.get(f"/operator/gminas/{tenant.id}")
    given = {"reason": WHY, "hours": 1, "scope": "look", **words}
    assert browser.post(f"/operator/gminas/{tenant.id}/support", given).status_code == 422
    assert trail(tenant) == []


def test_each_page_an_operator_opens_stands_in_the_trail_with_ids_only(let_in, tenant):
    inside = let_in()
    inside.get("/office/payments")
    inside.get("/office/audit")  # not theirs: asked for all the same
    mine = [each for each in trail(tenant) if each.action == "support.opened"]
    assert [each.subject for each in mine] == ["page:office.payments_list", "page:office.audit"]
    assert {(each.actor, each.actor_id, each.subject_id) for each in mine} == {
        ("operator", inside.operator.id, inside.access_id)
    }
    (looked,) = trail(tenant, "payments.listed")
    assert (looked.actor, looked.actor_id) == ("operator", inside.operator.id)
    assert [each.action for each in trail(tenant)][:3] == ["support.asked", "support.agreed", "support.entered"]
    page = inside.administrator.get("/office/audit?who=operator").text
    assert "Ola O. (operator)" in page
    assert "Ola O. (operator)" in inside.administrator.get(f"/office/audit?who={inside.operator.id}").text
    inside.administrator.get("/office/audit?who=operator&act=support")
    assert "page:office" not in inside.administrator.text  # in words, not codes


def test_the_operators_side_tells_who_asked_where(lab, let_in, tenant):
    inside = let_in()
    with lab.as_admin() as admin:
        found = admin.execute(
            "SELECT action, operator_id, tenant_id, access_id FROM platform.operator_acts"
            " WHERE action LIKE 'support.%' ORDER BY id"
        ).fetchall()
    assert found == [
        (action, inside.operator.id, tenant.id, inside.access_id) for action in ("support.asked", "support.link_made")
    ]
    assert "Gmina Lipowo" in inside.bare.get("/operator/trail").text


def test_what_an_operator_changes_is_written_down_as_theirs(let_in, tenant):
    inside = let_in(scope="administer")
    inside.get("/office/content/news/awaria/pl")
    words = {"title": "Przerwa", "body": "W sobotę.", "version": "0"}
    assert inside.post("/office/content/news/awaria/pl", words).status_code == 303, inside.text
    (saved,) = trail(tenant, "article.saved")
    assert (saved.actor, saved.actor_id) == ("operator", inside.operator.id)


# What a support session may is declared by permissions. These are all there are that it has.
OPEN_TO_LOOKING = {
    "office.enter", "receivables.see_any", "exchange.see", "payments.see_any", "payments.see_money",
    "accounts.see_people",
    "surveys.see",
}  # fmt: skip
OPEN_TO_ADMINISTERING = {"content.edit", "exchange.set"}


def permissions(app):
    for rule in app.url_map.iter_rules():
        access = find_access(app, rule.endpoint)
        if access is not None and access.permission is not None:
            yield rule, access.permission


def person(scope):
    return SupportPerson(uuid4(), "Ola", scope, uuid4(), ())


def test_only_what_says_so_is_open_to_operators(app):
    found = {(permission.name, permission.support) for _rule, permission in permissions(app) if permission.support}
    assert found == {(name, Support.LOOK) for name in OPEN_TO_LOOKING} | {
        (name, Support.ADMINISTER) for name in OPEN_TO_ADMINISTERING
    }
    everything = Permission("x", residents=True, roles=frozenset(Role))
    assert not person(Support.LOOK).may(everything)
    assert not person(Support.ADMINISTER).may(everything)


def test_who_looks_sends_no_form_and_takes_no_file(app):
    looking = [rule for rule, permission in permissions(app) if person(Support.LOOK).may(permission)]
    assert len(looking) > 20
    assert [rule.rule for rule in looking if "POST" in rule.methods] == []
    assert [rule.rule for rule in looking if re.search(r"file|export|\.csv|protocol|download", rule.rule)] == []


@pytest.mark.parametrize("scope", list(Support))
def test_every_route_of_the_office_is_closed_to_support_unless_its_permission_says_otherwise(app, let_in, scope):
    inside, values = let_in(scope=scope, hours=24), {"uuid": str(uuid4()), "string": "x"}
    inside.get("/office/")
    seen = 0
    for rule, permission in sorted(permissions(app), key=lambda each: each[0].rule):
        if person(scope).may(permission):
            continue
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: values[found[1] or "string"], rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = inside.get(path) if method == "GET" else inside.post(path)
            assert answer.status_code == 404, (method, rule.rule)
            seen += 1
    assert seen > 80
    assert inside.get("/office/").status_code == 200


def test_agreeing_and_refusing_in_the_same_moment_is_one_of_them(operators, office, tenant):
    _operator, _secret, browser = operators()
    administrator = office(tenant)
    with tenant.session() as session:
        by = session.scalars(select(User.id).where(User.email == administrator.email)).one()
    access_id = asks(browser, tenant)

    def decide(what):
        with tenant.session() as session:
            return what(session, access_id, by=by).state

    ends = together(lambda: decide(support.agree), lambda: decide(support.refuse))
    assert [type(each) for each in ends].count(support.Over) == 1
    (done,) = (each for each in ends if not isinstance(each, support.Over))
    assert state_of(tenant, access_id) is done
    assert ends.index(done) == [SupportState.AGREED, SupportState.REFUSED].index(done)


def test_who_ends_it_in_the_middle_of_a_click_waits_for_the_click_and_the_next_is_refused(app, let_in, tenant):
    inside = let_in(scope="administer")
    token = inside.client.get_cookie("__Host-skarbnik-session", domain="lipowo.skarbnik.test").value
    with app.test_request_context("/office/content/news/x/pl", method="POST", base_url="https://lipowo.skarbnik.test"):
        g.request_id = "0" * 32
        with tenant.session() as click:
            assert load_anybody(click, token).operator_name == "Ola O."
            with tenant.session() as other:
                other.execute(text("SET LOCAL lock_timeout = '200ms'"))
                with pytest.raises(OperationalError, match="lock timeout"):
                    support.end(other, inside.access_id, by=None)
                other.rollback()
        with tenant.session() as other:
            support.end(other, inside.access_id, by=None)
        with tenant.session() as click:
            assert load_anybody(click, token) is None


@pytest.mark.parametrize("current", list(SupportState))
@pytest.mark.parametrize("to", list(SupportState))
def test_states_follow_each_other_only_as_the_table_says(current, to):
    if to in NEXT[current]:
        assert step(current, to) is to
    else:
        with pytest.raises(Exception, match="cannot become"):
            step(current, to)


def test_the_page_of_the_operators_says_where_somebody_may_look(operators, office, tenant, neighbour):
    _operator, _secret, browser = operators()
    access_id = asks(browser, tenant)
    rows = re.findall(r"<tr>.*?</tr>", browser.get("/operator/").text, re.DOTALL)
    assert [bool(re.search(r'class="tag now"', row)) for row in rows if "lipowo" in row] == [True]
    assert [bool(re.search(r'class="tag now"', row)) for row in rows if "debina" in row] == [False]
    answers(office(tenant), access_id, "refuse")
    rows = re.findall(r"<tr>.*?</tr>", browser.get("/operator/").text, re.DOTALL)
    assert [bool(re.search(r'class="tag now"', row)) for row in rows if "lipowo" in row] == [False]


def test_residents_are_not_told_on_every_page(operators, browse, tenant):
    with tenant.session() as session, bound_to(session):
        email = UserFactory().email
    _operator, _secret, browser = operators()
    asks(browser, tenant)
    resident = browse("lipowo")
    resident.sign_in(email, PASSWORD)
    assert WHY not in resident.get("/dashboard").text
    assert resident.get("/office/support").status_code == 404
