"""The plugin keeps the contract of identity providers, twice: a bank for residents, the directory for officials."""

import pytest
from plugins.oidc.tests.conftest import BACKS, BANK, OFFICE

from skarbnik.plugin_api import Assurance
from skarbnik.testing.identity import IdentityProviderContract, sign_in_request
from skarbnik_oidc.provider import OidcOfficeProvider, OidcProvider


class _AtTheSimulator(IdentityProviderContract):
    realm = BANK
    person = "jan"

    @pytest.fixture
    def plugin_settings(self, simulator):
        return simulator.settings(self.realm, secret_ends_on="2026-12-24")

    @pytest.fixture
    def identity_provider(self, connect):
        return connect(self.realm, secret_ends_on="2026-12-24")

    @pytest.fixture
    def sign_in(self):
        level = Assurance.SUBSTANTIAL if self.realm == BANK else Assurance.LOW
        return sign_in_request(BACKS[self.realm], level=level)

    @pytest.fixture
    def identify(self, simulator):
        return lambda start: simulator.choose(start, person=self.person)

    @pytest.fixture
    def give_up(self, simulator):
        return lambda start: simulator.choose(start, action="cancel")


class TestOidc(_AtTheSimulator):
    plugin_type = OidcProvider


class TestOidcOffice(_AtTheSimulator):
    plugin_type = OidcOfficeProvider
    realm = OFFICE
    person = "ksiegowa"
