"""The plugin keeps the contract of identity providers, against the simulator of login.gov.pl."""

import pytest
from plugins.epuap.tests.forge import LIPOWO

from skarbnik.testing.identity import IdentityProviderContract, sign_in_request
from skarbnik_epuap.provider import EpuapProvider


class TestEpuap(IdentityProviderContract):
    plugin_type = EpuapProvider

    @pytest.fixture
    def plugin_settings(self, simulator):
        return simulator.settings()

    @pytest.fixture
    def identity_provider(self, provider):
        return provider

    @pytest.fixture
    def sign_in(self):
        return sign_in_request(LIPOWO.acs)

    @pytest.fixture
    def identify(self, simulator):
        return lambda start: simulator.choose(start, person="jan")

    @pytest.fixture
    def give_up(self, simulator):
        return lambda start: simulator.choose(start, action="cancel")
