"""Signatures and encryption by libxmlsec, which shares no line with the plugin.

libxmlsec follows XML Encryption 1.1, where each parameter of ConcatKDF has an octet that counts padding bits. The node
has none. So the octet is there while libxmlsec works, and is taken away afterwards, with the key that was mixed in
written where the node writes it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
NAMES = {"ds": DS, "xenc": XENC, "xenc11": XENC11, "dsig11": DSIG11}
PREFIXES = ["ds", "saml2", "saml2p", "xenc"]
KW_AES256 = XENC + "kw-aes256"
AGREEMENT = f"""<xenc:EncryptedKey xmlns:xenc="{XENC}" xmlns:ds="{DS}" xmlns:xenc11="{XENC11}">
<xenc:EncryptionMethod Algorithm="{KW_AES256}"/><ds:KeyInfo><xenc:AgreementMethod Algorithm="{XENC11}ECDH-ES">
<xenc11:KeyDerivationMethod Algorithm="{XENC11}ConcatKDF"><xenc11:ConcatKDFParams AlgorithmID="00%s" PartyUInfo="00%s"
 PartyVInfo="00%s"><ds:DigestMethod Algorithm="{XENC}sha256"/></xenc11:ConcatKDFParams></xenc11:KeyDerivationMethod>
<xenc:OriginatorKeyInfo><ds:KeyName>originator</ds:KeyName></xenc:OriginatorKeyInfo>
<xenc:RecipientKeyInfo><ds:KeyName>recipient</ds:KeyName></xenc:RecipientKeyInfo></xenc:AgreementMethod></ds:KeyInfo>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey>""".replace("\n", "")
TRANSPORT = f"""<xenc:EncryptedKey xmlns:xenc="{XENC}" xmlns:ds="{DS}" xmlns:xenc11="{XENC11}">
<xenc:EncryptionMethod Algorithm="{XENC11}rsa-oaep"><ds:DigestMethod Algorithm="{XENC}sha256"/>
<xenc11:MGF Algorithm="{XENC11}mgf1sha256"/></xenc:EncryptionMethod>
<ds:KeyInfo><ds:KeyName>recipient</ds:KeyName></ds:KeyInfo>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey>""".replace("\n", "")
DATA = f"""<xenc:EncryptedData xmlns:xenc="{XENC}" xmlns:ds="{DS}" Id="%s" Type="{XENC}Element">
<xenc:EncryptionMethod Algorithm="{XENC11}aes%d-gcm"><ds:DigestMethod Algorithm="{XENC}sha256"/></xenc:EncryptionMethod>
<ds:KeyInfo>%s</ds:KeyInfo>
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>""".replace("\n", "")

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Signer:
    """A private key with its certificate. ECDSA or RSA, as the key is."""

    key: Key
    certificate: x509.Certificate

    def sign(self, element: etree._Element) -> None:
        """Put a signature right behind the Issuer, as the node makes it, over the element and nothing else."""
        method = xmlsec.Transform.ECDSA_SHA256 if is_ec(self.key) else xmlsec.Transform.RSA_SHA256
        place = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, method, ns="ds")
        reference = xmlsec.template.add_reference(place, xmlsec.Transform.SHA256, uri=f"#{element.get('ID')}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        canonical = xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.template.transform_add_c14n_inclusive_namespaces(canonical, PREFIXES)
        xmlsec.template.x509_data_add_certificate(xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(place)))
        for each in place.iter():  # blanks that libxmlsec likes and the node does not send
            each.text, each.tail = (each.text or "").strip() or None, None
        element.insert(1, place)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(private_pem(self.key), xmlsec.KeyFormat.PEM)
        context.key.load_cert_from_memory(self.certificate.public_bytes(Encoding.PEM), xmlsec.KeyFormat.CERT_PEM)
        context.register_id(element, "ID")
        context.sign(place)


def verify(element: etree._Element, certificate: x509.Certificate) -> bool:
    """Whether the element has exactly one signature, over itself, by this certificate's key."""
    places = element.findall(f"{{{DS}}}Signature")
    if len(places) != 1 or places[0].find(f".//{{{DS}}}Reference").get("URI") != f"#{element.get('ID')}":
        return False
    context = xmlsec.SignatureContext()
    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    context.key = xmlsec.Key.from_memory(public, xmlsec.KeyFormat.PEM)
    try:
        context.register_id(element, "ID")
        context.verify(places[0])
    except xmlsec.Error:
        return False
    return True


def encrypt(
    plain: bytes, recipient: x509.Certificate, *, element_id: str, party_u: str, party_v: str, bits: int = 256
) -> etree._Element:
    """An EncryptedData for the certificate's key. With 128 bits it still says aes256-gcm, as the node once did."""
    public = recipient.public_key()
    agrees = isinstance(public, ec.EllipticCurvePublicKey)
    wrapped = AGREEMENT % tuple(counted(text) for text in (KW_AES256, party_u, party_v)) if agrees else TRANSPORT
    manager = xmlsec.KeysManager()
    _add(manager, "recipient", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    if agrees:
        _add(manager, "originator", private_pem(ephemeral))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, bits, xmlsec.KeyDataType.SESSION)
    data = context.encrypt_binary(etree.fromstring(DATA % (element_id, bits, wrapped)), plain)
    data.find(f"{{{XENC}}}EncryptionMethod").set("Algorithm", f"{XENC11}aes256-gcm")
    if agrees:
        _as_the_node_writes(data, ephemeral)
    return data


def counted(text: str) -> str:
    """Four bytes of length, then the text, in hexadecimal."""
    return (len(text.encode()).to_bytes(4, "big") + text.encode()).hex().upper()


def _as_the_node_writes(data: etree._Element, ephemeral: ec.EllipticCurvePrivateKey) -> None:
    parameters = data.find(f".//{{{XENC11}}}ConcatKDFParams")
    for name, value in parameters.attrib.items():
        parameters.set(name, value[2:])
    agreement = data.find(f".//{{{XENC}}}AgreementMethod")
    agreement.remove(agreement.find(f"{{{XENC}}}RecipientKeyInfo"))
    originator = agreement.find(f"{{{XENC}}}OriginatorKeyInfo")
    originator.remove(originator[0])
    value = etree.SubElement(originator, f"{{{DS}}}KeyValue")
    point = etree.SubElement(value, f"{{{DSIG11}}}ECKeyValue", nsmap={"dsig11": DSIG11})
    etree.SubElement(point, f"{{{DSIG11}}}NamedCurve", URI="urn:oid:1.2.840.10045.3.1.7")
    encoded = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    etree.SubElement(point, f"{{{DSIG11}}}PublicKey").text = b64encode(encoded).decode()


def _add(manager: xmlsec.KeysManager, name: str, pem: bytes) -> None:
    key = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM)
    key.name = name
    manager.add_key(key)


def is_ec(key: Key) -> bool:
    return isinstance(key, ec.EllipticCurvePrivateKey)


def private_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
