"""Reading what the office writes. Where a language is missing, Polish is given and says so.

The office's own text comes before the product's, also when it is in Polish and the product has the asked language: what
the office decided must not be contradicted in another language.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from skarbnik.content.markdown import shown_html
from skarbnik.content.models import MAIN, Article, ArticleKind, Key
from skarbnik.content.standard import STANDARD_TERMS, find_standard
from skarbnik.db import TenantSession
from skarbnik.errors import NotFound
from skarbnik.tenancy.registry import Tenant

POLISH = "pl"
PAGE = 10
ON_FRONT = 4  # news on the first page


@dataclass(frozen=True)
class Text:
    """A text as a page shows it. `language` is what it is written in, which may not be what was asked for."""

    kind: ArticleKind
    slug: str
    language: str
    title: str
    body: str
    shown_from: datetime | None = None
    shown_until: datetime | None = None
    updated_at: datetime | None = None  # None for the product's own text

    @property
    def html(self) -> Markup:
        return shown_html(self.body)

    def html_below(self, shift: int) -> Markup:
        """For a page where the title of the text is itself a lower heading."""
        return shown_html(self.body, shift)


@dataclass
class FrontTexts:
    """All texts of a gmina's first page. News come without their bodies, warnings with them."""

    front: Text | None = None
    hours: Text | None = None
    contact: Text | None = None
    warnings: list[Text] = field(default_factory=list)
    news: list[Text] = field(default_factory=list)


# One row a text: in the asked language, else in Polish.
_FRONT: LiteralString = """
    SELECT * FROM (
        SELECT a.*, row_number() OVER (PARTITION BY kind ORDER BY shown_from DESC NULLS LAST, slug) AS place FROM (
            SELECT DISTINCT ON (kind, slug) kind, slug, language, title, shown_from, shown_until, updated_at,
                CASE WHEN kind = 'news' THEN '' ELSE body END AS body
            FROM articles
            WHERE kind IN ('front', 'hours', 'contact', 'news', 'warning') AND language IN (%(language)s, 'pl')
                AND (shown_from IS NULL OR shown_from <= %(now)s) AND (shown_until IS NULL OR shown_until > %(now)s)
            ORDER BY kind, slug, (language = %(language)s) DESC
        ) AS a
    ) AS numbered
    WHERE place <= %(most)s ORDER BY kind, place
"""

_NEWS: LiteralString = """
    SELECT * FROM (
        SELECT DISTINCT ON (kind, slug) kind, slug, language, title, body, shown_from, shown_until, updated_at
        FROM articles
        WHERE kind IN ('news', 'warning') AND language IN (%(language)s, 'pl')
            AND (shown_from IS NULL OR shown_from <= %(now)s) AND (shown_until IS NULL OR shown_until > %(now)s)
        ORDER BY kind, slug, (language = %(language)s) DESC
    ) AS shown
    ORDER BY (kind = 'warning') DESC, shown_from DESC NULLS LAST, slug
    LIMIT %(most)s OFFSET %(skipped)s
"""


def front_texts(session: TenantSession, tenant: Tenant, language: str, now: datetime) -> FrontTexts:
    """What the first page needs, in one query."""
    texts = FrontTexts()
    for row in session.read(_FRONT, language=language, now=now, most=ON_FRONT):
        text = _text(row)
        if text.kind is ArticleKind.NEWS:
            texts.news.append(text)
        elif text.kind is ArticleKind.WARNING:
            texts.warnings.append(text)
        else:
            setattr(texts, text.kind.value, text)
    texts.front = texts.front or _standard(tenant, ArticleKind.FRONT, MAIN, language)
    texts.contact = texts.contact or _standard(tenant, ArticleKind.CONTACT, MAIN, language)
    return texts


def list_news(
    session: TenantSession, language: str, now: datetime, *, page: int = 1, size: int = PAGE
) -> tuple[list[Text], bool]:
    """News and warnings of this moment, warnings first; and whether there are more."""
    rows = session.read(_NEWS, language=language, now=now, most=size + 1, skipped=(page - 1) * size)
    return [_text(row) for row in rows[:size]], len(rows) > size


def list_warnings(session: TenantSession, language: str, now: datetime) -> list[Text]:
    """Warnings of this moment, for pages of people who are about to pay."""
    shown, _more = list_news(session, language, now)
    return [text for text in shown if text.kind is ArticleKind.WARNING]


def find_news(session: Session, slug: str, language: str, now: datetime) -> Text | None:
    """One of the news or warnings, while it is shown."""
    kinds = [ArticleKind.NEWS, ArticleKind.WARNING]
    rows = session.scalars(select(Article).where(Article.kind.in_(kinds), Article.slug == slug)).all()
    return _in_language([row for row in rows if is_shown(row, now)], language)


def find_article(
    session: Session, tenant: Tenant, kind: ArticleKind, slug: str, language: str, now: datetime
) -> Text | None:
    """The office's text in this language or in Polish, else the product's."""
    rows = session.scalars(select(Article).where(Article.kind == kind, Article.slug == slug)).all()
    own = _in_language([row for row in rows if is_shown(row, now)], language)
    return own or _standard(tenant, kind, slug, language)


def get_article(session: Session, tenant: Tenant, kind: ArticleKind, slug: str, language: str, now: datetime) -> Text:
    found = find_article(session, tenant, kind, slug, language, now)
    if found is None:
        raise NotFound(f"no {kind} {slug!r}")
    return found


@dataclass(frozen=True)
class TermsVersion:
    """A version of the terms of use. The standard ones have been in force from the beginning."""

    version: str
    in_force_from: datetime | None


def list_terms(session: Session, now: datetime) -> list[TermsVersion]:
    """All versions that are or were in force, the present one first."""
    rows = session.execute(
        select(Article.slug, Article.shown_from)
        .where(Article.kind == ArticleKind.TERMS, Article.shown_from <= now)
        .order_by(Article.shown_from.desc(), Article.slug.desc())
    )
    versions = list({row.slug: TermsVersion(row.slug, row.shown_from) for row in rows}.values())
    return [*versions, TermsVersion(STANDARD_TERMS, None)]


def current_terms(session: Session, now: datetime) -> TermsVersion:
    """The version in force."""
    return list_terms(session, now)[0]


def is_shown(article: Article, now: datetime) -> bool:
    begun = article.shown_from is None or article.shown_from <= now
    return begun and (article.shown_until is None or now < article.shown_until)


def find_row(session: Session, key: Key) -> Article | None:
    """The office's own text, as it is edited."""
    return session.get(Article, tuple(key), populate_existing=True)


@dataclass(frozen=True)
class Line:
    """A text in the office's list: in which languages it is, and when it is shown."""

    kind: ArticleKind
    slug: str
    title: str
    languages: frozenset[str]
    shown_from: datetime | None = None
    shown_until: datetime | None = None

    def has_begun(self, now: datetime) -> bool:
        return self.shown_from is None or self.shown_from <= now

    def is_over(self, now: datetime) -> bool:
        return self.shown_until is not None and self.shown_until <= now


def list_lines(session: Session, kinds: Collection[ArticleKind], *, page: int = 1, size: int = 200) -> list[Line]:
    """The office's own texts of some kinds, those to come and those past too; the newest first. One more than `size`
    says that there are more."""
    polish = func.max(Article.title).filter(Article.language == POLISH)
    rows = session.execute(
        select(
            Article.kind,
            Article.slug,
            func.coalesce(polish, func.max(Article.title)).label("title"),
            func.array_agg(Article.language).label("languages"),
            func.max(Article.shown_from).label("shown_from"),
            func.max(Article.shown_until).label("shown_until"),
        )
        .where(Article.kind.in_(kinds))
        .group_by(Article.kind, Article.slug)
        .order_by(func.max(Article.shown_from).desc().nulls_last(), func.max(Article.position), Article.slug)
        .limit(size + 1)
        .offset((page - 1) * size)
    )
    return [
        Line(row.kind, row.slug, row.title, frozenset(row.languages), row.shown_from, row.shown_until) for row in rows
    ]


def find_sibling(session: Session, key: Key) -> Article | None:
    """The same text in another language, in Polish if there is one."""
    rows = session.scalars(
        select(Article).where(Article.kind == key.kind, Article.slug == key.slug, Article.language != key.language)
    ).all()
    return next((row for row in rows if row.language == POLISH), next(iter(rows), None))


def list_pages(session: Session, language: str) -> list[Text]:
    """The office's own pages for menus, in their order, without their bodies."""
    rows = session.execute(
        select(Article.slug, Article.language, Article.title)
        .where(Article.kind == ArticleKind.PAGE, Article.language.in_({language, POLISH}))
        .order_by(Article.position, Article.slug, Article.language == POLISH)
    )
    found: dict[str, Text] = {}
    for row in rows:
        found.setdefault(row.slug, Text(ArticleKind.PAGE, row.slug, row.language, row.title, ""))
    return list(found.values())


def _text(row: Any) -> Text:
    names = ("slug", "language", "title", "body", "shown_from", "shown_until", "updated_at")
    return Text(kind=ArticleKind(row.kind), **{name: getattr(row, name) for name in names})


def _in_language(rows: Sequence[Article], language: str) -> Text | None:
    by_language = {row.language: row for row in rows}
    found = by_language.get(language) or by_language.get(POLISH)
    return _text(found) if found is not None else None


def _standard(tenant: Tenant, kind: ArticleKind, slug: str, language: str) -> Text | None:
    found = find_standard(tenant, kind, slug, language)
    return Text(kind, slug, language, found.title, found.body) if found is not None else None
