"""The words of SAML 2.0, XML Signature, XML Encryption and eIDAS that are used here."""

from __future__ import annotations

from skarbnik.plugin_api import Assurance

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
EIDAS = "http://eidas.europa.eu/saml-extensions"
COI = "http://coi.gov.pl/saml-extensions"
KIR = "http://wb.kir.pl/saml-extensions"
XINCLUDE = "http://www.w3.org/2001/XInclude"

ENVELOPED = DS + "enveloped-signature"
SHA256 = XENC + "sha256"
KW_AES256 = XENC + "kw-aes256"
ECDH_ES = XENC11 + "ECDH-ES"
CONCAT_KDF = XENC11 + "ConcatKDF"
RSA_OAEP = XENC11 + "rsa-oaep"
MGF1_SHA256 = XENC11 + "mgf1sha256"
P256 = "urn:oid:1.2.840.10045.3.1.7"

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
ARTIFACT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
URI_NAME = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

NATURAL_PERSON = "http://eidas.europa.eu/attributes/naturalperson/"
GIVEN_NAME = NATURAL_PERSON + "CurrentGivenName"
FAMILY_NAME = NATURAL_PERSON + "CurrentFamilyName"
DATE_OF_BIRTH = NATURAL_PERSON + "DateOfBirth"
PERSON_IDENTIFIER = NATURAL_PERSON + "PersonIdentifier"

LEVELS = {level: f"http://eidas.europa.eu/LoA/{level}" for level in Assurance}


def tag(namespace: str, name: str) -> str:
    """A name as lxml writes it."""
    return f"{{{namespace}}}{name}"
