"""The clerk's side of the exchange: files and their reports, trying, uploading, consenting, batches, hours."""

from __future__ import annotations

from errno import ENOSPC
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import FileField, RadioField, SelectField, StringField
from wtforms.validators import NumberRange, ValidationError

from skarbnik.audit.requests import record_own_act
from skarbnik.clock import WARSAW
from skarbnik.errors import BrokenFile, Conflict, Invalid, NotFound
from skarbnik.exchange import fetching, imports, queries, uploads
from skarbnik.exchange.batches import send_batch_again
from skarbnik.exchange.changes import compare
from skarbnik.exchange.documents import REASONS, find_troubled, list_troubles
from skarbnik.exchange.hours import parse_hours
from skarbnik.exchange.models import ImportRun, Origin
from skarbnik.exchange.permissions import BRING, SEE, SET, TAKE_LISTS
from skarbnik.exchange.sources import set_source
from skarbnik.exchange.states import RunState
from skarbnik.exchange.systems import spool_of
from skarbnik.office.queries import get_payer, user_names
from skarbnik.plugin_api import impersonal, records, requires
from skarbnik.portal.operations import operation_names
from skarbnik.receivables.models import DocumentTrouble
from skarbnik.receivables.permissions import SEE_ANY
from skarbnik.web import frame
from skarbnik.web.access import current_person, kinds_in_scope
from skarbnik.web.fields import Number, at_most, to_choices
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.paging import cursor
from skarbnik.web.tables import Column, FileFormat, Table, as_file

blueprint = Blueprint("exchange", __name__, url_prefix="/office", template_folder="templates")

AROUND = 64 * 1024  # what a form has beside its file


class UploadForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A file by hand: of which system, and whether it is only tried."""

    source = SelectField()
    file = FileField()
    way = RadioField(default="try")

    def __init__(self, sources: list[queries.SourceState], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source.choices = to_choices((each.source.id, each.source.title) for each in sources)
        self.way.choices = to_choices(
            [
                ("try", _("Try it: check everything, change nothing")),
                ("apply", _("Apply it: residents see the new data")),
            ]
        )

    def validate_file(self, field: FileField) -> None:
        if not field.data or not field.data.filename:
            raise ValidationError(_("Choose a file."))


class SourceForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """When the files of a system are read, and when to stop and ask."""

    hours = StringField(validators=[at_most(71)], render_kw={"maxlength": 71})
    most_closing = Number(validators=[NumberRange(1, 100, _l("Enter a number from %(min)d to %(max)d."))])

    def validate_hours(self, field: StringField) -> None:
        try:
            parse_hours(field.data or "")
        except Invalid:
            raise ValidationError(_("Enter hours such as 06:00 22:30, at most twelve of them.")) from None


@blueprint.get("/exchange")
@requires(SEE)
@impersonal("files and counts")
def overview() -> str:
    state = request.args.get("state") or None
    if state is not None and state not in set(RunState):
        abort(400)
    session = frame.session()
    runs = queries.list_runs(session, state=RunState(state) if state else None, before=cursor("before"))
    return render_template(
        "office/exchange.html",
        sources=queries.list_sources(session),
        runs=runs[: queries.PAGE],
        more=runs[queries.PAGE - 1].id if len(runs) > queries.PAGE else None,
        state=state or "",
        states=list(RunState),
        troubled=find_troubled(session),
        bring=BRING,
        settle=SET,
        form=TokenForm(),
    )


@blueprint.get("/exchange/upload")
@requires(BRING)
@impersonal("an empty form")
def upload_form() -> str:
    return _upload_page(UploadForm(queries.list_sources(frame.session()), formdata=None))


@blueprint.post("/exchange/upload")
@requires(BRING, largest=uploads.LARGEST_UPLOAD + AROUND)
def upload() -> Response | tuple[str, int]:
    """Take a file; the worker reads it, and its page tells what became of it."""
    session = frame.session()
    form = UploadForm(queries.list_sources(session))
    if not form.validate():
        return _upload_page(form), 422
    source = queries.get_source(session, form.source.data)
    session.commit()  # a gigabyte is copied for a while, and no transaction waits for it
    spool, dry = spool_of(g.tenant, source.id), form.way.data == "try"
    try:
        laid = uploads.lay(spool, uploads.bare_name(form.file.data.filename), form.file.data.stream)
        run = uploads.register(session, spool, source, laid, origin=Origin.UPLOAD, by=current_person().id, dry=dry)
    except Invalid:
        form.file.errors = [_("The name of this file cannot be used. Give it a short name of letters and digits.")]
    except Conflict:
        form.file.errors = [_("A file of this name is being read just now. Wait for its report.")]
    except BrokenFile:
        form.file.errors = [_("The file is larger than one gigabyte. Let the finance system lay it into its folder.")]
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        form.file.errors = [_("There is no room for this file on the disk. Tell the operator of the portal.")]
    else:
        record_own_act("exchange.uploaded", "import_run", run.id)
        return redirect(url_for("exchange.run", run_id=run.id), 303)
    return _upload_page(form), 422


def _upload_page(form: UploadForm) -> str:
    return render_template("office/upload.html", form=form)


@blueprint.get("/exchange/<uuid:run_id>")
@requires(SEE)
@impersonal("a file, its counts and the numbers of rows")
def run(run_id: UUID) -> str:
    found = queries.get_run(frame.session(), run_id)
    missing = list_troubles(frame.session(), found.source, run_id=run_id, most=queries.PAGE + 1)
    return render_template(
        "office/run.html",
        take=TAKE_LISTS,
        run=found,
        form=TokenForm(),
        bring=BRING,
        by=_names(found),
        missing=missing[: queries.PAGE],
        more_missing=len(missing) > queries.PAGE,
        reasons=REASONS,
    )


@blueprint.get("/exchange/<uuid:run_id>/problems.csv")
@requires(TAKE_LISTS)
@impersonal("numbers of rows")
def problems(run_id: UUID) -> Response:
    """What is wrong with a file, for whoever mends it in the finance system."""
    found = queries.get_run(frame.session(), run_id)
    table = Table(
        title=found.file_name,
        lines=(),
        columns=(Column(_("Line")), Column(_("What is wrong")), Column(_("Code"))),
        rows=((each.line, each.message, each.code) for each in found.problems),
    )
    return as_file(table, FileFormat.CSV, f"import-{found.registered_at.astimezone(WARSAW):%Y%m%d-%H%M}")


@blueprint.post("/exchange/<uuid:run_id>/<what>")
@requires(BRING)
def decide(run_id: UUID, what: str) -> Response:
    """What an official says about a file: apply what was tried, agree or not to what it closes, do not wait."""
    session = frame.session()
    found = queries.get_run(session, run_id)
    if what not in {"apply", "consent", "decline", "now"}:
        raise NotFound(f"nothing called {what} can be done to a file")
    check_token()
    try:
        if what == "apply":
            spool = spool_of(g.tenant, found.source)
            found = uploads.apply_tried(session, spool, run_id, user_id=current_person().id)
            record_own_act("exchange.uploaded", "import_run", found.id)
        elif what == "consent":
            closing = request.form.get("closing", -1, type=int)
            imports.consent(session, run_id, user_id=current_person().id, closing=closing)
            record_own_act("exchange.consented", "import_run", run_id)
        elif what == "decline":
            imports.decline(session, run_id)
            record_own_act("exchange.declined", "import_run", run_id)
        else:
            imports.read_now(session, run_id)
            record_own_act("exchange.hurried", "import_run", run_id)
    except NotFound:
        flash(_("This file is not kept any more. Bring it again."), "warn")
    except Conflict:
        flash(_("Meanwhile this file has moved on. Look at what it says now."), "warn")
    return redirect(url_for("exchange.run", run_id=found.id), 303)


@blueprint.get("/exchange/batches")
@requires(SEE)
@impersonal("batches and sums")
def batches() -> str:
    found = queries.list_batches(frame.session(), before=cursor("before"))
    return render_template(
        "office/batches.html",
        batches=found[: queries.PAGE],
        more=found[queries.PAGE - 1].id if len(found) > queries.PAGE else None,
    )


@blueprint.get("/exchange/batches/<uuid:batch_id>")
@requires(SEE)
@impersonal("numbers of bookings and amounts")
def batch(batch_id: UUID) -> str:
    session = frame.session()
    found = queries.get_batch(session, batch_id)
    lines = queries.list_batch_lines(session, batch_id, after=cursor("after"))
    return render_template(
        "office/batch.html",
        batch=found,
        sums=queries.batch_sums(session, batch_id),
        lines=lines[: queries.PAGE],
        more=lines[queries.PAGE - 1].id if len(lines) > queries.PAGE else None,
        form=TokenForm(),
        bring=BRING,
    )


@blueprint.get("/exchange/batches/<uuid:batch_id>/file")
@requires(BRING)
@records("exchange.batch_taken")
def batch_file(batch_id: UUID) -> Response:
    """The bytes of a batch as they were sent, for a system that lost them."""
    found = queries.get_batch(frame.session(), batch_id)
    record_own_act("exchange.batch_taken", "booking_batch", found.id)
    answer = Response(found.content, content_type="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=found.file_name)
    return answer


@blueprint.post("/exchange/batches/<uuid:batch_id>/again")
@requires(BRING)
def send_again(batch_id: UUID) -> Response:
    """The same bytes once more: the finance system books each line once, however often it comes."""
    session = frame.session()
    queries.get_batch(session, batch_id)
    check_token()
    send_batch_again(session, batch_id)
    record_own_act("exchange.batch_sent_again", "booking_batch", batch_id)
    flash(_("The batch is being sent again, the same bytes under the same number."))
    return redirect(url_for("exchange.batch", batch_id=batch_id), 303)


@blueprint.route("/exchange/sources/<source_id>", methods=["GET", "POST"])
@requires(SET)
@impersonal("settings")
def source(source_id: str) -> str | Response | tuple[str, int]:
    found = queries.get_source(frame.session(), source_id)
    form = SourceForm()
    if not form.is_submitted():
        form.hours.data, form.most_closing.data = found.hours, found.most_closing
    elif form.validate():
        hours, most_closing = parse_hours(form.hours.data or ""), form.most_closing.data or 100
        if set_source(frame.session(), source_id, hours=hours, most_closing=most_closing):
            record_own_act("source.changed", f"source:{source_id}")
        flash(_("The hours are saved. They hold from the next file on."))
        return redirect(url_for("exchange.overview"), 303)
    page = render_template("office/source.html", source=found, form=form)
    return (page, 422) if form.is_submitted() else page


@blueprint.get("/exchange/sources/<source_id>/documents")
@requires(SEE)
@impersonal("numbers and titles of documents, no name")
def missing(source_id: str) -> str:
    """Documents a system named whose PDF is not here, whichever file named them."""
    chosen = request.args.get("trouble") or None
    if chosen is not None and chosen not in set(DocumentTrouble):
        abort(400)
    trouble = DocumentTrouble(chosen) if chosen else None
    session = frame.session()
    found = queries.get_source(session, source_id)
    rows = list_troubles(session, source_id, trouble=trouble, before=cursor("before"), most=queries.PAGE + 1)
    return render_template(
        "office/missing.html",
        source=found,
        rows=rows[: queries.PAGE],
        more=rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None,
        reasons=REASONS,
        chosen=trouble,
    )


@blueprint.post("/exchange/sources/<source_id>/ask")
@requires(BRING)
def ask(source_id: str) -> Response:
    """Do not wait for the hour: the worker asks the system for files now."""
    found = queries.get_source(frame.session(), source_id)
    check_token()
    fetching.ask_now(frame.session(), found)
    record_own_act("exchange.asked", f"source:{source_id}")
    flash(_("The finance system is being asked for files. What it has is listed here in a moment."))
    return redirect(url_for("exchange.overview"), 303)


@blueprint.get("/payers/<uuid:payer_id>/changes")
@requires(SEE_ANY)
@records("payer.viewed")
def changes(payer_id: UUID) -> str:
    """What changed for one payer between two files."""
    session = frame.session()
    kinds = kinds_in_scope()
    payer = get_payer(session, payer_id, kinds=kinds)
    runs = queries.list_applied(session, payer.source)
    newer = _chosen(runs, "newer", 0)
    older = _chosen(runs, "older", 1)
    record_own_act("payer.viewed", "payer", payer_id, payers=[payer_id])
    found = None
    if newer is not None and older is not None and older.number < newer.number:
        found = compare(session, payer_id, older=older.number, newer=newer.number, kinds=kinds)
    return render_template(
        "office/changes.html",
        payer=payer,
        runs=runs,
        older=older,
        newer=newer,
        found=found,
        names=operation_names(),
    )


def _chosen(runs: list[ImportRun], name: str, otherwise: int) -> Any:
    """The file whose number the address names, or the one at a place in the list. None when there are too few."""
    wanted = request.args.get(name, type=int)
    named = next((each for each in runs if each.number == wanted), None)
    return named or (runs[otherwise] if len(runs) > otherwise else None)


def _names(found: ImportRun) -> dict[UUID, str]:
    """Officials who had a hand in a file."""
    return user_names(frame.session(), {each for each in (found.asked_by, found.consented_by) if each})
