"""Taking all one's data: a page that says what is in the file, and the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from flask import Blueprint, Flask, Response, current_app, g, render_template
from flask_babel import gettext as _

from skarbnik import clock
from skarbnik.accounts.chapters import NAME, list_plugin_chapters, list_silent_plugins, write_archive
from skarbnik.accounts.permissions import OWN_RESIDENT
from skarbnik.audit.requests import record_own_act
from skarbnik.plugin_api import Chapter, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.formats import moment
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.languages import translate
from skarbnik.web.limits import limiter

blueprint = Blueprint("own_data", __name__, template_folder="templates")

PIECE = 64 * 1024  # bytes


def install_chapters(app: Flask, chapters: Sequence[Chapter]) -> None:
    """What the file has, in this order, before what plugins keep. `app` knows every feature that keeps something."""
    app.extensions[NAME] = tuple(chapters)


@blueprint.get("/profile/data")
@requires(OWN_RESIDENT)
def show() -> str:
    return render_template("accounts/own_data.html", chapters=_chapters(), missing=_missing(), form=TokenForm())


@blueprint.post("/profile/data")
@requires(OWN_RESIDENT)
@limiter.limit("6 per hour", key_func=lambda: str(current_person().id))
def take() -> Response:
    """Made whole before the first byte leaves: no transaction is open while a slow line takes it."""
    check_token()
    record_own_act("account.data_taken", "user", current_person().id)
    chapters = _chapters()
    archive = write_archive(frame.session(), current_person().id, chapters, readme=_readme(chapters))
    answer = Response(_pieces(archive), mimetype="application/zip")
    answer.call_on_close(archive.close)
    answer.headers["Content-Disposition"] = f'attachment; filename="dane-{clock.today().isoformat()}.zip"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _chapters() -> list[Chapter]:
    return [*current_app.extensions[NAME], *list_plugin_chapters(frame.session(), g.tenant.instance.plugins)]


def _missing() -> str:
    """What is said of plugins that cannot tell what they keep. Mostly nothing."""
    names = ", ".join(list_silent_plugins(g.tenant))
    if not names:
        return ""
    return str(
        _("What these parts of the portal keep of you is not in it, as they do not work now: %(names)s.", names=names)
    )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _readme(chapters: Sequence[Chapter]) -> str:
    lines = [
        g.tenant.name,
        _("Data of %(name)s in the portal, made %(moment)s.", name=current_person().name, moment=moment(clock.now())),
        "",
        *(f"{each.file_name} - {translate(each.about)}" for each in chapters),
        "",
        *([missing, ""] if (missing := _missing()) else []),
        _("Each file is a list in JSON, UTF-8. Amounts are in PLN with a dot, days are written 2026-11-28."),
        _("Your PESEL is not in here, so that this file gives it away to nobody: the office tells it to you."),
        _("What the office knows beyond the portal you get from the office (art. 15 and 20 of regulation 2016/679)."),
    ]
    return "\n".join(lines) + "\n"
