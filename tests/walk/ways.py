"""Ways to sign in of the walk's town: a bank that is on, and login.gov.pl that is being prepared."""

from skarbnik.accounts import connections
from skarbnik.accounts.models import Door
from skarbnik.plugin_api import Assurance

BANK, NODE, USE = "oidc", "epuap", "signing"


def connect_ways(session, tenant):
    values = {"issuer": "https://bank.example/oidc", "client_id": "lipowo", "client_secret": "secret of the gmina"}
    connections.prepare(session, tenant, BANK, values)
    connections.take_up(session, tenant, BANK, by=None)
    title = "mojeID, czyli tożsamość potwierdzona w Twoim banku"
    connections.set_access(session, BANK, door=Door.RESIDENTS, level=Assurance.SUBSTANTIAL, enabled=True, title=title)
    connections.make_waiting_key(session, tenant, NODE, USE)
