from __future__ import annotations

import os
import socket
import stat
import tempfile

import pytest

from skarbnik.dev import browser
from skarbnik.dev.plan import make_plan, product_environment
from skarbnik.dev.ports import is_free
from skarbnik.dev.state import State, holder, only_one, throw_away
from skarbnik.settings import read_settings


def test_a_secret_stays_the_same_and_is_private(state):
    first = state.secret("accounts")

    assert State(state.folder).secret("accounts") == first
    assert stat.S_IMODE((state.folder / "secrets" / "accounts").stat().st_mode) == 0o600


def test_a_port_is_kept_while_it_is_free(state):
    port = state.port("postgres")
    assert state.port("postgres") == port

    with socket.create_server(("127.0.0.1", port)):
        assert state.port("postgres") != port


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_next_port_is_taken_when_the_preferred_one_is_not_free(state, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    preferred = state.port("any")
    try:
        listening = socket.create_server((address, preferred), family=family)
    except OSError:
        pytest.skip("this machine has no ::1")

    with listening:
        assert not is_free(preferred)
        assert preferred < state.port("web", preferred) < preferred + 200


def test_a_state_belongs_to_one_program_at_a_time(folder):
    state = State(folder)
    with only_one(state):
        assert holder(state) is not None
        with pytest.raises(BlockingIOError), only_one(state):
            pass
    assert holder(state) is None


def test_a_throw_away_state_is_thrown_away():
    with throw_away() as state:
        (state.folder / "file").touch()
    assert not state.folder.exists()


def test_what_a_killed_run_left_is_removed_and_a_running_one_is_not(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    folder.chmod(0o711)
    dead, running = (State(folder / f"skarbnik-test-{name}") for name in ("dead", "running"))
    for each in (dead, running):
        each.folder.mkdir()
        (each.folder / "lock").touch()

    with only_one(running):
        for each in (dead, running):
            os.utime(each.folder / "lock", (0, 0))
        with throw_away():
            pass

    assert not dead.folder.exists()
    assert running.folder.exists()


def test_the_products_environment_is_a_right_configuration(state):
    environment = product_environment(
        state,
        admin_url="postgresql://postgres:x@127.0.0.1:5/postgres",
        redis_url="redis://127.0.0.1:6/0",
        web_port=8001,
    )

    settings = read_settings(environment)

    assert settings.public_url == "http://localhost:8001"
    assert settings.database_url.startswith("postgresql://demo_app:")
    assert (settings.owner_database_url or "").startswith("postgresql://demo_owner:")


def test_a_plan_is_the_same_at_each_start_and_its_accounts_have_passwords_of_their_own(state):
    environment = product_environment(state, admin_url="postgresql://h/p", redis_url="redis://h", web_port=8000)
    plan = make_plan(state, environment)

    assert plan.digest() == make_plan(state, environment).digest()
    assert plan.password_for("a") == make_plan(state, environment).password_for("a")
    assert plan.password_for("a") != plan.password_for("b")
    assert len({pos.pos_id for gmina in plan.gminas for pos in gmina.payu}) == 4
    assert len({point.pos_id for gmina in plan.gminas for point in gmina.przelewy24}) == 4


def test_a_named_chromium_is_taken_at_its_word():
    assert browser.find_chromium({"SKARBNIK_CHROMIUM": "/opt/chromium", "PATH": ""}) == "/opt/chromium"
    assert browser.find_chromium({"PATH": ""}) is None
