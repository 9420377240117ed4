"""Which gmina a request is for follows from its host, and changes are seen within a second."""

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from skarbnik.app import create_app
from skarbnik.db import make_engine
from skarbnik.errors import NotFound
from skarbnik.payments.models import Notification
from skarbnik.tenancy import registry
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.services import disable_plugin, enable_plugin, rename, set_state


@pytest.mark.parametrize("host", ["lipowo.skarbnik.test", "LIPOWO.skarbnik.test", "lipowo.skarbnik.test."])
def test_a_gmina_is_found_by_its_host(lab, host):
    assert lab.instance.registry.find_by_host(host).slug == "lipowo"


@pytest.mark.parametrize("host", ["skarbnik.test", "x.lipowo.skarbnik.test", "lipowo", "lipowo.example", "", "nowhere"])
def test_any_other_host_is_nobodys(lab, host):
    assert lab.instance.registry.find_by_host(host) is None


def test_a_job_that_names_an_unknown_gmina_is_told_so(lab):
    with pytest.raises(NotFound, match="'nobody'"):
        lab.instance.registry.get("nobody")


def test_a_renamed_gmina_answers_at_both_hosts(lab, owner, scratch):
    made = scratch("stary-dwor")
    rename(owner, made.id, slug="nowy-dwor", host=lab.settings.host)
    lab.instance.registry.forget()

    found = {
        host: lab.instance.registry.find_by_host(f"{host}.skarbnik.test").id for host in ("stary-dwor", "nowy-dwor")
    }
    assert found == {"stary-dwor": made.id, "nowy-dwor": made.id}
    assert lab.instance.registry.get(made.id).url() == "https://nowy-dwor.skarbnik.test/"


def test_another_process_sees_changes_without_a_restart(lab, owner, scratch, monkeypatch):
    monkeypatch.setattr(registry, "LOOK_EVERY", 0.0)
    other = Instance(lab.settings, pool=1, plugins=lab.instance.plugins)
    try:
        assert other.registry.find_by_host("krotko.skarbnik.test") is None
        made = scratch("krotko")
        assert other.registry.find_by_host("krotko.skarbnik.test").id == made.id
        set_state(owner, made.id, "suspended")
        assert other.registry.get(made.id).state == "suspended"
        disable_plugin(owner, made.id, "payu")
        assert "payu" not in other.registry.get(made.id).plugins
        enable_plugin(owner, lab.settings.instance, made.id, "payu", [])
        assert "payu" in other.registry.get(made.id).plugins
        set_state(owner, made.id, "deleted")
        assert other.registry.find_by_host("krotko.skarbnik.test") is None
    finally:
        other.engine.dispose()


def test_many_requests_look_into_the_database_once_a_second(lab, counted):
    with counted(lab.instance.engine) as asked:
        for _ in range(500):
            lab.instance.registry.find_by_host("lipowo.skarbnik.test")

    assert sum("registry_version" in each for each in asked) <= 1


@pytest.fixture
def away(lab):
    """An engine whose server nobody started."""
    engine = make_engine("postgresql://nobody:x@127.0.0.1:9/nothing", size=1)
    yield engine
    engine.dispose()


def test_gminas_stay_known_while_the_database_is_away(lab, away, monkeypatch):
    monkeypatch.setattr(registry, "LOOK_EVERY", 0.0)
    other = Instance(lab.settings, pool=1, plugins=lab.instance.plugins)
    assert other.registry.find_by_host("lipowo.skarbnik.test").slug == "lipowo"
    there, other.engine = other.engine, away

    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            assert other.registry.find_by_host("lipowo.skarbnik.test").slug == "lipowo"
    assert [entry["event"] for entry in logged] == ["registry.away"]
    client = create_app(other).test_client()
    client.set_cookie("__Host-skarbnik-session", "x", domain="lipowo.skarbnik.test", secure=True)
    assert client.get("/", base_url="https://lipowo.skarbnik.test").status_code == 503
    other.engine = there
    assert other.registry.get_by_slug("lipowo").slug == "lipowo"
    there.dispose()


def test_who_knows_no_gmina_yet_does_not_say_that_there_is_none(lab, away):
    other = Instance(lab.settings, pool=1, plugins=lab.instance.plugins)
    other.engine.dispose()
    other.engine = away

    for _ in range(2):
        with pytest.raises(OperationalError):
            other.registry.find_by_host("lipowo.skarbnik.test")


def test_an_unknown_host_is_told_there_is_no_such_page(app):
    for host in ("nobody.skarbnik.test", "lipowo.example", "skarbnik.test.evil.example"):
        for path in ("/", "/sign-in", "/api/v1/receivables", "/hooks/payments/payu/x"):
            assert app.test_client().get(path, base_url=f"https://{host}").status_code in (404, 405)


def test_a_suspended_gmina_is_closed_to_people_while_its_money_goes_on(app, owner, scratch, lab, pay, notify):
    made = scratch("zawieszona")
    account = pay(made)
    set_state(owner, made.id, "suspended")
    lab.instance.registry.forget()
    client = app.test_client()

    for path in ("/", "/sign-in", "/receivables", "/office/", "/api/v1/receivables"):
        page = client.get(path, base_url="https://zawieszona.skarbnik.test")
        assert page.status_code == 503
        assert made.name in page.text
        assert "nie przepadają" in page.text
    assert notify(client, "zawieszona", account).status_code == 200
    with made.session() as session:
        assert session.query(Notification).count() == 1
