"""What the demo tells: addresses and accounts on the screen, and everything a program needs in demo.json."""

from __future__ import annotations

import json
from typing import Any

from skarbnik.dev.plan import DemoPlan
from skarbnik.dev.servers import Servers
from skarbnik.dev.state import CHECKOUT, State, made, write_private


def write_report(state: State, plan: DemoPlan, seeded: dict[str, Any], servers: Servers) -> None:
    """Write demo.json, into the checkout even when the state is elsewhere. It has passwords: its owner's only."""
    report = {
        "public_url": plan.public_url,
        "gminas": {
            gmina.slug: {
                "name": gmina.name,
                "url": gmina.url,
                "tenant_id": seeded["tenants"][gmina.slug],
                "puma_code": gmina.puma_code,
                "exchange": str(plan.puma_folder(seeded["tenants"][gmina.slug])),
            }
            for gmina in plan.gminas
        },
        "accounts": seeded["accounts"],
        "simulators": {
            "payu": plan.payu_url,
            "przelewy24": plan.przelewy24_url,
            "puma": plan.puma_url,
            "epuap": plan.node_url,
            "oidc": plan.oidc_url,
        },
        "mail": {"url": plan.mail_url, "smtp_host": plan.smtp_host, "smtp_port": plan.smtp_port},
        "database_url": plan.environment["DATABASE_URL"],
        "owner_database_url": plan.environment["SKARBNIK_OWNER_DATABASE_URL"],
        "admin_database_url": servers.admin_url,
        "redis_url": servers.redis_url,
        "environment": dict(plan.environment),
        "state": str(state.folder),
        "logs": str(state.logs),
        "processes": str(state.folder / "processes.json"),
    }
    write_private(made(CHECKOUT / ".dev") / "demo.json", json.dumps(report, ensure_ascii=False, indent=2))


def announce(plan: DemoPlan, seeded: dict[str, Any]) -> None:
    print(f"\n  {plan.public_url}/")
    for gmina in plan.gminas:
        print(f"  {gmina.url}  {gmina.name}")
    print(f"\n  PayU simulator {plan.payu_url}/   Przelewy24 simulator {plan.przelewy24_url}/")
    print(f"  PUMA simulator {plan.puma_url}/   mail {plan.mail_url}/")
    print(f"  login.gov.pl simulator {plan.node_url}/   OpenID Connect simulator {plan.oidc_url}/\n")
    accounts: list[dict[str, str]] = seeded["accounts"]
    rows = [[account.get(key, "") for key in ("gmina", "role", "login", "password")] for account in accounts]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\n  The office asks for a code after the password: `python3 dev.py code LOGIN` tells it.")
    print("\n  All of it is in .dev/demo.json too.", flush=True)
