"""A plugin that does not load, or does not fit, is left out with a clear message and harms nobody else."""

import sys
from importlib.metadata import EntryPoint
from textwrap import dedent

import pytest
import structlog

from skarbnik.plugin_api import GROUP, PaymentGateway
from skarbnik.tenancy.plugins import load_plugins

GOOD = EntryPoint("payu", "skarbnik_payu.plugin", GROUP)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """Loads a plugin made of this code, together with PayU."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(code, name="stranger"):
        (tmp_path / f"{name}_plugin.py").write_text(dedent(code))
        try:
            return load_plugins([EntryPoint(name, f"{name}_plugin", GROUP), GOOD])
        finally:
            sys.modules.pop(f"{name}_plugin", None)

    return load


FITTING = """
    from skarbnik.plugin_api import PaymentGateway, hookimpl

    class Gateway(PaymentGateway):
        id = label = "stranger"
        settings_type = dict

    @hookimpl
    def payment_gateways():
        return [Gateway]
"""


def test_every_installed_plugin_loads():
    plugins = load_plugins()

    assert plugins.broken == {}
    assert {"epuap", "oidc", "oidc_office", "payu", "puma", "smtp"} <= plugins.names()


def test_a_plugin_that_fits_is_known_by_its_id(stranger):
    plugins = stranger(FITTING)

    assert set(plugins.gateways) == {"stranger", "payu"}
    assert issubclass(plugins.gateways["stranger"], PaymentGateway)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise RuntimeError('licence server is away')", "RuntimeError: licence server is away"),
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("def broken(:", "SyntaxError"),
        (FITTING.replace('id = label = "stranger"', 'id = label = "stranger"; contract = 99'),
         "TypeError: Gateway is written for version 99 of PaymentGateway, this Skarbnik has version 1"),
        (FITTING.replace("(PaymentGateway)", ""), "TypeError: Gateway is no PaymentGateway"),
        (FITTING.replace("return [Gateway]", "raise ValueError('no settings')"), "ValueError: no settings"),
        (FITTING.replace("payment_gateways()", "payment_gatewayz()"), "payment_gatewayz"),
        (FITTING.replace("return [Gateway]", "return [Gateway()]"), "TypeError"),
    ],
)  # fmt: skip
def test_a_plugin_that_does_not_fit_is_left_out_and_named(stranger, code, message):
    with structlog.testing.capture_logs() as logged:
        plugins = stranger(code)

    assert set(plugins.gateways) == {"payu"}
    assert message in plugins.broken["stranger"]
    assert [entry["plugin"] for entry in logged if entry["event"] == "plugin.broken"] == ["stranger"]


def test_a_contract_inherited_from_an_older_class_is_judged_too(stranger):
    old = FITTING.replace(
        "class Gateway(PaymentGateway):", "class Old(PaymentGateway):\n        contract = 0\n\n    class Gateway(Old):"
    )

    assert "version 0" in stranger(old).broken["stranger"]


def test_a_plugin_does_not_take_the_id_of_another(stranger):
    plugins = stranger(FITTING.replace('"stranger"', '"payu"'), name="copycat")

    assert plugins.gateways["payu"].__module__ == "skarbnik_payu.gateway"
    assert "payu" in plugins.broken["copycat"]


def test_a_plugin_no_gmina_chose_is_not_used(tenant):
    assert "payu" in tenant.plugins
    assert "csv" not in tenant.plugins


PROVIDER = FITTING.replace("PaymentGateway", "IdentityProvider").replace("payment_gateways", "identity_providers")


def test_a_place_that_says_who_a_person_is_is_known_by_its_id(stranger):
    plugins = stranger(PROVIDER)

    assert set(plugins.identity_providers) == {"stranger"}
    assert "stranger" in plugins.names()


def test_an_identity_provider_of_another_contract_is_left_out(stranger):
    plugins = stranger(PROVIDER.replace('"stranger"', '"stranger"; contract = 2'))

    assert plugins.identity_providers == {}
    assert "version 2 of IdentityProvider, this Skarbnik has version 1" in plugins.broken["stranger"]
