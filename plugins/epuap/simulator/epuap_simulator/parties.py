"""Gminas as the node knows them from their applications: issuer, return address, certificates."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cryptography import x509


@dataclass(frozen=True)
class Party:
    issuer: str
    name: str
    acs: str
    signing: x509.Certificate
    encryption: x509.Certificate

    @classmethod
    def read(cls, text: str) -> Party:
        told = json.loads(text)
        return cls(
            issuer=told["issuer"],
            name=told["name"],
            acs=told["acs"],
            signing=x509.load_pem_x509_certificate(told["signing_certificate"].encode()),
            encryption=x509.load_pem_x509_certificate(told["encryption_certificate"].encode()),
        )
