"""What every identity provider must do, as tests a vendor subclasses.

    class TestEpuap(IdentityProviderContract):
        plugin_type = EpuapProvider

Give the fixtures that raise `NotImplementedError`, best with the provider's own simulator, and get the tests.
"""

from __future__ import annotations

import dataclasses
import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from skarbnik import clock
from skarbnik.plugin_api import (
    LONGEST_ID,
    LONGEST_KEPT,
    LONGEST_SESSION,
    Assurance,
    BrowserAnswer,
    ExternalSystemError,
    FormPost,
    HttpClient,
    Identity,
    IdentityCapability,
    IdentityProvider,
    PendingSignIn,
    SignInReason,
    SignInRefused,
    SignInRequest,
    SignInStart,
    SignOutRequest,
    is_nip,
    is_pesel,
)
from skarbnik.testing.conformance import HOST, _Contract

METHODS = {IdentityCapability.LOGOUT: "end", IdentityCapability.CERTIFICATES: "expiries"}


def sign_in_request(return_url: str = "https://lipowo.example/sign-in/back", **changes: Any) -> SignInRequest:
    """A request as the core makes one, for a substantial level."""
    values: dict[str, Any] = {
        "request_id": uuid4(),
        "handle": secrets.token_urlsafe(32),
        "return_url": return_url,
        "level": Assurance.SUBSTANTIAL,
        "begun_at": clock.now(),
    }
    return SignInRequest(**(values | changes))


def pending(request: SignInRequest, start: SignInStart, **changes: Any) -> PendingSignIn:
    """The row the core would have taken out when the browser came back."""
    values: dict[str, Any] = {
        "request_id": request.request_id,
        "return_url": request.return_url,
        "level": request.level,
        "begun_at": request.begun_at,
        "kept": start.kept,
    }
    return PendingSignIn(**(values | changes))


class IdentityProviderContract(_Contract):
    """Subclass it as `Test…`, name `plugin_type`, and give the fixtures that raise here."""

    contract_type = IdentityProvider
    plugin_type: ClassVar[type[IdentityProvider]]

    @pytest.fixture
    def identity_provider(self) -> IdentityProvider:
        """The provider, connected to the simulator."""
        raise NotImplementedError

    @pytest.fixture
    def sign_in(self) -> SignInRequest:
        """A request with a return address the simulator takes."""
        raise NotImplementedError

    @pytest.fixture
    def identify(self) -> Callable[[SignInStart], BrowserAnswer]:
        """Go where the start leads, be identified there with the level wanted, and come back with what it brings."""
        raise NotImplementedError

    @pytest.fixture
    def give_up(self) -> Callable[[SignInStart], BrowserAnswer]:
        """Go where the start leads, give up, and come back."""
        raise NotImplementedError

    @pytest.fixture
    def dead_provider(self, plugin_settings: Any) -> IdentityProvider:
        """The provider with a client that may reach nobody."""
        return self.plugin_type(plugin_settings, HttpClient(frozenset()))

    @pytest.fixture
    def signed_in(
        self,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        identify: Callable[[SignInStart], BrowserAnswer],
    ) -> Identity:
        start = identity_provider.begin(sign_in)
        return identity_provider.finish(pending(sign_in, start), identify(start))

    def test_declared_capabilities_are_those_that_are_written(self) -> None:
        for capability, name in METHODS.items():
            written = getattr(self.plugin_type, name) is not getattr(IdentityProvider, name)
            assert written == (capability in self.plugin_type.capabilities), capability

    def test_hosts_and_origins_are_declared(self, plugin_settings: Any) -> None:
        assert all(HOST.fullmatch(host) for host in self.plugin_type.hosts(plugin_settings))
        origins = self.plugin_type.origins(plugin_settings)
        assert origins
        for origin in origins:
            parts = urlsplit(origin)
            assert parts.scheme in {"https", "http"}
            assert origin == f"{parts.scheme}://{parts.netloc}"

    def test_the_handle_comes_back_in_a_field_that_is_taken(self) -> None:
        assert self.plugin_type.handle_field in self.plugin_type.answer_fields

    def test_the_person_is_sent_to_a_declared_origin_with_the_handle(
        self, identity_provider: IdentityProvider, sign_in: SignInRequest, plugin_settings: Any
    ) -> None:
        start = identity_provider.begin(sign_in)
        parts = urlsplit(start.go.address)
        assert f"{parts.scheme}://{parts.netloc}" in self.plugin_type.origins(plugin_settings)
        carried = repr(start.go.fields) if isinstance(start.go, FormPost) else start.go.address
        assert sign_in.handle in carried
        assert len(start.kept) <= LONGEST_KEPT

    def test_who_was_identified_is_told_with_all_the_core_needs(
        self, signed_in: Identity, sign_in: SignInRequest
    ) -> None:
        assert 0 < len(signed_in.issuer) <= LONGEST_ID
        assert 0 < len(signed_in.subject) <= LONGEST_ID
        assert 0 < len(signed_in.assertion_id) <= LONGEST_ID
        assert len(signed_in.session) <= LONGEST_SESSION
        assert signed_in.good_until.tzinfo is not None
        assert clock.now() < signed_in.good_until < clock.now() + timedelta(days=1)
        assert signed_in.level is None or signed_in.level.reaches(sign_in.level)
        assert signed_in.pesel is None or is_pesel(signed_in.pesel)
        assert signed_in.nip is None or is_nip(signed_in.nip)
        assert isinstance(signed_in.second_factor, bool)

    def test_the_same_person_has_the_same_subject_and_another_answer_another_id(
        self,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        signed_in: Identity,
        identify: Callable[[SignInStart], BrowserAnswer],
    ) -> None:
        again = dataclasses.replace(sign_in, request_id=uuid4(), handle=secrets.token_urlsafe(32))
        start = identity_provider.begin(again)
        second = identity_provider.finish(pending(again, start), identify(start))
        assert (second.issuer, second.subject) == (signed_in.issuer, signed_in.subject)
        assert second.assertion_id != signed_in.assertion_id

    def test_who_gave_up_is_not_signed_in(
        self,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        give_up: Callable[[SignInStart], BrowserAnswer],
    ) -> None:
        start = identity_provider.begin(sign_in)
        with pytest.raises(SignInRefused) as refused:
            identity_provider.finish(pending(sign_in, start), give_up(start))
        assert refused.value.reason is SignInReason.DECLINED

    def test_an_answer_to_another_request_is_refused(
        self,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        identify: Callable[[SignInStart], BrowserAnswer],
    ) -> None:
        other = dataclasses.replace(sign_in, request_id=uuid4(), handle=secrets.token_urlsafe(32))
        answer = identify(identity_provider.begin(sign_in))
        with pytest.raises(SignInRefused):
            identity_provider.finish(pending(other, identity_provider.begin(other)), answer)

    def test_an_answer_is_read_once(
        self,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        identify: Callable[[SignInStart], BrowserAnswer],
    ) -> None:
        """What the browser brought twice is refused there, or is the same assertion, which the core refuses."""
        start = identity_provider.begin(sign_in)
        answer = identify(start)
        first = identity_provider.finish(pending(sign_in, start), answer)
        try:
            second = identity_provider.finish(pending(sign_in, start), answer)
        except (SignInRefused, ExternalSystemError):
            return
        assert second.assertion_id == first.assertion_id

    def test_fields_that_are_missing_doubled_or_odd_are_refused(
        self,
        dead_provider: IdentityProvider,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
    ) -> None:
        """Without asking anybody."""
        row = pending(sign_in, identity_provider.begin(sign_in))
        names = sorted(self.plugin_type.answer_fields)
        odd: list[tuple[tuple[str, str], ...]] = [
            (),
            tuple((name, "") for name in names),
            tuple((name, "x") for name in names for _ in range(2)),
            tuple((name, "\x00<" * 5000) for name in names),
        ]
        for fields in odd:
            for method in ("GET", "POST"):
                with pytest.raises(SignInRefused) as refused:
                    dead_provider.finish(row, BrowserAnswer(method, fields))
                assert str(refused.value) == "the sign-in was refused"

    def test_a_provider_nobody_reaches_signs_nobody_in(
        self,
        dead_provider: IdentityProvider,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        identify: Callable[[SignInStart], BrowserAnswer],
        plugin_settings: Any,
    ) -> None:
        if not self.plugin_type.hosts(plugin_settings):
            pytest.skip("this provider calls nobody")
        start = identity_provider.begin(sign_in)
        with pytest.raises(ExternalSystemError):
            dead_provider.finish(pending(sign_in, start), identify(start))

    def test_what_a_person_is_known_by_is_written_down_nowhere(
        self,
        identity_provider: IdentityProvider,
        sign_in: SignInRequest,
        identify: Callable[[SignInStart], BrowserAnswer],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        start = identity_provider.begin(sign_in)
        answer = identify(start)
        row = pending(sign_in, start)
        signed_in = identity_provider.finish(row, answer)
        told = " ".join([caplog.text, *(repr(each) for each in (sign_in, start, answer, row, signed_in))])
        brought = [value for _, value in answer.fields if value != signed_in.issuer]
        known = [signed_in.pesel, signed_in.family_name, signed_in.session, sign_in.handle, *brought]
        assert not [each for each in known if each and each in told]

    def test_a_session_can_be_ended_there(self, identity_provider: IdentityProvider, signed_in: Identity) -> None:
        if IdentityCapability.LOGOUT not in self.plugin_type.capabilities:
            pytest.skip("sessions there end by themselves")
        identity_provider.end(SignOutRequest(uuid4(), signed_in.session))

    def test_keys_that_run_out_are_told(self, identity_provider: IdentityProvider) -> None:
        if IdentityCapability.CERTIFICATES not in self.plugin_type.capabilities:
            pytest.skip("nothing of it runs out")
        later = identity_provider.expiries(clock.now() + timedelta(days=36_500))
        assert later
        assert all(each.over and each.ends_at.tzinfo is not None for each in later)
