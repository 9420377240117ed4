"""An operator makes a gmina from nothing with the commands, and a wrong word ends in one clear line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from tests.plugins.test_pages import FITTING

from skarbnik.accounts.codes import new_app_key
from skarbnik.accounts.factors import has_factor, store_app
from skarbnik.testing.factories import CreditorAccountFactory, OfficialFactory, UserFactory, bound_to

CHECKOUT = Path(__file__).parents[2]
NRB = "61109010140000071219812874"


@pytest.fixture
def skarbnik(clean):
    """`skarbnik("tenant", "list")`: run a command as its own process."""

    def run(*words, given=None, **more):
        environment = {**os.environ, **clean.environment, "SKARBNIK_TENANTS": str(CHECKOUT / "tenants"), **more}
        command = [sys.executable, "-m", "skarbnik.cli", *words]
        return subprocess.run(command, env=environment, input=given, capture_output=True, text=True, timeout=60)

    return run


def test_a_gmina_is_ready_to_take_payments_after_five_commands(skarbnik, clean):
    made = skarbnik("tenant", "create", "zalesie")
    assert made.returncode == 0, made.stderr
    clean.instance.registry.forget()
    tenant = clean.tenant("zalesie")
    assert made.stdout.strip() == tenant.id
    with clean.as_admin() as connection:
        connection.execute(
            f"INSERT INTO {tenant.schema}.creditor_accounts VALUES (gen_random_uuid(), '{NRB}', 'Gmina', 'Podatki')"
        )

    password = skarbnik("official", "zalesie", "ksiegowa@zalesie.pl", "Halina", "--role", "accountant").stdout.strip()
    folder = skarbnik("source", "zalesie", "puma", "PL-ZALESIE").stdout.strip()
    keys = {"pos_id": "1", "client_id": "1", "client_secret": "a" * 32, "second_key": "b" * 32}
    address = skarbnik("merchant", "zalesie", "payu", NRB, given=json.dumps(keys)).stdout.strip()
    program = json.loads(skarbnik("program", "zalesie", "obieg", "--scope", "payments:read").stdout)

    assert len(password) > 12
    assert (Path(folder) / "in").is_dir()
    assert address.startswith("https://zalesie.skarbnik.test/hooks/payments/payu/")
    assert set(program) == {"client_id", "client_secret"}
    assert ("tenant.created", "tenant", False, "operator") in trail(tenant)


def test_the_operator_lets_an_office_in_whose_administrators_lost_their_second_step(skarbnik, tenant):
    with tenant.session() as session, bound_to(session):
        adam = OfficialFactory(email="adam@lipowo.pl")
        store_app(session, tenant, adam.id, new_app_key())
        UserFactory(email="anna@lipowo.pl")
    assert skarbnik("lost-second-step", "lipowo", "Adam@lipowo.pl").stdout.strip() == "taken away"
    assert skarbnik("lost-second-step", "lipowo", "adam@lipowo.pl").stdout.strip() == "there was none"
    refused = skarbnik("lost-second-step", "lipowo", "anna@lipowo.pl")
    assert (refused.returncode, "no account" in refused.stderr) == (1, True)
    with tenant.session() as session:
        assert not has_factor(session, adam.id)
    assert ("official.factors_taken", "user", True, "operator") in trail(tenant)


def trail(tenant):
    with tenant.session() as session:
        return session.execute(
            text("SELECT action, subject, subject_id IS NOT NULL, actor FROM audit_entries ORDER BY id")
        ).all()


def test_what_the_operator_does_to_a_gmina_stands_in_its_trail(skarbnik, clean, tenant):
    with tenant.session() as session, bound_to(session):
        CreditorAccountFactory(nrb=NRB)
    keys = json.dumps({"pos_id": "1", "client_id": "1", "client_secret": "a" * 32, "second_key": "b" * 32})
    mail = json.dumps({"host": "127.0.0.1", "port": 25, "security": "none"})
    for words, given in (
        (("official", "lipowo", "ksiegowa@lipowo.pl", "Halina", *("--role", "accountant") * 2), None),  # one role
        (("program", "lipowo", "obieg", "--scope", "payments:read"), None),
        (("source", "lipowo", "puma", "PL-LIPOWO"), None),
        (("settings", "lipowo", "smtp"), mail),
        (("merchant", "lipowo", "payu", NRB), keys),
        (("tenant", "disable", "lipowo", "smtp"), None),
        (("tenant", "enable", "lipowo", "smtp"), None),
        (("tenant", "suspend", "lipowo"), None),
        (("tenant", "resume", "lipowo"), None),
        (("tenant", "rename", "lipowo", "debina"), None),  # taken: nothing was done, nothing is written
    ):
        done = skarbnik(*words, given=given)
        assert (done.returncode == 0) == ("rename" not in words), done.stderr
    clean.instance.registry.forget()

    assert trail(tenant) == [
        ("official.made", "user", True, "operator"),
        ("official.role_given", "role:accountant", True, "operator"),
        ("program.made", "api_client", True, "operator"),
        ("source.connected", "source:puma", False, "operator"),
        ("settings.changed", "plugin:smtp", False, "operator"),
        ("merchant_account.changed", "merchant_account", True, "operator"),
        ("plugin.disabled", "plugin:smtp", False, "operator"),
        ("plugin.enabled", "plugin:smtp", False, "operator"),
        ("tenant.suspended", "tenant", False, "operator"),
        ("tenant.resumed", "tenant", False, "operator"),
    ]


def test_a_finance_system_is_asked_over_http_with_settings_from_standard_input(skarbnik, clean, tenant):
    token = "t0ken-of-lipowo-1234"
    more = json.dumps({"address": "https://puma.lipowo.example/wymiana", "token": token})
    call = ("source", "lipowo", "puma", "PL-LIPOWO")

    made = skarbnik(*call, "--with-settings", given=more)

    assert made.returncode == 0, made.stderr
    assert token not in made.stdout + made.stderr
    assert asked(tenant) is not None
    for wrong in ('{"address": "https://puma.lipowo.example"}', '{"address": "http://elsewhere", "token": "x"}', "no"):
        refused = skarbnik(*call, "--with-settings", given=wrong)
        assert refused.returncode != 0
        assert "Traceback" not in refused.stderr
    assert asked(tenant) is not None
    assert skarbnik(*call).returncode == 0  # without settings: the folder
    assert asked(tenant) is None


def asked(tenant):
    with tenant.session() as session:
        return session.execute(text("SELECT fetch_key FROM sources")).scalar_one()


def test_two_gminas_may_not_have_one_code_at_a_finance_system(skarbnik, clean, tenant, neighbour):
    assert skarbnik("source", "lipowo", "puma", "PL-X").returncode == 0
    assert skarbnik("source", "lipowo", "puma", "PL-X").returncode == 0
    refused = skarbnik("source", "debina", "puma", "PL-X")

    assert refused.returncode == 1
    assert refused.stderr.strip() == "puma calls another gmina PL-X"
    with neighbour.session() as session:
        assert session.execute(text("SELECT count(*) FROM sources")).scalar_one() == 0
        assert session.execute(text("SELECT count(*) FROM plugin_settings")).scalar_one() == 0
        assert not session.execute(text("SELECT work.claim_exchange_code('puma', 'PL-X')")).scalar_one()
    with pytest.raises(IntegrityError), clean.instance.owner_engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO work.exchange_codes VALUES ('puma', 'PL-X', 'another')")


def test_a_wrong_word_ends_in_one_line_and_not_in_a_traceback(skarbnik):
    for words in (
        ("tenant", "create", "nigdzie"),
        ("tenant", "suspend", "nigdzie"),
        ("tenant", "enable", "lipowo", "nothing"),
        ("source", "lipowo", "nothing", "X"),
    ):
        done = skarbnik(*words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.strip()


@pytest.mark.parametrize(
    ("code", "said"),
    [(FITTING, "lipowo has bees now"), (FITTING.replace("@requires(JOIN)", ""), "/bees declares no permission")],
)
def test_a_plugin_is_chosen_only_when_its_pages_will_be_there(skarbnik, tenant, tmp_path, code, said):
    (tmp_path / "bees_plugin.py").write_text(dedent(code))
    (tmp_path / "bees-1.dist-info").mkdir()
    (tmp_path / "bees-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: bees\nVersion: 1\n")
    (tmp_path / "bees-1.dist-info" / "entry_points.txt").write_text("[skarbnik.plugins]\nbees = bees_plugin\n")

    done = skarbnik("tenant", "enable", "lipowo", "bees", PYTHONPATH=str(tmp_path))
    skarbnik("tenant", "disable", "lipowo", "bees")

    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_every_wrong_setting_is_named_at_once_before_anything_starts(clean):
    environment = {**os.environ, "SKARBNIK_ENV": "moon", "SKARBNIK_INSTANCE": "9", "SKARBNIK_KEYS": "x"}
    for name in ("DATABASE_URL", "REDIS_URL", "SKARBNIK_PUBLIC_URL", "SKARBNIK_FILES"):
        environment.pop(name, None)

    done = subprocess.run(
        [sys.executable, "-m", "skarbnik.scheduler"], env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    for name in ("SKARBNIK_ENV", "SKARBNIK_INSTANCE", "SKARBNIK_KEYS", "DATABASE_URL", "REDIS_URL", "SKARBNIK_FILES"):
        assert name in done.stderr


def test_keys_a_gateway_does_not_take_are_kept_and_told(skarbnik, clean, tenant):
    with tenant.session() as session, bound_to(session):
        CreditorAccountFactory(nrb=NRB)
    keys = {"merchant_id": "1", "pos_id": "1", "api_key": "a" * 32, "crc": "b" * 16, "email": "urzad@lipowo.pl"}
    nobody = {**keys, "base_url": "http://127.0.0.1:9"}

    done = skarbnik("merchant", "lipowo", "przelewy24", NRB, given=json.dumps(nobody))

    assert done.returncode == 0
    assert "/hooks/payments/przelewy24/" in done.stdout
    assert "its gateway does not take us" in done.stderr
    assert "a" * 32 not in done.stdout + done.stderr
