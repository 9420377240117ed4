"""What the demo consists of: three gminas, their ports, secrets and folders. A plain function of the demo's state."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from skarbnik.dev.servers import with_login
from skarbnik.dev.state import CHECKOUT, State, made

INSTANCE = "demo"
DATABASE = "skarbnik"
WEB_PORT = 8000
SEEDS = [Path(__file__).with_name(name) for name in ("seed.py", "identity.py")]


@dataclass(frozen=True)
class PayuPos:
    """A point of sale at the PayU simulator; its money goes to one bank account of the gmina."""

    name: str
    pos_id: str
    client_id: str
    client_secret: str
    second_key: str

    @property
    def argument(self) -> str:
        """As the simulator wants it on its command line."""
        return f"{self.pos_id}:{self.client_id}:{self.client_secret}:{self.second_key}:{self.name}"


@dataclass(frozen=True)
class Przelewy24Point:
    """A point of sale at the Przelewy24 simulator; its money goes to one bank account of the gmina."""

    name: str
    merchant_id: str
    pos_id: str
    api_key: str
    crc: str

    @property
    def argument(self) -> str:
        """As the simulator wants it on its command line."""
        return f"{self.merchant_id}:{self.pos_id}:{self.api_key}:{self.crc}:{self.name}"


@dataclass(frozen=True)
class GminaPlan:
    slug: str
    name: str
    puma_code: str
    puma_seed: int
    payers: int
    url: str
    payu: tuple[PayuPos, ...]  # the office, then its municipal company
    przelewy24: tuple[Przelewy24Point, ...] = ()  # likewise
    providers: tuple[str, ...] = ()  # where people prove who they are, beside a password
    puma_token: str = ""  # its finance system is asked over HTTP; without one files lie in a folder


@dataclass(frozen=True)
class DemoPlan:
    """Everything `skarbnik.dev.seed.seed` needs. Seeding twice with the same plan changes nothing."""

    gminas: tuple[GminaPlan, ...]
    public_url: str
    payu_url: str
    przelewy24_url: str
    puma_url: str
    node_url: str  # login.gov.pl
    oidc_url: str  # a bank and a directory of an office
    identity: Path  # what both know of the gminas
    mail_url: str
    smtp_host: str
    smtp_port: int
    puma_ledger: Path  # the books of all gminas, full before seeding begins
    exchange: Path  # of gmina T: <exchange>/T/puma/{in,out}
    environment: Mapping[str, str]  # for read_settings()
    password_key: str

    def password_for(self, login: str) -> str:
        """The password of one demo account: the same at each start, another for each login and machine."""
        digest = hmac.digest(self.password_key.encode(), login.encode(), "sha256")
        text = base64.b32encode(digest).decode().lower()
        return "-".join((text[:4], text[4:8], text[8:12], text[12:16]))

    def app_key_for(self, login: str) -> str:
        """The key of the authenticator app of an official or operator, as long as the product makes them."""
        digest = hmac.digest(self.password_key.encode(), f"app {login}".encode(), "sha256")
        return base64.b32encode(digest[:20]).decode()

    def puma_folder(self, tenant_id: str) -> Path:
        """Where the finance system of a gmina leaves its files and finds ours."""
        return self.exchange / tenant_id / "puma"

    def puma_settings(self, gmina: GminaPlan) -> dict[str, str]:
        """What an office enters about its finance system."""
        code = {"tenant_code": gmina.puma_code}
        if not gmina.puma_token:
            return code
        return code | {"address": f"{self.puma_url}/{gmina.puma_code}/exchange", "token": gmina.puma_token}

    def registration(self, gmina: GminaPlan, provider: str) -> Path:
        """What a provider knows of a gmina."""
        return self.identity / f"{provider}-{gmina.slug}.json"

    def secret_for(self, gmina: GminaPlan, provider: str) -> str:
        """With what a gmina proves itself to a provider."""
        return self.password_for(f"{provider}@{gmina.slug}")

    def digest(self) -> str:
        """Changes when seeding has something new to say: another port, another gmina, another way to seed."""
        words = repr(sorted(asdict(self).items(), key=lambda item: item[0])).encode()
        return hashlib.sha256(words + b"".join(each.read_bytes() for each in SEEDS)).hexdigest()


def make_plan(state: State, environment: Mapping[str, str]) -> DemoPlan:
    port = urlsplit(environment["SKARBNIK_PUBLIC_URL"]).port
    return DemoPlan(
        gminas=(
            replace(
                _gmina(state, 1, "lipowo", "Gmina Lipowo", port, payers=400),
                przelewy24=przelewy24_points(state, 1, "lipowo", "Gmina Lipowo"),
                providers=("epuap", "oidc_office"),
            ),
            replace(
                _gmina(state, 2, "debina", "Gmina Dębina", port, payers=250),
                payu=(),
                przelewy24=przelewy24_points(state, 2, "debina", "Gmina Dębina"),
                providers=("epuap", "oidc"),
            ),
            replace(
                _gmina(state, 3, "zalesie", "Gmina Zalesie", port, payers=120),
                puma_token=state.secret("puma-zalesie-token", 16),
            ),
        ),
        public_url=environment["SKARBNIK_PUBLIC_URL"],
        payu_url=f"http://127.0.0.1:{state.port('payu')}",
        przelewy24_url=f"http://127.0.0.1:{state.port('przelewy24')}",
        puma_url=f"http://127.0.0.1:{state.port('puma')}",
        node_url=f"http://127.0.0.1:{state.port('epuap')}",
        oidc_url=f"http://127.0.0.1:{state.port('oidc')}",
        identity=made(state.folder / "identity"),
        mail_url=f"http://127.0.0.1:{state.port('mail')}",
        smtp_host="127.0.0.1",
        smtp_port=state.port("smtp"),
        puma_ledger=state.folder / "puma.sqlite",
        exchange=made(Path(environment["SKARBNIK_FILES"]) / "exchange"),
        environment=environment,
        password_key=state.secret("accounts"),
    )


def _gmina(state: State, number: int, slug: str, name: str, port: int | None, *, payers: int) -> GminaPlan:
    return GminaPlan(
        slug=slug,
        name=name,
        puma_code=f"PL-{slug.upper()}",
        puma_seed=number,
        payers=payers,
        url=f"http://{slug}.localhost:{port}/",
        payu=payu_points(state, number, slug, name),
    )


def payu_points(state: State, number: int, slug: str, name: str) -> tuple[PayuPos, ...]:
    return (
        _pos(state, f"{slug}-urzad", 300000 + 10 * number, name),
        _pos(state, f"{slug}-komunalny", 300001 + 10 * number, _company(name)),
    )


def przelewy24_points(state: State, number: int, slug: str, name: str) -> tuple[Przelewy24Point, ...]:
    """One merchant with two points of sale, each with keys of its own."""
    merchant = 99000 + 10 * number
    return tuple(
        Przelewy24Point(
            name=owner,
            merchant_id=str(merchant),
            pos_id=str(merchant + place),
            api_key=state.secret(f"przelewy24-{slug}-{key}-api", 16),
            crc=state.secret(f"przelewy24-{slug}-{key}-crc", 8),
        )
        for place, (key, owner) in enumerate((("urzad", name), ("komunalny", _company(name))))
    )


def _company(name: str) -> str:
    return f"Zakład Komunalny {name.removeprefix('Gmina ')}"


def _pos(state: State, key: str, number: int, name: str) -> PayuPos:
    return PayuPos(
        name=name,
        pos_id=str(number),
        client_id=str(number),
        client_secret=state.secret(f"payu-{key}-client", 16),
        second_key=state.secret(f"payu-{key}-second", 16),
    )


def product_environment(
    state: State, *, admin_url: str, redis_url: str, web_port: int, environment: str = "demo", log: str = "json"
) -> dict[str, str]:
    """The environment the product's processes run in, on top of the machine's own."""
    database = DATABASE if not os.environ.get("DATABASE_URL") else database_of(admin_url)
    key = base64.b64encode(bytes.fromhex(state.secret("keys", 32))).decode()
    owner, runtime = (f"{INSTANCE}_{part}" for part in ("owner", "app"))
    return {
        "SKARBNIK_ENV": environment,
        "SKARBNIK_INSTANCE": INSTANCE,
        "DATABASE_URL": with_login(admin_url, runtime, state.secret("database-app"), database),
        "SKARBNIK_OWNER_DATABASE_URL": with_login(admin_url, owner, state.secret("database-owner"), database),
        "REDIS_URL": redis_url,
        "SKARBNIK_PUBLIC_URL": f"http://localhost:{web_port}",
        "SKARBNIK_KEYS": f"1:{key}",
        "SKARBNIK_FILES": str(made(state.folder / "files")),
        "SKARBNIK_TENANTS": str(CHECKOUT / "tenants"),
        "SKARBNIK_LOG": log,
    }


def database_of(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/")) or DATABASE
