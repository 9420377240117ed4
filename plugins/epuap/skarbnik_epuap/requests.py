"""What we send: AuthnRequest, ArtifactResolve, LogoutRequest. Built as trees, so that no text becomes a tag."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lxml import etree

from skarbnik.plugin_api import Assurance
from skarbnik_epuap.documents import Element
from skarbnik_epuap.persons import AttributeNames
from skarbnik_epuap.settings import EpuapSettings
from skarbnik_epuap.words import ARTIFACT_BINDING, COI, EIDAS, KIR, LEVELS, SAML, SAMLP, UNSPECIFIED, URI_NAME, tag

NAMES = {"saml2p": SAMLP, "saml2": SAML}
FRIENDLY = {"given_name": "FirstName", "family_name": "FamilyName", "born_on": "DateOfBirth"}
CONTEXTS = {"coi": tag(COI, "CoiOperationContext"), "kir": tag(KIR, "OperationContext")}
PATIENCE = timedelta(minutes=5)


def authn_request(
    settings: EpuapSettings,
    names: AttributeNames,
    *,
    message_id: str,
    return_url: str,
    level: Assurance,
    now: datetime,
) -> Element:
    """Who is it? To be answered by an artifact at `return_url`, with at least `level`, and asked for anew."""
    root = _message("AuthnRequest", settings, message_id, settings.destination or settings.sso_url, now)
    root.set("ForceAuthn", "true")
    root.set("AssertionConsumerServiceURL", return_url)
    root.set("ProtocolBinding", ARTIFACT_BINDING)
    if settings.provider_name:
        root.set("ProviderName", settings.provider_name)
    _extensions(root, settings, names)
    etree.SubElement(root, tag(SAMLP, "NameIDPolicy"), Format=UNSPECIFIED, AllowCreate="true")
    wanted = etree.SubElement(root, tag(SAMLP, "RequestedAuthnContext"), Comparison="minimum")
    etree.SubElement(wanted, tag(SAML, "AuthnContextClassRef")).text = LEVELS[level]
    return root


def artifact_resolve(settings: EpuapSettings, *, message_id: str, artifact: str, now: datetime) -> Element:
    root = _message("ArtifactResolve", settings, message_id, settings.ars_url, now)
    etree.SubElement(root, tag(SAMLP, "Artifact")).text = artifact
    return root


def logout_request(
    settings: EpuapSettings,
    *,
    message_id: str,
    name: str,
    name_format: str | None,
    index: str | None,
    now: datetime,
) -> Element:
    root = _message("LogoutRequest", settings, message_id, settings.slo_url, now)
    root.set("NotOnOrAfter", _moment(now + PATIENCE))
    named = etree.SubElement(root, tag(SAML, "NameID"))
    named.text = name
    if name_format:
        named.set("Format", name_format)
    if index:
        etree.SubElement(root, tag(SAMLP, "SessionIndex")).text = index
    return root


def _message(name: str, settings: EpuapSettings, message_id: str, destination: str, now: datetime) -> Element:
    root = etree.Element(tag(SAMLP, name), nsmap=NAMES, ID=message_id, Version="2.0", IssueInstant=_moment(now))
    root.set("Destination", destination)
    etree.SubElement(root, tag(SAML, "Issuer")).text = settings.issuer
    return root


def _extensions(root: Element, settings: EpuapSettings, names: AttributeNames) -> None:
    """In the order the node's schema wants: SPType, RequestedAttributes, one context or none."""
    extensions = etree.SubElement(root, tag(SAMLP, "Extensions"), nsmap={"eidas": EIDAS})
    etree.SubElement(extensions, tag(EIDAS, "SPType")).text = settings.sp_type
    wanted = etree.SubElement(extensions, tag(EIDAS, "RequestedAttributes"))
    for field, friendly in (*FRIENDLY.items(), ("identifier", "PersonIdentifier")):
        attribute = etree.SubElement(wanted, tag(EIDAS, "RequestedAttribute"), Name=getattr(names, field))
        attribute.set("FriendlyName", friendly)
        attribute.set("NameFormat", URI_NAME)
        attribute.set("isRequired", "true")
    if settings.context in CONTEXTS:
        etree.SubElement(
            extensions,
            CONTEXTS[settings.context],
            nsmap={"context": COI if settings.context == "coi" else KIR},
            ContextClass=settings.context_class,
            ContextDescription=settings.context_description,
            DocumentID=settings.context_document,
        )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
