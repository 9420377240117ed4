"""Identity providers of the demo: gminas apply to the simulators as to the ministry, a bank, or their directory."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts import connections
from skarbnik.accounts.models import Door
from skarbnik.accounts.pending_sign_ins import return_url_of
from skarbnik.dev.plan import DemoPlan, GminaPlan
from skarbnik.plugin_api import Assurance
from skarbnik.tenancy.registry import Tenant

LONGEST_START = 20.0  # seconds
USES = ("signing", "encryption")
BANK = "bank"
DIRECTORY = "6f1c1d0e-5a53-4e0c-9a3e-0d1c6a7b2f10/v2.0"  # the simulator's, in the manner of Entra
_AUTHORITY = ec.generate_private_key(ec.SECP256R1())  # nobody checks the chain of the demo's certificates


def connect_providers(session: Session, tenant: Tenant, plan: DemoPlan, gmina: GminaPlan) -> None:
    """All the gmina has in the plan. What is there already stays."""
    for provider in gmina.providers:
        if provider == "epuap":
            _connect_node(session, tenant, plan, gmina)
        else:
            _connect_op(session, tenant, plan, gmina, provider)


def _connect_node(session: Session, tenant: Tenant, plan: DemoPlan, gmina: GminaPlan) -> None:
    """Keys made in the office, certificates for them, settings, and the node told of them."""
    if connections.find_connection(session, "epuap") is None:
        for use in USES:
            connections.make_waiting_key(session, tenant, "epuap", use)
            request = connections.read_prepared(session, tenant, "epuap").waiting[use].request
            connections.take_certificate(session, tenant, "epuap", use, _certify(request))
    wanted = {
        "issuer": gmina.url.rstrip("/"),
        "idp_issuer": "int.login.gov.pl",
        "idp_certificates": _ask(f"{plan.node_url}/_sim/certificate").decode(),
        "sso_url": f"{plan.node_url}/login/SingleSignOnService",
        "ars_url": f"{plan.node_url}/login-services/idpArtifactResolutionService",
        "slo_url": f"{plan.node_url}/login-services/singleLogoutService",
    }
    settings = _use(session, tenant, "epuap", wanted, door=Door.RESIDENTS, level=Assurance.SUBSTANTIAL)
    party = {
        "issuer": settings.issuer,
        "name": tenant.name,
        "acs": return_url_of(tenant, "epuap"),
        "signing_certificate": settings.signing_certificate,
        "encryption_certificate": settings.encryption_certificate,
    }
    _register(plan.registration(gmina, "epuap"), f"{plan.node_url}/_sim/parties", party)


def _connect_op(session: Session, tenant: Tenant, plan: DemoPlan, gmina: GminaPlan, provider: str) -> None:
    """A bank for residents, or the directory of the office for its people."""
    office = provider == "oidc_office"
    realm, secret = DIRECTORY if office else BANK, plan.secret_for(gmina, provider)
    wanted = {"issuer": f"{plan.oidc_url}/{realm}", "client_id": gmina.slug, "client_secret": secret}
    if office:
        wanted |= {"client_auth": "post", "level_without_acr": "low", "conditions": "groups=skarbnik"}
    else:
        wanted |= {
            "scope": "openid profile nin",
            "pesel_claim": "nin",
            "pesel_when": "nin_type=PERSON nin_issuing_country=PL",
            "acr_low": "urn:bank:loa:low",
            "acr_substantial": "urn:bank:loa:substantial",
            "acr_high": "urn:bank:loa:high",
        }
    door, level = (Door.OFFICE, Assurance.LOW) if office else (Door.RESIDENTS, Assurance.SUBSTANTIAL)
    _use(session, tenant, provider, wanted, door=door, level=level)
    client = {
        "realm": realm,
        "client_id": gmina.slug,
        "name": tenant.name,
        "redirect_uris": [return_url_of(tenant, provider)],
        "auth": "post" if office else "basic",
        "secret": secret,
    }
    _register(plan.registration(gmina, provider), f"{plan.oidc_url}/_sim/clients", client)


def _use(
    session: Session, tenant: Tenant, provider: str, wanted: dict[str, Any], *, door: Door, level: Assurance
) -> Any:
    """The settings in use afterwards. Ports may be others than at the last start."""
    first = connections.read_current(session, tenant, connections.find_connection(session, provider)) is None
    prepared = connections.read_prepared(session, tenant, provider)
    if any(prepared.values.get(name) != value for name, value in wanted.items()):
        connections.prepare(session, tenant, provider, prepared.values | wanted)
        connections.take_up(session, tenant, provider, by=None)
    if first:
        title = {"oidc": "mojeID", "oidc_office": "Konto w urzędzie"}.get(provider)
        connections.set_access(session, provider, door=door, level=level, enabled=True, title=title)
    return connections.read_current(session, tenant, connections.find_connection(session, provider))


def _register(kept: Path, url: str, words: dict[str, Any]) -> None:
    """Now, and for the simulator's next start."""
    kept.write_text(json.dumps(words), encoding="utf-8")
    _ask(url, json.dumps(words).encode())


def _certify(request: str) -> str:
    """A certificate for a request, as an authority sends it."""
    asked = x509.load_pem_x509_csr(request.encode())
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Demo CA")]))
        .public_key(asked.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=730))
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=True,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(_AUTHORITY, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def _ask(url: str, body: bytes | None = None) -> bytes:
    """A simulator that was started a moment ago may not listen yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # our own simulator
    deadline = time.monotonic() + LONGEST_START
    while True:
        try:
            with opener.open(request, timeout=10) as answer:
                content: bytes = answer.read()
            return content
        except ConnectionError as error:
            refused: Exception = error
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            refused = error
        if time.monotonic() > deadline:
            raise refused
        time.sleep(0.2)
