"""An operator who made five mistakes is told of five, not of the first one."""

import base64

import pytest

from skarbnik.settings import WrongConfiguration, read_settings

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def words(tmp_path):
    return {
        "SKARBNIK_ENV": "production",
        "SKARBNIK_INSTANCE": "skb",
        "DATABASE_URL": "postgresql://app:s3cret@db/skarbnik",
        "REDIS_URL": "redis://cache/0",
        "SKARBNIK_PUBLIC_URL": "https://skarbnik.example",
        "SKARBNIK_KEYS": f"2:{KEY},1:{KEY}",
        "SKARBNIK_FILES": str(tmp_path),
    }


def problems_of(words):
    with pytest.raises(WrongConfiguration) as caught:
        read_settings(words)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def test_a_right_configuration_is_read(words):
    settings = read_settings(words)

    assert (settings.host, settings.secure, settings.is_demo, settings.log) == ("skarbnik.example", True, False, "json")
    assert settings.keys == ((2, b"k" * 32), (1, b"k" * 32))


def test_everything_that_is_missing_is_named_at_once():
    named = " ".join(problems_of({}))

    for name in ("INSTANCE", "PUBLIC_URL", "KEYS", "FILES"):
        assert f"SKARBNIK_{name} is not set" in named
    assert "DATABASE_URL is not set" in named
    assert "REDIS_URL is not set" in named


def test_everything_that_is_wrong_is_named_at_once(words):
    wrong = {
        "SKARBNIK_ENV": "staging",
        "SKARBNIK_INSTANCE": "Skarbnik-1",
        "DATABASE_URL": "mysql://db/skarbnik",
        "SKARBNIK_OWNER_DATABASE_URL": "sqlite:///x",
        "REDIS_URL": "http://cache",
        "SKARBNIK_PUBLIC_URL": "https://skarbnik.example/portal",
        "SKARBNIK_KEYS": "1:short",
        "SKARBNIK_FILES": "/nowhere/at/all",
        "SKARBNIK_LOG": "xml",
    }

    found = problems_of(words | wrong)

    assert len(found) == len(wrong)
    assert all(any(problem.startswith(name) for problem in found) for name in wrong)


@pytest.mark.parametrize("environment", ["production", ""])
def test_pages_are_not_served_over_plain_http_outside_the_demo(words, environment):
    assert problems_of(words | {"SKARBNIK_ENV": environment, "SKARBNIK_PUBLIC_URL": "http://skarbnik.example"}) == [
        "SKARBNIK_PUBLIC_URL must be https:// outside the demo"
    ]
    assert not read_settings(words | {"SKARBNIK_ENV": "demo", "SKARBNIK_PUBLIC_URL": "http://localhost:8000"}).secure


@pytest.mark.parametrize(
    "address", ["https://", "https://a/b", "https://user@a", "https://a?b", "https://[oops", "https://a:port"]
)
def test_an_address_that_cannot_carry_gminas_is_refused(words, address):
    assert any("SKARBNIK_PUBLIC_URL" in problem for problem in problems_of(words | {"SKARBNIK_PUBLIC_URL": address}))


@pytest.mark.parametrize("keys", [f"0:{KEY}", f"256:{KEY}", f"x:{KEY}", KEY, f"1:{KEY[:-4]}", f"1:{KEY},1:{KEY}", ","])
def test_a_key_ring_that_could_lose_secrets_is_refused(words, keys):
    assert any("SKARBNIK_KEYS" in problem for problem in problems_of(words | {"SKARBNIK_KEYS": keys}))


def test_secrets_do_not_show_when_settings_are_printed(words):
    shown = repr(read_settings(words))

    assert "s3cret" not in shown
    assert "kkkk" not in shown
    assert KEY not in shown
