"""Keys are made here, certificates by an authority; what does not fit together is said before anybody signs in."""

import dataclasses
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from plugins.epuap.tests.forge import DEBINA, LIPOWO, NOW, Town, pem, private_pem, settings_for, signer

from skarbnik.errors import Invalid
from skarbnik.plugin_api import HttpClient, Misconfigured
from skarbnik.tenancy.plugin_settings import parse_settings
from skarbnik.testing.identity import sign_in_request
from skarbnik_epuap.__main__ import write
from skarbnik_epuap.keys import expiries, make_key, read_key, read_keys
from skarbnik_epuap.provider import EpuapProvider
from skarbnik_epuap.settings import EpuapSettings
from skarbnik_epuap.signatures import Profile


def test_a_new_key_is_of_p_256_and_asks_for_its_certificate():
    made = make_key("lipowo.example", "Gmina Lipowo")
    key, request = read_key(made.key), x509.load_pem_x509_csr(made.request.encode())

    assert isinstance(key.curve, ec.SECP256R1)
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert request.subject.rfc4514_string() == "CN=lipowo.example,O=Gmina Lipowo,C=PL"
    assert "PRIVATE" not in repr(made)
    assert make_key("lipowo.example", "Gmina Lipowo").key != made.key


@pytest.mark.parametrize("profile", Profile)
def test_right_keys_are_read_also_when_their_lines_were_lost(profile):
    settings = settings_for(Town("lipowo", profile))
    pasted = {
        name: getattr(settings, name).replace("\n", " ")
        for name in ("signing_key", "signing_certificate", "encryption_key", "encryption_certificate")
    }
    keys = read_keys(dataclasses.replace(settings, **pasted))

    assert len(keys.encryption) == len(keys.provider) == 1
    assert "PRIVATE" not in repr(keys)


def test_a_key_of_the_old_kind_of_pem_is_read():
    key = signer("lipowo signing").key
    old = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert old.startswith("-----BEGIN EC PRIVATE KEY-----")
    assert read_key(old).private_numbers() == key.private_numbers()


def test_the_next_key_is_used_beside_the_current_one():
    new = signer("lipowo next")
    settings = settings_for(
        LIPOWO,
        next_encryption_key=private_pem(new.key).decode(),
        next_encryption_certificate=pem(new.certificate),
        idp_certificates=pem(signer("node").certificate) + "\n" + pem(signer("node next").certificate),
    )
    keys = read_keys(settings)

    assert [each.private_numbers() for each in keys.encryption] == [
        LIPOWO.sealing.key.private_numbers(),
        new.key.private_numbers(),
    ]
    assert len(keys.provider) == 2


WRONG = {
    "not its certificate": {"signing_certificate": pem(LIPOWO.sealing.certificate)},
    "not its key": {"encryption_key": private_pem(DEBINA.sealing.key).decode()},
    "another kind": {
        "signing_key": private_pem(signer("lipowo signing", Profile.RSA).key).decode(),
        "signing_certificate": pem(signer("lipowo signing", Profile.RSA).certificate),
    },
    "another kind of the provider": {"idp_certificates": pem(signer("node", Profile.RSA).certificate)},
    "no certificate of the provider": {"idp_certificates": "?"},
    "a broken key": {"signing_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"},
    "a broken certificate": {"signing_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
    "no base64": {"signing_key": "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----"},
    "no key at all": {"signing_key": "?"},
    "half of the next pair": {"next_encryption_key": private_pem(DEBINA.sealing.key).decode()},
    "two certificates": {"signing_certificate": pem(signer("lipowo signing").certificate) * 2},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_keys_that_do_not_fit_together_are_said_to_be_wrong(changes):
    settings = settings_for(LIPOWO, **changes)
    with pytest.raises(Misconfigured):
        read_keys(settings)
    provider = EpuapProvider(settings, HttpClient(frozenset()))
    with pytest.raises(Misconfigured):
        provider.begin(sign_in_request(LIPOWO.acs))


def test_an_encrypted_key_is_refused_and_not_asked_about():
    with pytest.raises(Misconfigured):
        read_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----")


def test_what_runs_out_is_told_in_time():
    soon = signer("lipowo signing soon", since=NOW - timedelta(days=300), days=330)  # ends in 30 days
    over = signer("node over", since=NOW - timedelta(days=400), days=300)
    settings = settings_for(
        LIPOWO,
        signing_key=private_pem(soon.key).decode(),
        signing_certificate=pem(soon.certificate),
        idp_certificates=pem(over.certificate),
    )

    assert [(each.what, each.over) for each in expiries(settings, NOW)] == [
        ("Certyfikat do podpisu", False),
        ("Certyfikat podpisu węzła", True),
    ]


def test_an_old_certificate_of_the_node_does_not_matter_beside_a_newer_one():
    over = signer("node over", since=NOW - timedelta(days=400), days=300)
    both = pem(over.certificate) + pem(signer("node").certificate)

    assert expiries(settings_for(LIPOWO, idp_certificates=both), NOW) == []


def test_a_certificate_that_is_none_cannot_be_watched():
    with pytest.raises(Misconfigured):
        expiries(settings_for(LIPOWO, idp_certificates="?"), NOW)


def _entered(**changes):
    values = dataclasses.asdict(settings_for(LIPOWO)) | changes
    return parse_settings(EpuapSettings, {name: value for name, value in values.items() if value not in ("", None)})


def test_settings_are_taken_as_an_office_enters_them():
    both = pem(signer("node").certificate) + pem(signer("node next").certificate)

    assert _entered() == settings_for(LIPOWO)
    assert _entered(provider_name="Gmina Łąka & spółka <3").provider_name == "Gmina Łąka & spółka <3"
    assert _entered(idp_certificates=both, skew=120).skew == 120


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "two words"),
        ("issuer", "a" * 201),
        ("signing_key", "a key"),
        ("signing_certificate", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ("sso_url", "http://login.gov.pl/login"),
        ("ars_url", "ftp://login.gov.pl/x"),
        ("ars_url", "https://user@login.gov.pl/x"),
        ("provider_name", "Gmina\x01Lipowo"),
        ("provider_name", "Gmina\nLipowo"),
        ("context_class", "\ufffe"),
        ("sp_type", "both"),
        ("level", "highest"),
        ("skew", 121),
        ("skew", -1),
        ("context", "other"),
        ("profile", "sha1"),
        ("without_pesel", "yes"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(name, value):
    with pytest.raises(Invalid) as refused:
        _entered(**{name: value})
    assert set(refused.value.problems) == {name}


def test_both_keys_of_a_gmina_are_written_once_and_for_nobody_else(tmp_path):
    folder = tmp_path / "keys"
    paths = write("lipowo.example", "Gmina Lipowo", folder)

    assert [path.name for path in paths] == ["signing.key", "signing.csr", "encryption.key", "encryption.csr"]
    assert {path.stat().st_mode & 0o777 for path in paths if path.suffix == ".key"} == {0o600}
    signing, encryption = (read_key((folder / f"{name}.key").read_text()) for name in ("signing", "encryption"))
    assert signing.private_numbers() != encryption.private_numbers()
    with pytest.raises(FileExistsError):
        write("lipowo.example", "Gmina Lipowo", folder)
