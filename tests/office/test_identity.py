"""An office connects login.gov.pl by itself: keys made here, certificates that fit, settings that are whole."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import update

from skarbnik import clock
from skarbnik.accounts import connections
from skarbnik.accounts.models import Door, ProviderConnection, WebSession
from skarbnik.plugin_api import Assurance, Role
from skarbnik.testing.factories import PASSWORD, OfficialFactory, bound_to

PAGE = "/office/identity/epuap"
AUTHORITY = ec.generate_private_key(ec.SECP256R1())


def certify(public_key, *, days=730):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gmina")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=days))
        .sign(AUTHORITY, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def office(tenant, browse):
    with tenant.session() as session, bound_to(session):
        email = OfficialFactory(roles=Role.ADMINISTRATOR.value).email
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD, office=True)
    browser.get("/language/en?back=/office/identity")
    return browser


def settings(**changes):
    values = {
        "issuer": "https://lipowo.example",
        "idp_issuer": "int.login.gov.pl",
        "idp_certificates": certify(AUTHORITY.public_key()),
        "sso_url": "https://int.login.gov.pl/sso",
        "ars_url": "https://int.login.gov.pl/ars",
        "slo_url": "https://int.login.gov.pl/slo",
        "sp_type": "public",
        "level": "substantial",
        "skew": "90",
        "context": "none",
        "profile": "wk",
    }
    return values | changes


def connect(office, *, days=730):
    """All an office does, in its order."""
    for use in ("signing", "encryption"):
        office.get(PAGE)
        office.post(f"{PAGE}/keys/{use}", {})
        request = x509.load_pem_x509_csr(office.get(f"{PAGE}/keys/{use}.csr").data)
        office.get(PAGE)
        office.post(f"{PAGE}/keys/{use}/certificate", {"certificate": certify(request.public_key(), days=days)})
    office.post(f"{PAGE}/settings", settings())
    return office.post(f"{PAGE}/take-up", {})


def test_an_office_connects_it_from_the_first_key_to_the_button_of_residents(office, tenant, browse):
    assert connect(office).status_code == 303
    assert "used from now on" in office.get(PAGE).text
    office.post(f"{PAGE}/access", {"enabled": "y", "door": "residents", "level": "substantial"})

    with tenant.session() as session:
        connection = session.get_one(ProviderConnection, "epuap")
        current = connections.read_current(session, tenant, connection)
    assert (connection.enabled, connection.door, connection.level) == (True, Door.RESIDENTS, Assurance.SUBSTANTIAL)
    assert current.signing_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert "Profil Zaufany" in browse("lipowo").get("/sign-in").text
    assert "Profil Zaufany" not in browse("debina").get("/sign-in").text


def test_the_request_is_signed_by_its_own_key_and_names_the_gmina(office):
    office.get(PAGE)
    office.post(f"{PAGE}/keys/signing", {})

    request = x509.load_pem_x509_csr(office.get(f"{PAGE}/keys/signing.csr").data)

    assert request.is_signature_valid
    assert isinstance(request.public_key().curve, ec.SECP256R1)
    assert "CN=lipowo.skarbnik.test" in request.subject.rfc4514_string()
    assert "O=Gmina Lipowo" in request.subject.rfc4514_string()


def test_no_page_shows_a_private_key(office, tenant):
    connect(office)
    office.post(f"{PAGE}/keys/signing", {})

    for path in ("/office/identity", PAGE, f"{PAGE}/keys/signing.csr"):
        assert "PRIVATE KEY" not in office.get(path).text
    with tenant.session() as session:
        assert b"PRIVATE" not in session.get_one(ProviderConnection, "epuap").draft


@pytest.mark.parametrize("certificate", ["", "no certificate", "OTHER"])
def test_a_certificate_of_another_key_is_not_joined(office, tenant, certificate):
    office.get(PAGE)
    office.post(f"{PAGE}/keys/signing", {})
    brought = certify(AUTHORITY.public_key()) if certificate == "OTHER" else certificate

    answer = office.post(f"{PAGE}/keys/signing/certificate", {"certificate": brought})

    assert answer.status_code == 422
    with tenant.session() as session:
        prepared = connections.read_prepared(session, tenant, "epuap")
    assert prepared.waiting.keys() == {"signing"}
    assert "signing_key" not in prepared.values


def test_what_is_half_done_is_kept_and_not_used(office, tenant):
    office.get(PAGE)
    office.post(f"{PAGE}/settings", settings(issuer=""))
    office.get(PAGE)

    office.post(f"{PAGE}/take-up", {})

    text = office.get(PAGE).text
    assert "not whole yet" in text
    assert "int.login.gov.pl" in text
    with tenant.session() as session:
        assert session.get_one(ProviderConnection, "epuap").settings_version is None


def test_what_cannot_be_right_is_refused_beside_its_field(office):
    office.get(PAGE)

    answer = office.post(f"{PAGE}/settings", settings(sso_url="http://login.gov.pl/"))

    assert answer.status_code == 422
    assert 'id="sso_url-error"' in answer.text


def test_it_lets_nobody_in_without_settings(office, tenant):
    office.get(PAGE)
    office.post(f"{PAGE}/access", {"enabled": "y", "door": "residents", "level": "low"})

    with tenant.session() as session:
        assert session.get(ProviderConnection, "epuap") is None


def test_new_settings_change_nothing_until_they_are_used_and_may_be_forgotten(office, tenant):
    connect(office)
    office.get(PAGE)
    office.post(f"{PAGE}/settings", settings(issuer="https://other.example"))
    office.get(PAGE)
    office.post(f"{PAGE}/forget", {})

    with tenant.session() as session:
        connection = session.get_one(ProviderConnection, "epuap")
        assert connection.settings_version == 1
        assert connections.read_prepared(session, tenant, "epuap").values["issuer"] == "https://lipowo.example"


def test_a_certificate_that_ends_soon_is_told_on_the_page(office):
    connect(office, days=20)

    assert "A new one takes weeks" in office.get("/office/identity").text


def test_an_office_learns_by_e_mail_what_ends_soon(office, tenant):
    from sqlalchemy import select

    from skarbnik.mail.models import Mail
    from skarbnik.office.tending import warn_of_expiries

    connect(office, days=20)
    for _ in range(2):
        warn_of_expiries(tenant)

    with tenant.session() as session:
        (mail,) = session.scalars(select(Mail).where(Mail.cause == "identity.expiry")).all()
    assert mail.recipient == "urzad@lipowo.example"


@pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUDITOR, Role.COMMUNICATIONS])
def test_only_administrators_see_it(tenant, browse, role):
    with tenant.session() as session, bound_to(session):
        email = OfficialFactory(roles=role.value).email
    browser = browse("lipowo")
    browser.sign_in(email, PASSWORD, office=True)

    assert browser.get(PAGE).status_code == 404
    assert browser.post(f"{PAGE}/keys/signing", {}).status_code == 404


def test_a_plugin_the_gmina_has_not_is_not_there(office):
    assert office.get("/office/identity/nothing").status_code == 404
    assert office.post("/office/identity/nothing/keys/signing", {}).status_code == 404
    assert office.post(f"{PAGE}/keys/nothing", {}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/access", "/settings", "/take-up", "/forget", "/try", "/keys/signing", "/keys/signing/certificate"]
)
def test_a_browser_left_open_changes_nothing_of_it(office, tenant, path):
    """Whoever names the provider names who residents are: it weighs as much as the keys of the API."""
    connect(office)
    with tenant.session() as session:
        session.execute(update(WebSession).values(second_at=clock.now() - timedelta(minutes=11)))
    assert office.get(PAGE).status_code == 200

    answer = office.post(f"{PAGE}{path}", {**settings(), "door": "residents", "level": "low", "enabled": "y"})

    if path == "/settings":  # what is typed there may be secret: it is not carried through a page
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/confirm")
    else:
        assert answer.status_code == 401  # the page that asks for the second step
    with tenant.session() as session:
        assert not session.get_one(ProviderConnection, "epuap").enabled
