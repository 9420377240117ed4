"""Operators see gminas on the bare host, and nothing of what is inside one."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from skarbnik.errors import Invalid
from skarbnik.operator.services import find_operator, list_gminas, make_operator
from skarbnik.testing.browser import Browser

EMAIL, PASSWORD = "ola@operator.example", "a long enough one"


@pytest.fixture
def made(lab):
    make_operator(lab.instance.owner_engine(), email=EMAIL.upper(), name="Ola Operatorka", password=PASSWORD)


@pytest.fixture
def ola(app, made):
    """A browser on the bare host."""
    return Browser(app, "", host="skarbnik.test")


def sign_in(browser, password=PASSWORD, email=EMAIL, **options):
    browser.get("/operator/sign-in")
    return browser.post("/operator/sign-in", {"email": email, "password": password}, **options)


def test_an_operator_sees_all_gminas_after_signing_in(ola):
    assert ola.get("/operator/").location == "/operator/sign-in"

    assert sign_in(ola).location == "/operator/"

    page = ola.get("/operator/").text
    assert "Gmina Lipowo" in page
    assert "debina" in page
    assert "Ola Operatorka" in page


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong"), ("nobody@operator.example", PASSWORD), (EMAIL, "")])
def test_nobody_else_does(ola, email, password):
    assert sign_in(ola, password, email).status_code == 422
    assert ola.get("/operator/").status_code == 303


def test_there_is_no_such_room_on_the_host_of_a_gmina(app, browse, ola):
    sign_in(ola)
    cookie = ola.client.get_cookie("__Host-skarbnik-operator", domain="skarbnik.test")
    here = browse("lipowo")
    here.client.set_cookie("__Host-skarbnik-operator", cookie.value, domain="lipowo.skarbnik.test", secure=True)
    for path in ("/operator/", "/operator/sign-in"):
        assert here.get(path).status_code == 404


def test_a_form_of_another_site_does_nothing(ola):
    ola.get("/operator/sign-in")
    words = {"email": EMAIL, "password": PASSWORD}
    assert ola.post("/operator/sign-in", words, headers={"Origin": "https://lipowo.skarbnik.test"}).status_code == 403
    assert ola.post("/operator/sign-in", words, token=False).status_code == 400


def test_signing_out_ends_the_session_and_a_new_password_all_of_them(lab, ola, made):
    sign_in(ola)
    token = ola.client.get_cookie("__Host-skarbnik-operator", domain="skarbnik.test").value
    assert find_operator(lab.instance.engine, token).email == EMAIL
    make_operator(lab.instance.owner_engine(), email=EMAIL, name="Ola", password="another long one")
    assert find_operator(lab.instance.engine, token) is None
    sign_in(ola, "another long one")
    ola.get("/operator/")
    assert ola.post("/operator/sign-out").status_code == 303
    assert ola.get("/operator/").status_code == 303


def test_a_short_password_is_refused(lab):
    with pytest.raises(Invalid):
        make_operator(lab.instance.owner_engine(), email=EMAIL, name="x", password="short")


def test_gminas_are_found_by_name_and_state_and_by_pages(lab, clean):
    def found(**words):
        given = {"wanted": "", "state": "", "after": "", **words}
        return [row.slug for row in list_gminas(lab.instance.engine, **given)]

    everybody = found()
    assert everybody == sorted(everybody)
    assert found(wanted="LIPOW") == ["lipowo"]
    assert found(wanted="%") == []
    assert found(state="creating") == []
    assert "debina" not in found(after="debina")


def test_each_attempt_at_the_operators_door_is_written_down(lab, ola):
    with lab.as_admin() as admin:
        admin.execute("DELETE FROM platform.operator_attempts")
    sign_in(ola, "wrong one, and long")
    sign_in(ola, PASSWORD, "nobody@operator.example")
    sign_in(ola)

    with lab.as_admin() as admin:
        found = admin.execute(
            "SELECT o.email, a.signed_in, a.ip FROM platform.operator_attempts a"
            " LEFT JOIN platform.operators o ON o.id = a.operator_id ORDER BY a.at"
        ).fetchall()
    assert found == [(EMAIL, False, "127.0.0.1"), (None, False, "127.0.0.1"), (EMAIL, True, "127.0.0.1")]


@pytest.mark.parametrize(
    "change", ["DELETE FROM platform.operator_attempts", "UPDATE platform.operator_attempts SET ip = ''"]
)
def test_the_product_cannot_change_what_is_written_of_the_attempts(lab, change):
    with pytest.raises(ProgrammingError, match="permission denied"), lab.instance.engine.begin() as connection:
        connection.execute(text(change))


def test_guesses_at_one_operator_are_held_up_wherever_they_come_from(limits, ola):
    for number in range(10):
        place = {"REMOTE_ADDR": f"10.1.2.{number + 1}"}
        assert sign_in(ola, "wrong", environ_overrides=place).status_code == 422

    assert sign_in(ola, "wrong", environ_overrides={"REMOTE_ADDR": "10.1.2.99"}).status_code == 429
    assert sign_in(ola, environ_overrides={"REMOTE_ADDR": "10.1.2.99"}).status_code == 429
    assert sign_in(ola, environ_overrides={"REMOTE_ADDR": "192.168.7.7"}).status_code == 303
