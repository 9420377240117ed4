"""Around every page: cookies of one host, forms of our own, headers that allow nothing by default."""

import re

import pytest
from flask import Blueprint

from skarbnik.app import create_app
from skarbnik.errors import Conflict
from skarbnik.plugin_api import Role, public
from skarbnik.portal import views
from skarbnik.testing.factories import PASSWORD, OfficialFactory, PayerFactory, UserFactory, bound_to
from skarbnik.web import frame
from skarbnik.web.access import UndeclaredRoutes, find_access
from skarbnik.web.limits import limiter

CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
def user(tenant):
    with tenant.session() as session, bound_to(session):
        return UserFactory(acts_for=[PayerFactory()])


@pytest.fixture
def anna(browse, user):
    browser = browse("lipowo")
    browser.sign_in(user.email, PASSWORD)
    return browser


def policy(response):
    parts = response.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/dashboard", "/receivables", "/payments", "/acting", "/nowhere", "/office/", "/payments/new?i=x",
     "/api/v1/receivables", "/api/v1/openapi.json", "/office/payers?q=%00", "/healthz"],
)  # fmt: skip
def test_every_answer_carries_the_strict_headers(anna, path):
    answer = anna.get(path)
    headers = answer.headers

    assert answer.status_code < 500
    found = policy(answer)
    assert {name: found[name] for name in CSP} == CSP
    assert not re.search(r"unsafe-(inline|eval)", headers["Content-Security-Policy"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])


def test_cookies_belong_to_one_host_to_https_and_to_no_script(browse, user):
    browser = browse("lipowo")
    answers = [browser.get("/sign-in")]
    answers.append(browser.post("/sign-in", {"email": user.email, "password": PASSWORD, "next": ""}))
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]

    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-skarbnik-form", "__Host-skarbnik-session"}
    for cookie in cookies:
        words = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= words
        assert not any(word.startswith("domain") for word in words)


@pytest.mark.parametrize(
    "path", ["/sign-in", "/office/sign-in", "/sign-out", "/acting", "/payments", "/payments/A/pay"]
)
def test_a_form_without_our_token_is_refused(anna, path):
    assert anna.post(path, {}, token=False).status_code == 400
    assert anna.post(path, {"csrf_token": "forged"}).status_code == 400
    assert anna.get("/dashboard").status_code == 200


@pytest.mark.parametrize("path", ["/profile/password", "/profile/close", "/sign-in"])
def test_a_form_is_a_form_and_no_json(anna, path):
    """The library reads both, and JSON has words that no form can send, such as half of a letter."""
    answer = anna.client.post(path, json={"current": "\ud800"}, base_url="https://lipowo.skarbnik.test")
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://debina.skarbnik.test", "https://lipowo.skarbnik.test.evil.example",
     "https://lipowo.skarbnik.test:444", "https://skarbnik.test", ""],
)  # fmt: skip
def test_a_form_of_another_site_or_of_the_neighbour_is_refused(anna, user, origin):
    anna.get("/acting")
    answer = anna.post("/sign-out", headers={"Origin": origin})

    assert answer.status_code == 403
    assert anna.get("/dashboard").status_code == 200


def test_a_page_in_a_sandbox_sends_no_forms(anna):
    anna.get("/acting")
    sandboxed = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}

    assert anna.post("/sign-out", headers=sandboxed).status_code == 403


def test_every_form_on_every_page_carries_a_token(anna):
    for path in ("/sign-in", "/dashboard", "/acting", "/receivables", "/payments"):
        page = anna.get(path).text
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", page, re.DOTALL):
            assert 'name="csrf_token"' in form


def test_static_files_are_named_by_their_content_and_kept_for_a_year(anna):
    addresses = re.findall(r'(?:href|src)="(/static/[0-9a-f]{12}/[^"]+)"', anna.get("/sign-in").text)
    assert {address.rpartition("/")[2] for address in addresses} == {"skarbnik.css", "skarbnik.js", "passkeys.js"}
    for address in addresses:
        plain = anna.get(address)
        packed = anna.get(address, headers={"Accept-Encoding": "gzip"})
        assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.data) < len(plain.data) / 2
        assert anna.get(re.sub(r"/static/\w+/", "/static/000000000000/", address)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/payments/%00", "/payments/A%00B", "/api/v1/payment-orders/%00", "/receivables?kind=%00"]
)
def test_an_address_no_column_can_hold_is_no_crash(anna, path):
    assert anna.get(path).status_code in (200, 400, 401, 404)


@pytest.mark.parametrize(
    "path",
    ["/payments?before=x", "/payments?before=2026-11-23T00:00:00_x", "/payments?state=nonsense", "/receivables?page=0",
     "/receivables?page=-5", "/receivables?page=99999999999999999999", "/receivables?page=x", "/payments/new",
     "/payments/new?i=x&i=%F0%9F%92%B0", "/payments?before=0001-01-01T00:00:00_00000000-0000-0000-0000-000000000000",
     "/payments?before=9999-12-31T23:59:59-14:00_00000000-0000-0000-0000-000000000000", "/acting?payer=x"],
)  # fmt: skip
def test_strange_questions_get_an_answer_and_no_crash(anna, path):
    assert anna.get(path).status_code in (200, 303, 400, 404)


def test_errors_are_pages_in_polish_with_a_way_on(anna):
    page = anna.get("/nowhere")

    assert page.status_code == 404
    assert 'lang="pl"' in page.text
    assert 'href="/"' in page.text
    assert "Traceback" not in page.text


@pytest.fixture
def own_app(clean):
    """An application of the test's own, which may be given more routes."""
    limiter.enabled = False
    return create_app(clean.instance)


def test_what_was_half_done_when_an_error_came_is_undone(own_app, tenant, user):
    @own_app.get("/stumbles")
    @public("for the test")
    def stumbles():
        with bound_to(frame.session()):
            PayerFactory(name="Half Done")
        raise Conflict("look again")

    assert own_app.test_client().get("/stumbles", base_url="https://lipowo.skarbnik.test").status_code == 409
    with tenant.session() as session:
        assert (
            session.connection().exec_driver_sql("SELECT count(*) FROM payers WHERE name = 'Half Done'").scalar() == 0
        )


def test_a_crash_is_a_page_that_tells_nothing_and_leaves_the_connection_clean(own_app, tenant):
    @own_app.get("/crashes")
    @public("for the test")
    def crashes():
        frame.session().connection().exec_driver_sql("SELECT 1 / 0")

    client = own_app.test_client()
    for _ in range(12):  # more often than there are connections
        answer = client.get("/crashes", base_url="https://lipowo.skarbnik.test")
        assert answer.status_code in (400, 500)
        assert "division" not in answer.text
    assert client.get("/", base_url="https://lipowo.skarbnik.test").status_code == 200


def test_a_route_that_says_nothing_about_permissions_keeps_the_application_from_starting(clean, monkeypatch):

    open_door = Blueprint("open_door", __name__)
    open_door.get("/open-door")(lambda: "anybody")
    monkeypatch.setattr(views, "blueprint", open_door)

    with pytest.raises(UndeclaredRoutes, match="/open-door"):
        create_app(clean.instance)


@pytest.fixture
def everybody(browse, tenant, user):
    with tenant.session() as session, bound_to(session):
        officials = {role: OfficialFactory(has_roles=[role]) for role in Role}
        nobody = OfficialFactory()
        session.connection().exec_driver_sql("UPDATE users SET roles = '' WHERE id = %s", (nobody.id,))
    made = {"anonymous": browse("lipowo"), "resident": browse("lipowo"), "no role": browse("lipowo")}
    made["resident"].sign_in(user.email, PASSWORD)
    made["no role"].sign_in(nobody.email, PASSWORD, office=True)
    for role, official in officials.items():
        made[role] = browse("lipowo")
        made[role].sign_in(official.email, PASSWORD, office=True)
    return made


def guarded(app):
    """Addresses of routes that ask for a permission, with the method to try."""
    for rule in app.url_map.iter_rules():
        access = find_access(app, rule.endpoint)
        if access is None or access.permission is None:
            continue
        path = re.sub(r"<uuid:\w+>", "01920000-0000-7000-8000-000000000000", rule.rule)
        path = re.sub(r"<\w+>", "ABCDE-FGHJK", path)
        for method in sorted(rule.methods & {"GET", "POST"}):
            yield method, path, access.permission


def test_every_route_is_open_to_exactly_those_it_names(app, everybody):
    tried = 0
    for who, browser in everybody.items():
        browser.get("/sign-in")
        token = browser.token()
        for method, path, permission in guarded(app):
            answer = browser.get(path) if method == "GET" else browser.post(path, {"csrf_token": token})
            allowed = permission.residents if who == "resident" else who in permission.roles
            tried += 1
            if who == "anonymous":
                assert answer.status_code == 303, (who, path)
                assert "/sign-in" in answer.location
            elif not allowed:
                assert answer.status_code == 404, (who, method, path)
                assert "ABCDE-FGHJK" not in re.sub(r'href="/(language|theme)/[^"]*"', "", answer.text)
            elif "<" in path or "ABCDE" in path or "01920000" in path:
                assert answer.status_code in (400, 404), (who, method, path)
            else:
                assert answer.status_code in (200, 303, 400, 422), (who, method, path)
    assert tried > 100


def test_the_menu_offers_only_what_may_be_used(app, everybody):
    for who, browser in everybody.items():
        if who == "anonymous":
            continue
        menu = re.search(r'<nav class="menu".*?</nav>', browser.get("/sign-in").text, re.DOTALL)
        for address in re.findall(r'href="([^"]+)"', menu[0] if menu else ""):
            assert browser.get(address).status_code in (200, 303), (who, address)


def test_two_errors_have_two_numbers(browse):
    numbers = {re.search(r"[0-9a-f]{8}</p>", browse("lipowo").get("/nowhere").text)[0] for _each in range(5)}
    assert len(numbers) == 5


def marked(page):
    menu = page.partition('class="menu"')[2].partition("</nav>")[0]
    return re.findall(r'aria-current="(page|true)">([^<]*)</a></li>', menu)


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/payments", [("page", "Płatności")]),
        ("/payments/ABCDE-FGHJK/none", [("true", "Płatności")]),
        ("/receivables", [("page", "Do zapłaty")]),
        ("/profile", []),
    ],
)
def test_the_menu_says_where_one_is(everybody, path, here):
    assert marked(everybody["resident"].get(path).text) == here


def test_a_page_of_the_office_without_an_entry_marks_none(everybody):
    assert marked(everybody[Role.ACCOUNTANT].get("/office/search").text) == []
    assert marked(everybody[Role.ACCOUNTANT].get("/office/").text) == [("page", "Dzisiaj")]


def test_a_form_that_is_wrong_says_so_in_the_title(browse):
    browser = browse("lipowo")
    browser.get("/sign-in")
    page = browser.post("/sign-in", {"email": "", "password": ""})
    assert "<title>Błąd: Zaloguj się" in page.text
    assert "Wpisz swój adres e-mail." in page.text
    assert "Wpisz swoje hasło." in page.text


def test_a_page_whose_database_went_before_the_commit_says_to_come_back_in_a_moment(browse, lab, monkeypatch):
    browser = browse("lipowo")
    draw = views.render_template

    def draw_while_the_server_goes(*names, **words):
        page = draw(*names, **words)
        with lab.as_admin() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE usename = %s AND datname = current_database()",
                (f"{lab.settings.instance}_app",),
            )
        return page

    with monkeypatch.context() as patch:
        patch.setattr(views, "render_template", draw_while_the_server_goes)
        page = browser.get("/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "X-Request-ID" in page.headers
    lab.instance.engine.dispose()  # others of the pool are dead too, and each would be found so only when it is used
    assert browser.get("/").status_code == 200
