"""What this distribution offers to Skarbnik."""

from skarbnik.plugin_api import hookimpl
from skarbnik_epuap.provider import EpuapProvider


@hookimpl
def identity_providers():
    return [EpuapProvider]
