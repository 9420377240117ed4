"""What this distribution offers to Skarbnik."""

from skarbnik.plugin_api import hookimpl
from skarbnik_przelewy24.gateway import Przelewy24Gateway


@hookimpl
def payment_gateways():
    return [Przelewy24Gateway]
