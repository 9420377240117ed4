"""SOAP 1.1: one signed message in a body, one body back. The address is of the settings, never of a message."""

from __future__ import annotations

from lxml import etree

from skarbnik.plugin_api import ExternalSystemError, HttpClient, Misconfigured, Nonsense
from skarbnik_epuap.documents import Element
from skarbnik_epuap.words import SOAP, tag

HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "Accept": "text/xml"}


def wrap(message: Element) -> bytes:
    """Bytes of an envelope. The message is put in as it was signed, never changed again."""
    envelope = etree.Element(tag(SOAP, "Envelope"), nsmap={"soap": SOAP})
    etree.SubElement(envelope, tag(SOAP, "Body")).append(message)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def call(http: HttpClient, address: str, message: Element) -> bytes:
    """What came back with status 200. No word of it is in an error: it may be about a person."""
    answer = http.request("POST", address, headers=HEADERS, body=wrap(message))
    if answer.status == 200:
        return answer.body
    if answer.status in {401, 403}:
        raise Misconfigured(f"the provider does not accept our certificate or address: status {answer.status}")
    if 300 <= answer.status < 400:
        raise Nonsense(f"the provider sends us elsewhere: status {answer.status}")
    raise ExternalSystemError(f"the provider answered with status {answer.status}")
