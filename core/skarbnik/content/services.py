"""Changing what the office writes, and agreeing to the terms of use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from skarbnik import clock
from skarbnik.accounts.models import User
from skarbnik.content.models import LONGEST_SLUG, Article, ArticleKind, Key
from skarbnik.content.queries import POLISH, current_terms, find_row
from skarbnik.errors import Conflict

_NOT_FOLDED = str.maketrans("łŁ", "lL")


class ArticleChanged(Conflict):
    """Somebody saved or deleted the text meanwhile. `current` is theirs; None when it is gone."""

    def __init__(self, key: Key, current: Article | None) -> None:
        super().__init__(f"{key} changed meanwhile")
        self.current = current


class TermsInForce(Conflict):
    """Somebody may have agreed to these terms as they are: a change is a new version."""


class TermsNeedPolish(Conflict):
    """Terms are written in Polish first: everybody is shown those when there is no translation."""


class TermsChanged(Conflict):
    """The version somebody agrees to is no longer the one in force."""


def save_article(
    session: Session,
    key: Key,
    *,
    version: int,
    title: str,
    body: str,
    shown_from: datetime | None = None,
    shown_until: datetime | None = None,
    position: int = 0,
    answers: dict[str, Any] | None = None,
    by: UUID,
) -> Article:
    """Save what was typed over the version that was seen; 0 when there was none. Dates hold for all languages."""
    if key.kind is ArticleKind.TERMS:
        shown_from, shown_until, position = _terms_day(session, key, shown_from), None, 0
        if key.language != POLISH and find_row(session, key._replace(language=POLISH)) is None:
            raise TermsNeedPolish(f"{key} has no Polish text")
    elif key.kind in {ArticleKind.NEWS, ArticleKind.WARNING} and shown_from is None:
        shown_from = clock.now()  # a day to be listed by
    values = {
        "title": title,
        "body": body,
        "position": position,
        "shown_from": shown_from,
        "shown_until": shown_until,
        "answers": answers,
        "updated_at": clock.now(),
        "updated_by": by,
    }
    row = session.get(Article, tuple(key), with_for_update=True, populate_existing=True)
    if row is None:
        if version or not _insert(session, key, values):
            raise ArticleChanged(key, find_row(session, key))
    elif row.version != version:
        raise ArticleChanged(key, row)
    else:
        session.execute(
            update(Article).where(_is(key)).values(**values, version=version + 1),
            execution_options={"synchronize_session": False},
        )
    _tell_other_languages(session, key, {"shown_from": shown_from, "shown_until": shown_until, "position": position})
    saved = find_row(session, key)
    assert saved is not None
    return saved


def _is(key: Key) -> Any:
    return (Article.kind == key.kind) & (Article.slug == key.slug) & (Article.language == key.language)


def _insert(session: Session, key: Key, values: dict[str, Any]) -> bool:
    """False when somebody was quicker."""
    statement = insert(Article).values(**key._asdict(), **values, version=1).on_conflict_do_nothing()
    return session.execute(statement.returning(Article.version)).first() is not None


def _terms_day(session: Session, key: Key, wanted: datetime | None) -> datetime:
    """When terms come into force: never before now, and never another day than the version already has in force."""
    now = clock.now()
    versions = session.execute(
        select(Article.language, Article.shown_from).where(Article.kind == key.kind, Article.slug == key.slug)
    ).all()
    in_force = [row.shown_from for row in versions if row.shown_from is not None and row.shown_from <= now]
    if in_force and key.language in {row.language for row in versions}:
        raise TermsInForce(f"{key} are in force")
    return in_force[0] if in_force else max(wanted or now, now)


def _tell_other_languages(session: Session, key: Key, shared: dict[str, Any]) -> None:
    """Another language with other dates gets these and a new version, so that whoever has it open learns of it."""
    differs = or_(*(getattr(Article, name).is_distinct_from(value) for name, value in shared.items()))
    session.execute(
        update(Article)
        .where(Article.kind == key.kind, Article.slug == key.slug, Article.language != key.language, differs)
        .values(**shared, version=Article.version + 1),
        execution_options={"synchronize_session": False},
    )


def delete_article(session: Session, kind: ArticleKind, slug: str) -> int:
    """Take a text away in all languages; where the product has one, that is shown again. How many there were."""
    if kind is ArticleKind.TERMS:
        begun = select(Article.slug).where(
            Article.kind == kind, Article.slug == slug, Article.shown_from <= clock.now()
        )
        if session.execute(begun.with_for_update()).first() is not None:
            raise TermsInForce(f"terms {slug} are or were in force")
    gone = session.execute(delete(Article).where(Article.kind == kind, Article.slug == slug).returning(Article.slug))
    return len(gone.all())


def next_terms_version(session: Session) -> str:
    versions = session.scalars(select(Article.slug).where(Article.kind == ArticleKind.TERMS))
    return str(max((int(each) for each in versions if each.isdecimal()), default=0) + 1)


def new_slug(session: Session, kind: ArticleKind, title: str) -> str:
    """A name for addresses from a title. News and warnings share their addresses, so their names too."""
    together = {ArticleKind.NEWS, ArticleKind.WARNING}
    kinds = together if kind in together else {kind}
    taken = set(session.scalars(select(Article.slug).where(Article.kind.in_(kinds))))
    return free_slug(title, taken)


def free_slug(title: str, taken: Iterable[str]) -> str:
    """`Przerwa w płatnościach` is `przerwa-w-platnosciach`, the second one with `-2`."""
    folded = unicodedata.normalize("NFKD", title.translate(_NOT_FOLDED)).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", folded) or [clock.today().isoformat()]
    slug = words[0][: LONGEST_SLUG - 4]
    for word in words[1:]:
        if len(slug) + 1 + len(word) > LONGEST_SLUG - 4:
            break
        slug = f"{slug}-{word}"
    taken = set(taken)
    number = 1
    while (numbered := slug if number == 1 else f"{slug}-{number}") in taken:
        number += 1
    return numbered


def terms_to_accept(session: Session, user_id: UUID) -> str | None:
    """The version in force, when this user has not agreed to it yet."""
    current = current_terms(session, clock.now()).version
    accepted = session.scalar(select(User.terms_version).where(User.id == user_id))
    return None if accepted == current else current


def accept_terms(session: Session, user_id: UUID, version: str) -> None:
    """The user agrees to the version they were shown. TermsChanged when another one came into force meanwhile."""
    if version != current_terms(session, clock.now()).version:
        raise TermsChanged(f"terms {version!r} are not in force")
    session.execute(update(User).where(User.id == user_id).values(terms_version=version))
