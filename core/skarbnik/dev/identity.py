"""login.gov.pl for the demo: gminas apply to the simulator as to the ministry, with keys made in the office."""

from __future__ import annotations

import json
import urllib.request
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts import connections
from skarbnik.accounts.away import return_url_of
from skarbnik.accounts.models import Door
from skarbnik.dev.plan import DemoPlan, GminaPlan
from skarbnik.plugin_api import Assurance
from skarbnik.tenancy.registry import Tenant

PROVIDER = "epuap"
USES = ("signing", "encryption")
_AUTHORITY = ec.generate_private_key(ec.SECP256R1())  # nobody checks the chain of the demo's certificates


def connect_node(session: Session, tenant: Tenant, plan: DemoPlan, gmina: GminaPlan) -> None:
    """Keys, certificates, settings, and the node told of them. What is there already stays."""
    connection = connections.list_connections(session).get(PROVIDER)
    current = connections.read_current(session, tenant, connection)
    wanted = _values(plan, gmina)
    if current is None:
        for use in USES:
            connections.make_waiting_key(session, tenant, PROVIDER, use)
            request = connections.read_prepared(session, tenant, PROVIDER).waiting[use].request
            connections.take_certificate(session, tenant, PROVIDER, use, _certify(request))
    prepared = connections.read_prepared(session, tenant, PROVIDER)
    if any(prepared.values.get(name) != value for name, value in wanted.items()):
        connections.prepare(session, tenant, PROVIDER, prepared.values | wanted)
        connections.take_up(session, tenant, PROVIDER, by=None)
    if current is None:
        connections.set_access(session, PROVIDER, door=Door.RESIDENTS, level=Assurance.SUBSTANTIAL, enabled=True)
    settings: Any = connections.read_current(session, tenant, connections.list_connections(session)[PROVIDER])
    party = {
        "issuer": settings.issuer,
        "name": tenant.name,
        "acs": return_url_of(tenant, PROVIDER),
        "signing_certificate": settings.signing_certificate,
        "encryption_certificate": settings.encryption_certificate,
    }
    plan.party_file(gmina).write_text(json.dumps(party), encoding="utf-8")  # for its next start
    _ask(f"{plan.node_url}/_sim/parties", json.dumps(party).encode())


def _values(plan: DemoPlan, gmina: GminaPlan) -> dict[str, Any]:
    """What the ministry answers to an application."""
    return {
        "issuer": gmina.url.rstrip("/"),
        "idp_issuer": "int.login.gov.pl",
        "idp_certificates": _ask(f"{plan.node_url}/_sim/certificate").decode(),
        "sso_url": f"{plan.node_url}/login/SingleSignOnService",
        "ars_url": f"{plan.node_url}/login-services/idpArtifactResolutionService",
        "slo_url": f"{plan.node_url}/login-services/singleLogoutService",
    }


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
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # our own simulator
    with opener.open(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content
