"""The receivables page as the shortest program could make it: Flask, psycopg, one template, our SQL word for word.

`granian --interface wsgi _bare_page:app`, with the database's address and the gmina in the environment.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from _bare import connection
from flask import Flask, Response, abort, request
from jinja2 import Environment
from psycopg.rows import namedtuple_row

from skarbnik.accounts.signed_in import _LOAD
from skarbnik.db import SET_TENANT
from skarbnik.portal.debts import TO_PAY
from skarbnik.portal.views import PAGE

WARSAW = ZoneInfo("Europe/Warsaw")
TOKEN = "bare" * 23  # as long as a real one


def money(grosze: int) -> str:
    whole, rest = divmod(int(grosze), 100)
    return f"{whole:,}".replace(",", "\u00a0") + f",{rest:02d}\u00a0zł"


def day(value: date) -> str:
    return f"{value.day:02d}.{value.month:02d}.{value.year}"


def moment(value: datetime) -> str:
    local = value.astimezone(WARSAW)
    return f"{day(local)}, {local:%H:%M}"


environment = Environment(autoescape=True)
environment.filters.update(money=money, day=day, moment=moment)
template = environment.from_string(Path(os.environ["BARE_PAGE"]).read_text(encoding="utf-8"))
gmina = SimpleNamespace(**{name: os.environ[f"BARE_{name.upper()}"] for name in ("name", "colour", "email")})
scope = (os.environ["BARE_ROLE"], os.environ["BARE_SCHEMA"])
app = Flask(__name__, static_folder=None)


@app.get("/receivables")
def receivables() -> Response:
    now, today = datetime.now(UTC), datetime.now(WARSAW).date()
    token = request.cookies.get("__Host-skarbnik-session", "")
    opened = connection()
    opened.execute(SET_TENANT, scope)
    cursor = opened.cursor(row_factory=namedtuple_row)
    hashed = hashlib.sha256(token.encode()).hexdigest()
    person = cursor.execute(_LOAD, {"hash": hashed, "now": now, "today": today}).fetchone()
    if person is None:
        abort(403)
    payer = person.acts_for[0]
    rows = cursor.execute(TO_PAY, {"payer": payer["id"], "today": today, "now": now}).fetchall()
    opened.commit()
    kinds, groups, sums, total, interest, overdue, soon = {}, {}, {}, 0, 0, 0, 0
    for row in rows:
        left = row.principal + row.interest + row.costs
        total += left
        interest += row.interest
        overdue += left if row.due_on < today else 0
        soon += left if today <= row.due_on <= today + timedelta(days=14) else 0
        kinds[row.kind_id] = row.kind
        sums[row.kind] = sums.get(row.kind, 0) + left
    for row in rows[:PAGE]:
        groups.setdefault(row.kind, []).append(row)
    page = template.render(
        gmina=gmina,
        payer=payer,
        token=TOKEN,
        total=total,
        overdue=overdue,
        interest=interest,
        soon=soon,
        kinds=kinds,
        groups=groups,
        sums=sums,
        today=today,
        as_of=rows[0].as_of,
    )
    return Response(page)
