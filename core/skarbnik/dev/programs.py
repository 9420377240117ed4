"""The demo's programs: simulators, mail catcher, and the product's three processes."""

from __future__ import annotations

import functools
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from skarbnik.clock import today
from skarbnik.dev.plan import DemoPlan, GminaPlan
from skarbnik.dev.ports import has_ipv6
from skarbnik.dev.processes import Program
from skarbnik.dev.state import CHECKOUT, State

PLUGINS = CHECKOUT / "plugins"
PAYU = PLUGINS / "payu" / "simulator" / "main.py"
PRZELEWY24 = PLUGINS / "przelewy24" / "simulator" / "main.py"
EPUAP = PLUGINS / "epuap" / "simulator" / "main.py"
OIDC = PLUGINS / "oidc" / "simulator" / "main.py"
PUMA = PLUGINS / "puma" / "simulator" / "main.py"


def payu(state: State, plan: DemoPlan) -> Program:
    points = [part for gmina in plan.gminas for pos in gmina.payu for part in ("--pos", pos.argument)]
    arguments = ("--port", port_of(plan.payu_url), "--ledger", str(state.folder / "payu.sqlite"), *points)
    return python("payu", {}, str(PAYU), *arguments, ready=plan.payu_url)


def przelewy24(state: State, plan: DemoPlan) -> Program:
    points = [part for gmina in plan.gminas for point in gmina.przelewy24 for part in ("--pos", point.argument)]
    arguments = ("--port", port_of(plan.przelewy24_url), "--ledger", str(state.folder / "przelewy24.sqlite"), *points)
    return python("przelewy24", {}, str(PRZELEWY24), *arguments, ready=plan.przelewy24_url)


# Payers of the finance system's simulator who are to be had at login.gov.pl and at the bank, too.
PEOPLE = (
    ("anna", "Anna", "Kowalska", "1984-05-12", "84051203469"),
    ("jan-k", "Jan", "Kowalski", "1981-11-03", "81110302754"),
)


def epuap(plan: DemoPlan) -> Program:
    """login.gov.pl. It knows the gminas that applied before; others apply while it runs."""
    names = ("key", "given_name", "family_name", "born_on", "identifier")
    people = [dict(zip(names, each, strict=True)) | {"level": "substantial"} for each in PEOPLE]
    files = ("--keys", str(plan.identity / "node.pem"), "--people", _written(plan.identity / "node.people", people))
    arguments = ("--port", port_of(plan.node_url), *files, *_known("--party", plan, ("epuap",)))
    return python("epuap", {"SKARBNIK_ENV": "demo"}, str(EPUAP), *arguments, ready=plan.node_url)


def oidc(plan: DemoPlan) -> Program:
    """A bank in the manner of mojeID, and the directory of an office in the manner of Entra."""
    people = [
        {
            "key": key,
            "realm": "bank",
            "given_name": given,
            "family_name": family,
            "claims": {"birthdate": born_on, "nin": number, "nin_type": "PERSON", "nin_issuing_country": "PL"},
            "acr": "urn:bank:loa:substantial",
        }
        for key, given, family, born_on, number in PEOPLE
    ]
    files = ("--keys", str(plan.identity / "op.pem"), "--people", _written(plan.identity / "op.people", people))
    arguments = ("--port", port_of(plan.oidc_url), *files, *_known("--client", plan, ("oidc", "oidc_office")))
    return python("oidc", {"SKARBNIK_ENV": "demo"}, str(OIDC), *arguments, ready=plan.oidc_url)


def _written(path: Path, content: object) -> str:
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def _known(option: str, plan: DemoPlan, providers: tuple[str, ...]) -> list[str]:
    """The gminas that registered before."""
    files = [plan.registration(gmina, each) for gmina in plan.gminas for each in gmina.providers if each in providers]
    return [part for file in files if file.exists() for part in (option, str(file))]


def puma(plan: DemoPlan, tenants: Mapping[str, str]) -> Program:
    """The finance system. It knows the folders, and those carry the tenant id that seeding gave.

    Who is asked over HTTP keeps files in a folder of its own and has a token.
    """
    places: list[str] = []
    for gmina in plan.gminas:
        if gmina.puma_token:
            own = plan.puma_ledger.parent / "puma-files" / gmina.slug
            places += ["--gmina", f"{gmina.puma_code}={own}", "--token", f"{gmina.puma_code}={gmina.puma_token}"]
        else:
            places += ["--gmina", puma_place(plan, gmina, tenants[gmina.slug])]
    arguments = ("serve", "--port", port_of(plan.puma_url), "--ledger", str(plan.puma_ledger), *places)
    return python("puma", {}, str(PUMA), *arguments, ready=plan.puma_url)


def fill_books(plan: DemoPlan, gmina: GminaPlan) -> Program:
    """Invents the people of a gmina and what they owe."""
    arguments = ["--gmina", gmina.puma_code, "--name", gmina.name, "--seed", str(gmina.puma_seed)]
    arguments += ["--payers", str(gmina.payers), "--today", today().isoformat()]
    return python("puma-seed", {}, str(PUMA), "seed", "--ledger", str(plan.puma_ledger), *arguments)


def first_export(plan: DemoPlan, gmina: GminaPlan, tenant_id: str) -> Program:
    """Writes the first full file into the gmina's folder."""
    place = puma_place(plan, gmina, tenant_id)
    arguments = ("--ledger", str(plan.puma_ledger), "--gmina", place, "--kind", "full")
    return python("puma-export", {}, str(PUMA), "export", *arguments)


def puma_place(plan: DemoPlan, gmina: GminaPlan, tenant_id: str) -> str:
    return f"{gmina.puma_code}={plan.puma_folder(tenant_id)}"


def mail(state: State, plan: DemoPlan) -> Program:
    arguments = ("--smtp-port", str(plan.smtp_port), "--http-port", port_of(plan.mail_url))
    module = ("-m", "skarbnik.dev.catcher")
    return python("mail", {}, *module, *arguments, "--store", str(state.folder / "mail"), ready=plan.mail_url)


def product(environment: Mapping[str, str]) -> list[Program]:
    """Web, worker and scheduler, and the web's second ear at ::1."""
    port = port_of(environment["SKARBNIK_PUBLIC_URL"])
    place = f"http://127.0.0.1:{port}"
    web = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", port, "--workers", "2", "--blocking-threads", "4")
    heal = ("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "5")
    work = ("skarbnik.worker", "--processes", "1", "--threads", "8", "--worker-shutdown-timeout", "5000")
    programs = [
        python("web", environment, "-m", "granian", *web, *heal, "skarbnik.app:wsgi", ready=f"{place}/readyz"),
        python("worker", environment, "-m", "dramatiq", *work),
        python("scheduler", environment, "-m", "skarbnik.scheduler"),
    ]
    if has_ipv6():
        programs.append(python("loopback", {}, "-m", "skarbnik.dev.loopback", port))
    return programs


def python(name: str, environment: Mapping[str, str], *command: str, ready: str | None = None) -> Program:
    return Program(
        name=name,
        command=(sys.executable, *command),
        environment={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        ready=functools.partial(answers, ready) if ready else lambda: True,
        folder=CHECKOUT,
    )


def answers(url: str) -> bool:
    """Whether a page is served there. One that is not found is: a simulator need not have a front page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except OSError:
        return False
    return True


def port_of(url: str) -> str:
    return str(urlsplit(url).port)
