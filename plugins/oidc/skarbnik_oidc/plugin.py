"""What this distribution offers to Skarbnik."""

from skarbnik.plugin_api import hookimpl
from skarbnik_oidc.provider import OidcOfficeProvider, OidcProvider


@hookimpl
def identity_providers():
    return [OidcProvider, OidcOfficeProvider]
