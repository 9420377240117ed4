"""What the pages of every plugin must keep to, as tests a vendor subclasses.

    class TestSurveys(PagesContract):
        plugin = "surveys"

        def things(self, session):
            return {"survey_id": make_survey(session).id}

The routes come from the application: a new page is asked as everybody before its author has thought of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from skarbnik.accounts.closing import erase_from_plugins
from skarbnik.audit.models import AuditEntry
from skarbnik.plugin_api import Access, Chapter, Role
from skarbnik.plugin_api.own_data import Row
from skarbnik.receivables.models import OfficialScope
from skarbnik.tenancy.registry import Tenant
from skarbnik.testing import factories
from skarbnik.testing.browser import Browser
from skarbnik.testing.database import Lab
from skarbnik.testing.factories import PASSWORD, bound_to
from skarbnik.web.access import find_access, find_trail
from skarbnik.web.plugin_pages import OFFICE, is_below

MAKE: Any = factories  # factory-boy has no types
NOBODY, RESIDENT = "nobody", "resident"
NOT_DONE = {400, 404, 409, 422}


class PagesContract:
    """Tests of a plugin's routes. It has to be installed; `things` are made for each test, in each of two gminas."""

    plugin: ClassVar[str]

    def things(self, session: Any) -> Mapping[str, object]:
        """Something for each argument of a route, by its name, made in the gmina of this session."""
        return {}

    def words(self, rule: Rule) -> Mapping[str, object]:
        """What is no thing of anybody: words an argument may be, such as a kind of file, the same in every gmina."""
        return {}

    def person(self, session: Any) -> UUID | None:
        """A resident of whom each chapter of the plugin says something; None when it keeps nothing of anybody."""
        return None

    @pytest.fixture
    def gmina(self, clean: Lab) -> Tenant:
        return clean.tenant_with(self._slug("wybrana"), self.plugin)

    @pytest.fixture
    def other_gmina(self, clean: Lab) -> Tenant:
        return clean.tenant_with(self._slug("obok"), self.plugin)

    @pytest.fixture
    def gmina_without(self, clean: Lab) -> Tenant:
        return clean.tenant_with("bez-wtyczki")

    def test_it_is_installed_and_its_pages_are_taken_in(self, app: Flask, lab: Lab) -> None:
        assert lab.instance.plugins.broken.get(self.plugin) is None
        assert self.plugin in lab.instance.plugins.pages
        assert list(self._routes(app))

    def test_where_the_gmina_did_not_choose_it_nothing_of_it_is_there(
        self, app: Flask, gmina: Tenant, gmina_without: Tenant
    ) -> None:
        things = self._make(gmina)
        for who, browser in self._everybody(app, gmina_without).items():
            assert f'href="/{self.plugin}' not in browser.get("/sign-in").text, who
            assert f'href="{OFFICE}/{self.plugin}' not in browser.text, who
            if who in set(Role):  # whose day begins with the first entry of the menu
                assert not (browser.get(f"{OFFICE}/").location or "").startswith(f"{OFFICE}/{self.plugin}"), who
            for rule, method, _access in self._routes(app):
                for wanted in {method, "POST"}:  # a wrong method would tell that something is there
                    answer = self._ask(browser, wanted, self._path(rule, things))
                    assert answer.status_code == 404, (who, wanted, rule.rule, answer.status_code)

    def test_who_may_not_use_a_page_is_told_that_nothing_is_there(self, app: Flask, gmina: Tenant) -> None:
        things = self._make(gmina)
        for who, browser in self._everybody(app, gmina).items():
            for rule, method, access in self._routes(app):
                if not self._may(who, access):
                    answer = self._ask(browser, method, self._path(rule, things))
                    expected = 303 if who == NOBODY else 404
                    assert answer.status_code == expected, (who, method, rule.rule, answer.status_code)

    def test_who_may_use_a_page_finds_it(self, app: Flask, gmina: Tenant) -> None:
        things = self._make(gmina)
        for who, browser in self._everybody(app, gmina).items():
            for rule, method, access in self._routes(app):
                if method == "GET" and self._may(who, access):
                    answer = self._ask(browser, method, self._path(rule, things))
                    assert answer.status_code in {200, 303}, (who, rule.rule, answer.status_code)

    def test_a_thing_of_another_gmina_does_not_exist(self, app: Flask, gmina: Tenant, other_gmina: Tenant) -> None:
        things = self._make(other_gmina)
        for who, browser in self._everybody(app, gmina).items():
            for rule, method, access in self._routes(app):
                if things.keys() & rule.arguments and self._may(who, access):
                    answer = self._ask(browser, method, self._path(rule, things))
                    assert answer.status_code in NOT_DONE, (who, method, rule.rule, answer.status_code)
                    assert method == "POST" or answer.status_code == 404, (who, rule.rule, answer.status_code)

    def test_a_form_without_its_token_changes_nothing(self, app: Flask, gmina: Tenant) -> None:
        things = self._make(gmina)
        for who, browser in self._everybody(app, gmina).items():
            for rule, method, access in self._routes(app):
                if method == "POST" and self._may(who, access):
                    answer = browser.post(self._path(rule, things), token=False)
                    assert answer.status_code == 400, (who, rule.rule, answer.status_code)

    def test_a_scope_of_work_closes_what_does_not_say_otherwise(self, app: Flask, gmina: Tenant) -> None:
        things = self._make(gmina)
        with gmina.session() as session, bound_to(session):
            official = MAKE.OfficialFactory(has_roles=sorted(set(Role) - {Role.ADMINISTRATOR}))
            session.add(OfficialScope(user_id=official.id, kind_id=MAKE.KindFactory().id))
        browser = Browser(app, gmina.slug)
        browser.sign_in(official.email, PASSWORD, office=True)
        for rule, method, access in self._routes(app):
            permission = access.permission
            if permission is not None and permission.roles and permission.limited is None:
                answer = self._ask(browser, method, self._path(rule, things))
                assert answer.status_code == 404, (method, rule.rule, answer.status_code)

    def test_who_looks_at_a_page_that_records_it_stands_in_the_trail(self, app: Flask, gmina: Tenant) -> None:
        things = self._make(gmina)
        for who, browser in self._everybody(app, gmina).items():
            for rule, method, access in self._routes(app):
                trail = find_trail(app, rule.endpoint)
                if method == "GET" and trail is not None and trail.actions and self._may(who, access):
                    before = len(self._acts(gmina))
                    answer = self._ask(browser, method, self._path(rule, things))
                    written = set(self._acts(gmina)[before:])
                    assert answer.status_code != 200 or written & set(trail.actions), (who, rule.rule, written)

    def test_what_it_keeps_of_a_person_is_told_to_them_and_erased_with_their_account(
        self, lab: Lab, gmina: Tenant
    ) -> None:
        chapters = lab.instance.plugins.pages[self.plugin].own_data
        with gmina.session() as session, bound_to(session):
            person = self.person(session)
        assert (person is None) == (not chapters)
        if person is None:
            return
        before = self._told(gmina, chapters, person)
        assert all(before.values()), before

        for _ in range(2):  # an errand may come again
            erase_from_plugins(gmina, person)

        kept = {each.name for each in chapters if each.kept}
        assert self._told(gmina, chapters, person) == {
            name: rows if name in kept else [] for name, rows in before.items()
        }

    def _told(self, gmina: Tenant, chapters: Sequence[Chapter], person: UUID) -> dict[str, list[Row]]:
        with gmina.session() as session:
            return {each.name: list(each.rows(session, person)) for each in chapters}

    def _slug(self, what: str) -> str:
        """A gmina stays for the next test: each plugin has gminas of its own, which chose it and nothing else."""
        return f"{what}-{self.plugin.replace('_', '-')}"

    def _routes(self, app: Flask) -> Iterator[tuple[Rule, str, Access]]:
        for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
            access = find_access(app, rule.endpoint)
            if access is not None and is_below(rule.rule, self.plugin):
                for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                    yield rule, method, access

    def _make(self, gmina: Tenant) -> Mapping[str, object]:
        with gmina.session() as session, bound_to(session):
            return self.things(session)

    def _acts(self, gmina: Tenant) -> Sequence[str]:
        """What was written into the trail, the oldest first."""
        with gmina.session() as session:
            return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()

    def _path(self, rule: Rule, things: Mapping[str, object]) -> str:
        values = {**dict.fromkeys(rule.arguments, uuid4()), **things, **self.words(rule)}
        return re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda found: str(values[found[1]]), rule.rule)

    def _everybody(self, app: Flask, gmina: Tenant) -> dict[str, Browser]:
        """Browsers of nobody, of a resident, and of an official of each role."""
        with gmina.session() as session, bound_to(session):
            emails = {role.value: MAKE.OfficialFactory(has_roles=[role]).email for role in Role}
            emails[RESIDENT] = MAKE.UserFactory().email
        browsers = {who: Browser(app, gmina.slug) for who in (NOBODY, *emails)}
        for who, email in emails.items():
            browsers[who].sign_in(email, PASSWORD, office=who != RESIDENT)
        for browser in browsers.values():
            browser.get("/sign-in")  # a page with a token
        return browsers

    def _may(self, who: str, access: Access) -> bool:
        if access.permission is None:
            return True
        return access.permission.residents if who == RESIDENT else who in access.permission.roles

    def _ask(self, browser: Browser, method: str, path: str) -> Any:
        return browser.get(path) if method == "GET" else browser.post(path)
