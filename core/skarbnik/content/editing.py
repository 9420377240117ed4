"""The office writes: the list of texts, one text in one language, the accessibility declaration."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from skarbnik import clock
from skarbnik.audit.requests import record_own_act
from skarbnik.content import queries, services
from skarbnik.content.declaration import answers_from, make_declaration
from skarbnik.content.forms import ArticleForm, DeclarationForm, NewArticleForm, with_dates
from skarbnik.content.markdown import to_html
from skarbnik.content.models import LONGEST_SLUG, MAIN, MANY, Article, ArticleKind, Key
from skarbnik.content.permissions import EDIT
from skarbnik.content.standard import FORMAL_SERVICE, find_standard, has_standard
from skarbnik.content.validator import check_declaration
from skarbnik.plugin_api import impersonal, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.forms import TokenForm
from skarbnik.web.languages import LANGUAGES, current_language
from skarbnik.web.limits import limited
from skarbnik.web.paging import page_number

blueprint = Blueprint("editing", __name__, url_prefix="/office", template_folder="templates")

Page = str | Response | tuple[str, int]

SINGLE = [kind for kind in ArticleKind if kind not in MANY and kind is not ArticleKind.ACCESSIBILITY]
NEWS = {ArticleKind.NEWS, ArticleKind.WARNING}
NEWS_ON_A_PAGE = 25
DECLARATION = Key(ArticleKind.ACCESSIBILITY, MAIN, queries.POLISH)

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TERMS_SLUG = re.compile(r"[1-9][0-9]{0,5}")


def kind_names() -> dict[ArticleKind, str]:
    return {
        ArticleKind.FRONT: _("Welcome on the first page"),
        ArticleKind.HELP: _("Help"),
        ArticleKind.HOURS: _("Opening hours"),
        ArticleKind.CONTACT: _("Contact"),
        ArticleKind.NEWS: _("News"),
        ArticleKind.WARNING: _("Warning"),
        ArticleKind.PAGE: _("Page"),
        ArticleKind.PRIVACY: _("Privacy notice"),
        ArticleKind.TERMS: _("Terms of use"),
        ArticleKind.COOKIES: _("Cookies"),
        ArticleKind.ACCESSIBILITY: _("Accessibility declaration"),
    }


def _key(kind: str, slug: str, language: str) -> Key:
    """What an address names; 404 when there can be no such text."""
    if kind not in set(ArticleKind) or language not in LANGUAGES or len(slug) > LONGEST_SLUG:
        abort(404)
    named = ArticleKind(kind)
    wanted = _TERMS_SLUG if named is ArticleKind.TERMS else _SLUG if named in MANY else re.compile(MAIN)
    if named is ArticleKind.ACCESSIBILITY or wanted.fullmatch(slug) is None:
        abort(404)
    return Key(named, slug, language)


@blueprint.get("/content")
@requires(EDIT)
@impersonal("texts of the gmina")
def texts() -> str:
    session = frame.session()
    page = page_number()
    own = {line.kind: line for line in queries.list_lines(session, SINGLE)}
    news = queries.list_lines(session, NEWS, page=page, size=NEWS_ON_A_PAGE)
    pages = queries.list_lines(session, {ArticleKind.PAGE})
    if all(line.slug != FORMAL_SERVICE for line in pages):
        standard = find_standard(g.tenant, ArticleKind.PAGE, FORMAL_SERVICE, current_language())
        assert standard is not None
        pages.append(queries.Line(ArticleKind.PAGE, FORMAL_SERVICE, standard.title, frozenset()))
    names = kind_names()
    return render_template(
        "content/office/texts.html",
        single=[own.get(kind) or queries.Line(kind, MAIN, names[kind], frozenset()) for kind in SINGLE],
        news=news[:NEWS_ON_A_PAGE],
        page=page,
        more=len(news) > NEWS_ON_A_PAGE,
        own_pages=pages,
        terms=queries.list_lines(session, {ArticleKind.TERMS}),
        names=names,
        languages=LANGUAGES,
        has_standard=has_standard,
        now=clock.now(),
    )


@blueprint.route("/content/new/<kind>", methods=["GET", "POST"])
@requires(EDIT)
@impersonal("texts of the gmina")
def new(kind: str) -> Page:
    """Ask for the title, from which the address is made. Nothing is kept before the text itself is saved."""
    if kind not in MANY:
        abort(404)
    named = ArticleKind(kind)
    if named is ArticleKind.TERMS:
        version = services.next_terms_version(frame.session())
        return redirect(url_for("editing.edit", kind=kind, slug=version, language=queries.POLISH), 303)
    form = NewArticleForm()
    if form.validate_on_submit():
        slug = services.new_slug(frame.session(), named, form.title.data or "")
        place = url_for("editing.edit", kind=kind, slug=slug, language=queries.POLISH, title=form.title.data)
        return redirect(place, 303)
    page = render_template("content/office/new.html", form=form, kind=named, names=kind_names())
    return (page, 422) if form.is_submitted() else page


@blueprint.route("/content/<kind>/<slug>/<language>", methods=["GET", "POST"])
@requires(EDIT)
@impersonal("texts of the gmina")
@limited("30 per minute", methods=["POST"])
def edit(kind: str, slug: str, language: str) -> Page:
    """Type, look at it, save it. A change that somebody else made meanwhile is shown beside what was typed."""
    session, key = frame.session(), _key(kind, slug, language)
    row, sibling = queries.find_row(session, key), queries.find_sibling(session, key)
    form = ArticleForm()
    if not form.is_submitted():
        _begin(form, key, row, sibling)
        return _edit_page(form, key, row, sibling)
    if not form.validate():
        return _edit_page(form, key, row, sibling), 422
    if request.form.get("act") == "preview":
        return _edit_page(form, key, row, sibling, preview=True)
    shown_from, shown_until = form.moments(row or sibling)
    try:
        services.save_article(
            session,
            key,
            version=form.version.data or 0,
            title=form.title.data or "",
            body=form.body.data or "",
            shown_from=shown_from,
            shown_until=shown_until,
            position=form.position.data or 0,
            by=current_person().id,
        )
    except services.ArticleChanged as changed:
        form.show_version(changed.current.version if changed.current else 0)
        return _edit_page(form, key, changed.current, sibling, changed=True), 409
    except services.TermsNeedPolish:
        form.title.errors = [
            _("Write these terms in Polish first. Everybody is shown them when there is no translation.")
        ]
        return _edit_page(form, key, row, sibling), 409
    except services.TermsInForce:
        return _edit_page(form, key, row, sibling), 409
    record_own_act("article.saved", str(key))
    flash(_("The text is saved."))
    return redirect(url_for("editing.edit", **key._asdict()), 303)


def _begin(form: ArticleForm, key: Key, row: Article | None, sibling: Article | None) -> None:
    """What stands in the form at first: the own text, else the product's, or the terms that are in force now."""
    if row is not None:
        form.fill(row)
        return
    if sibling is not None:
        form.fill(sibling)
        form.title.data, form.body.data, form.version.data = "", "", 0
    slug = key.slug
    if key.kind is ArticleKind.TERMS:
        slug = queries.current_terms(frame.session(), clock.now()).version
    found = queries.find_article(frame.session(), g.tenant, key.kind, slug, key.language, clock.now())
    if found is not None and found.language == key.language:
        form.title.data, form.body.data = found.title, found.body
    form.title.data = request.args.get("title", "") or form.title.data


def _edit_page(
    form: ArticleForm,
    key: Key,
    row: Article | None,
    sibling: Article | None,
    *,
    preview: bool = False,
    changed: bool = False,
) -> str:
    in_force = key.kind is ArticleKind.TERMS and row is not None and queries.is_shown(row, clock.now())
    return render_template(
        "content/office/edit.html",
        form=form,
        key=key,
        row=row,
        sibling=sibling,
        preview=to_html(form.body.data or "") if preview else None,
        changed=changed,
        in_force=in_force,
        dated=with_dates(key.kind),
        standard=has_standard(key.kind, key.slug),
        names=kind_names(),
        languages=LANGUAGES,
    )


@blueprint.route("/content/<kind>/<slug>/delete", methods=["GET", "POST"])
@requires(EDIT)
@impersonal("texts of the gmina")
def delete(kind: str, slug: str) -> Page:
    """Ask once, then take the text away in all languages."""
    session, key = frame.session(), _key(kind, slug, queries.POLISH)
    row = queries.find_row(session, key) or queries.find_sibling(session, key)
    if row is None:
        abort(404)
    form = TokenForm()
    if not form.validate_on_submit():
        standard = has_standard(key.kind, key.slug)
        return render_template("content/office/delete.html", form=form, row=row, standard=standard, names=kind_names())
    try:
        services.delete_article(session, key.kind, key.slug)
    except services.TermsInForce:
        flash(_("These terms are or were in force; they stay."), "warn")
        return redirect(url_for("editing.texts"), 303)
    record_own_act("article.deleted", f"{key.kind}/{key.slug}")
    flash(_("The text is deleted."))
    return redirect(url_for("editing.texts"), 303)


@blueprint.route("/accessibility", methods=["GET", "POST"])
@requires(EDIT)
@impersonal("texts of the gmina")
def accessibility() -> Page:
    """The answers the declaration is made from, and what is still wrong with it."""
    session = frame.session()
    row = queries.find_row(session, DECLARATION)
    form: Any = DeclarationForm()
    if not form.is_submitted():
        form.fill(answers_from(row.answers if row else None, g.tenant), row.version if row else 0)
        return _declaration_page(form, row)
    if not form.validate():
        return _declaration_page(form, row), 422
    if request.form.get("act") == "preview":
        return _declaration_page(form, row, preview=True)
    try:
        services.save_article(
            session,
            DECLARATION,
            version=form.version.data,
            title=kind_names()[ArticleKind.ACCESSIBILITY],
            body="",
            answers=form.answers().to_json(),
            by=current_person().id,
        )
    except services.ArticleChanged as changed:
        form.show_version(changed.current.version if changed.current else 0)
        return _declaration_page(form, changed.current, changed=True), 409
    record_own_act("article.saved", str(DECLARATION))
    flash(_("The declaration is saved."))
    return redirect(url_for("editing.accessibility"), 303)


def _declaration_page(form: Any, row: Article | None, *, preview: bool = False, changed: bool = False) -> str:
    """`findings` are of what the residents see now, or of the preview."""
    saved = answers_from(row.answers if row else None, g.tenant)
    shown = make_declaration(form.answers() if preview else saved, g.tenant, current_language())
    return render_template(
        "content/office/accessibility.html",
        form=form,
        row=row,
        preview=shown if preview else None,
        theirs=shown if changed else None,
        findings=check_declaration(shown),
        languages=LANGUAGES,
    )
