"""What this distribution offers to Skarbnik."""

from __future__ import annotations

from skarbnik.plugin_api import IdentityProvider, hookimpl
from skarbnik_epuap.provider import EpuapProvider


@hookimpl
def identity_providers() -> list[type[IdentityProvider]]:
    return [EpuapProvider]
