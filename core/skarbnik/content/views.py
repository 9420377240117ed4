"""What everybody may read, and agreeing to the terms of use."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import HiddenField

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.content import queries, services
from skarbnik.content.declaration import answers_from, make_declaration
from skarbnik.content.models import MAIN, ArticleKind, Key
from skarbnik.content.permissions import ACCEPT_TERMS
from skarbnik.content.queries import Text
from skarbnik.plugin_api import public, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.addresses import own_path
from skarbnik.web.languages import current_language
from skarbnik.web.paging import page_number

blueprint = Blueprint("content", __name__, template_folder="templates")


def _get(kind: ArticleKind, slug: str = MAIN) -> Text:
    return queries.get_article(frame.session(), g.tenant, kind, slug, current_language(), clock.now())


@blueprint.get("/news")
@public("news are for everybody")
def news() -> str:
    page = page_number()
    rows, more = queries.list_news(frame.session(), current_language(), clock.now(), page=page)
    return render_template("content/news.html", rows=rows, page=page, more=more)


@blueprint.get("/news/<slug>")
@public("news are for everybody")
def news_item(slug: str) -> str:
    text = queries.find_news(frame.session(), slug, current_language(), clock.now())
    if text is None:
        abort(404)
    return render_template("content/news_item.html", text=text)


@blueprint.get("/help")
@public("help is for everybody")
def help_page() -> str:
    more = queries.list_pages(frame.session(), current_language())
    return render_template("content/text.html", text=_get(ArticleKind.HELP), more=more)


@blueprint.get("/contact")
@public("how to reach the office is for everybody")
def contact() -> str:
    hours = queries.find_article(frame.session(), g.tenant, ArticleKind.HOURS, MAIN, current_language(), clock.now())
    return render_template("content/contact.html", text=_get(ArticleKind.CONTACT), hours=hours)


@blueprint.get("/privacy")
@public("the privacy notice must be open to everybody")
def privacy() -> str:
    return render_template("content/text.html", text=_get(ArticleKind.PRIVACY))


@blueprint.get("/cookies")
@public("the cookie notice must be open to everybody")
def cookies() -> str:
    return render_template("content/text.html", text=_get(ArticleKind.COOKIES))


@blueprint.get("/pages/<slug>")
@public("pages of the office are for everybody")
def page(slug: str) -> str:
    return render_template("content/text.html", text=_get(ArticleKind.PAGE, slug))


@blueprint.get("/accessibility")
@public("the accessibility declaration must be open to everybody")
def accessibility() -> str:
    row = queries.find_row(frame.session(), Key(ArticleKind.ACCESSIBILITY, MAIN, queries.POLISH))
    answers = answers_from(row.answers if row else None, g.tenant)
    return render_template(
        "content/accessibility.html", declaration=make_declaration(answers, g.tenant, current_language())
    )


@blueprint.get("/terms")
@public("the terms of use must be open to everybody")
def terms() -> str:
    versions = queries.list_terms(frame.session(), clock.now())
    return render_template(
        "content/terms.html", text=_get(ArticleKind.TERMS, versions[0].version), versions=versions, now=versions[0]
    )


@blueprint.get("/terms/<version>")
@public("what somebody agreed to stays readable")
def terms_version(version: str) -> str:
    versions = queries.list_terms(frame.session(), clock.now())
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        abort(404)
    return render_template(
        "content/terms.html", text=_get(ArticleKind.TERMS, version), versions=versions, now=found, named=True
    )


class AcceptForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    version = HiddenField()
    next = HiddenField()


@blueprint.route("/terms/accept", methods=["GET", "POST"])
@requires(ACCEPT_TERMS)
def accept() -> str | Response:
    """Asked once a version, after signing in. Who does not agree signs out; nothing they had begun is lost."""
    session, person = frame.session(), current_person()
    form = AcceptForm()
    wanted = own_path(form.next.data or request.args.get("next")) or "/"
    version = services.terms_to_accept(session, person.id)
    if version is None:
        return redirect(wanted, 303)
    if form.validate_on_submit():
        try:
            services.accept_terms(session, person.id, form.version.data or "")
        except services.TermsChanged:
            flash(_("The terms changed while you were reading. Please read the new version."), "warn")
            return redirect(url_for("content.accept", next=wanted), 303)
        record_own_act("terms.accepted", f"terms/{version}", person.id)
        return redirect(wanted, 303)
    form.version.data, form.next.data = version, wanted
    return render_template("content/accept.html", form=form, text=_get(ArticleKind.TERMS, version))


def after_sign_in(user_id: UUID, wanted: str) -> str:
    """Where a resident goes after signing in: first to terms they have not agreed to, but never away from a payment."""
    if wanted.startswith("/payments/") or services.terms_to_accept(frame.session(), user_id) is None:
        return wanted
    return url_for("content.accept", next=wanted)


def version_in_force(session: Session) -> str:
    """Of the terms of use: what somebody who registers agrees to."""
    return queries.current_terms(session, clock.now()).version
