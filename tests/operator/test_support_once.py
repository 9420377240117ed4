"""Somebody asks for one access at a time, and what did not happen stands in no trail."""

from datetime import timedelta

from sqlalchemy import func, select, text
from tests.operator.test_support import answers, asks, goes_in, link_of, trail

from skarbnik import clock
from skarbnik.db import new_id
from skarbnik.operator import sign_in, support
from skarbnik.operator.models import SupportAccess
from skarbnik.plugin_api import Support
from skarbnik.testing.together import together


def count_accesses(tenant):
    with tenant.session() as session:
        return session.scalar(select(func.count()).select_from(SupportAccess))


def acts_of_operators(lab, action):
    with lab.as_admin() as connection:
        found = "SELECT count(*) FROM platform.operator_acts WHERE action = %s"
        return connection.execute(found, (action,)).fetchone()[0]


def test_two_clicks_at_once_are_one_access(operators, tenant):
    operator, _secret, _browser = operators()

    def ask():
        with tenant.session() as session:
            words = {"reason": "Dwa razy", "scope": Support.LOOK, "hours": 4, "ip": "192.0.2.1"}
            support.ask(session, tenant, access_id=new_id(), by=operator, **words)
            session.execute(text("SELECT pg_sleep(0.3)"))
        return "asked"

    ends = together(ask, ask)
    assert "asked" in ends
    assert [type(each) for each in ends if each != "asked"] == [support.AskedAlready]
    assert count_accesses(tenant) == 1


def test_who_asks_again_asked_once_in_the_operators_trail_too(operators, tenant, lab):
    _operator, _secret, browser = operators()
    before = acts_of_operators(lab, "support.asked")
    asks(browser, tenant)
    asks(browser, tenant)
    assert acts_of_operators(lab, "support.asked") - before == 1
    assert count_accesses(tenant) == 1


def test_the_form_is_not_shown_above_older_accesses_while_one_is_open(operators, office, tenant):
    _operator, _secret, browser = operators()
    path, official = f"/operator/gminas/{tenant.id}", office(tenant)
    answers(official, asks(browser, tenant), "refuse")
    assert f'action="{path}/support"' in browser.get(path).text
    newest = asks(browser, tenant)
    assert f'action="{path}/support"' not in browser.get(path).text
    assert f'action="{path}/support"' not in browser.get(f"{path}?before={newest}").text


def test_who_goes_out_of_the_office_stands_in_its_trail(operators, office, tenant, app):
    _operator, _secret, browser = operators()
    access_id = asks(browser, tenant)
    answers(office(tenant), access_id)
    inside = goes_in(app, tenant, link_of(browser, tenant, access_id))
    inside.get("/office/payments")
    inside.post("/office/support/leave")
    assert [each.actor for each in trail(tenant, "support.left")] == ["operator"]


def test_attempts_to_sign_in_go_when_they_are_older_than_a_trail_has_to_be(operators, lab):
    operator, _secret, _browser = operators()
    old, young = clock.now() - timedelta(days=3 * 366), clock.now() - timedelta(days=366)
    with lab.as_admin() as connection:
        connection.execute("DELETE FROM platform.operator_attempts")
        for at in (old, young):
            connection.execute(
                "INSERT INTO platform.operator_attempts (id, at, operator_id, outcome, ip)"
                " VALUES (%s, %s, %s, 'blocked', '192.0.2.1')",
                (new_id(), at, operator.id),
            )

    with lab.instance.engine.begin() as connection:
        sign_in._attempt(connection, None, "wrong_password", "192.0.2.7")

    with lab.as_admin() as connection:
        left = connection.execute("SELECT at FROM platform.operator_attempts ORDER BY at").fetchall()
    assert left[0] == (young,)
    assert len(left) == 2
