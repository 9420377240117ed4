"""What this distribution offers to Skarbnik."""

from skarbnik.plugin_api import hookimpl
from skarbnik_payu.gateway import PayuGateway


@hookimpl
def payment_gateways():
    return [PayuGateway]
