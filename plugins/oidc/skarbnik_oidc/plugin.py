"""What this distribution offers to Skarbnik."""

from __future__ import annotations

from skarbnik.plugin_api import IdentityProvider, hookimpl
from skarbnik_oidc.provider import OidcOfficeProvider, OidcProvider


@hookimpl
def identity_providers() -> list[type[IdentityProvider]]:
    return [OidcProvider, OidcOfficeProvider]
