"""Who saw and did what: the trail as the auditor searches it, takes it along, and how long it is kept.

It stands on the clerk's blueprint, where the menu looks for it. Whoever looks at the trail stands in it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms.validators import InputRequired, NumberRange

from skarbnik import clock
from skarbnik.audit import services
from skarbnik.audit.handover import stream_trail
from skarbnik.audit.models import LEAST_YEARS, MOST_YEARS
from skarbnik.audit.permissions import KEEP, READ
from skarbnik.audit.requests import record_own_act
from skarbnik.office import acts, trail_queries
from skarbnik.office.payments import blueprint
from skarbnik.office.trail_queries import TrailFilter
from skarbnik.payments.permissions import SEE_ANY as SEE_PAYMENTS
from skarbnik.plugin_api import records, requires
from skarbnik.receivables.permissions import SEE_ANY as SEE_PAYERS
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.addresses import read_day
from skarbnik.web.fields import Number
from skarbnik.web.limits import limited
from skarbnik.web.paging import cursor
from skarbnik.web.tables import Cell, Column, Table, as_streamed_csv

__all__ = ["blueprint"]


class KeepingForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """For how many years; never less than the law says."""

    years = Number(
        validators=[
            InputRequired(_l("Enter a number of years.")),
            NumberRange(LEAST_YEARS, MOST_YEARS, _l("Enter a number from %(min)d to %(max)d.")),
        ]
    )


@blueprint.get("/audit")
@requires(READ)
@records("audit.searched")
def audit() -> str:
    """By who, what, of whom, and when; the whole choice stands in the address."""
    return _page(KeepingForm(formdata=None))


def _page(form: KeepingForm) -> str:
    session = frame.session()
    wanted, words = _read_choice(request.args)
    found = list(trail_queries.list_entries(session, wanted, before=cursor("before")))
    rows = found[: trail_queries.PAGE]
    officials, names = trail_queries.list_officials(session), acts.act_names()
    by_group = acts.acts_by_group(names)
    record_own_act("audit.searched", "audit")
    if not form.is_submitted():
        form.years.data = services.years_kept(session)
    return render_template(
        "office/audit.html",
        rows=rows,
        more=rows[-1].id if len(found) > trail_queries.PAGE else None,
        words=words,
        officials=officials,
        official_names={each.id: each.name for each in officials},
        acts=names,
        actors=acts.actor_names(),
        actor_name=acts.actor_words(),
        groups={group: (title, by_group[group]) for group, title in acts.group_names().items()},
        subjects=acts.subject_names() | trail_queries.name_scopes(session, [row.subject for row in rows]),
        subject_words=acts.subject_words,
        numbers=trail_queries.numbers_of(session, rows),
        sealing=trail_queries.sealing_state(session),
        years=services.years_kept(session),
        form=form,
        keep=KEEP,
        see_payers=SEE_PAYERS,
        see_payments=SEE_PAYMENTS,
    )


def _read_choice(address: Mapping[str, str]) -> tuple[TrailFilter, dict[str, str]]:
    """What an address asks for, and the words of it that mean something; the others filter nothing."""
    who, act = address.get("who", ""), address.get("act", "")
    of = address.get("of", "").replace("\x00", "").strip()[:80]
    from_on, until_on = read_day(address.get("from")), read_day(address.get("until"))
    known = acts.act_names()
    actors = trail_queries.find_actors(frame.session(), who)
    actions = [act] if act in known else acts.acts_of(act) or None
    words = {
        "who": who if actors is not None else "",
        "act": act if actions else "",
        "of": of,
        "from": str(from_on or ""),
        "until": str(until_on or ""),
    }
    wanted = TrailFilter(
        actors=actors,
        actions=actions,
        whose=trail_queries.find_whose(frame.session(), of) if of else None,
        from_on=from_on,
        until_on=until_on,
    )
    return wanted, {name: word for name, word in words.items() if word}


@blueprint.get("/audit/file/<wanted>")
@requires(READ)
@records("audit.exported")
@limited("20 per hour")
def audit_file(wanted: str) -> Response:
    """What was chosen as CSV, or all of it with its seals as JSON lines, to be checked without us."""
    if wanted not in {"csv", "jsonl"}:
        abort(404)
    choice, _words = _read_choice(request.args)
    record_own_act("audit.exported", f"audit/{wanted}")
    name = f"dziennik-{clock.today()}"
    if wanted == "csv":
        return as_streamed_csv(_table(choice), name)
    answer = Response((f"{line}\n".encode() for line in stream_trail(g.tenant)), content_type="application/x-ndjson")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.jsonl"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _table(choice: TrailFilter) -> Table:
    """Its rows come after the request is over: words are looked up now."""
    names, actor_name, subjects = acts.act_names(), acts.actor_words(), acts.subject_names()
    subjects |= trail_queries.name_scopes(frame.session())

    def rows(entries: Iterator[Any]) -> Iterator[list[Cell]]:
        for each in entries:
            local = each.at.astimezone(clock.WARSAW)
            yield [
                local.isoformat(sep=" ", timespec="seconds"),
                actor_name(each),
                names.get(each.action, each.action),
                acts.subject_words(each.subject, subjects),
                each.ip,
                str(each.actor_id or ""),
                each.action,
                each.subject,
                str(each.subject_id or ""),
                " ".join(map(str, each.payers)),
                each.request_id,
                each.seal,
                str(each.id),
            ]

    return Table(
        title=_("Who saw and did what"),
        lines=(),
        columns=[
            Column(title)
            for title in (
                _("When"), _("Who"), _("What"), _("Of"), _("From"), _("Id of who"), _("Code"), _("Code of what"),
                _("Id of what"), _("Ids of payers"), _("Request"), _("Seal"), _("Id"),
            )
        ],
        rows=rows(trail_queries.all_entries(g.tenant, choice)),
    )  # fmt: skip


@blueprint.post("/audit/keeping")
@requires(KEEP, fresh=True)
def keep_trail() -> Response | tuple[str, int]:
    """For how long entries are kept, from now on."""
    form = KeepingForm()
    if not form.validate():
        return _page(form), 422
    years = int(form.years.data or LEAST_YEARS)
    if services.keep_for(frame.session(), years, by=current_person().id):
        record_own_act("audit.keeping_changed", f"years/{years}")
    flash(_("Saved. What is older goes within a week, at night."))
    return redirect(url_for("office.audit"), 303)
