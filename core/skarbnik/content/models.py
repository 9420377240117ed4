"""What the office writes for its residents."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from skarbnik.db import Base

LONGEST_TITLE = 160
LONGEST_BODY = 20_000
LONGEST_SLUG = 28  # so that kind, slug and language fit what the trail says about an act

MAIN = "main"  # the slug of what a gmina has one of


class ArticleKind(StrEnum):
    FRONT = "front"
    HELP = "help"
    HOURS = "hours"
    CONTACT = "contact"
    NEWS = "news"
    WARNING = "warning"
    PAGE = "page"
    PRIVACY = "privacy"
    TERMS = "terms"
    COOKIES = "cookies"
    ACCESSIBILITY = "accessibility"


MANY = frozenset({ArticleKind.NEWS, ArticleKind.WARNING, ArticleKind.PAGE, ArticleKind.TERMS})


class Key(NamedTuple):
    """Which text in which language."""

    kind: ArticleKind
    slug: str
    language: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.slug}/{self.language}"


class Article(Base):
    """A text in one language. Dates are those of the text, the same in each language it has.

    Terms have their version as slug and are never changed once they are in force: somebody agreed to them as they are.
    """

    __tablename__ = "articles"
    __table_args__ = (
        CheckConstraint("shown_until > shown_from", name="shown_for_a_while"),
        CheckConstraint("kind <> 'terms' OR (shown_from IS NOT NULL AND shown_until IS NULL)", name="terms_have_a_day"),
    )

    kind: Mapped[ArticleKind] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(LONGEST_SLUG), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    body: Mapped[str] = mapped_column(String(LONGEST_BODY))  # Markdown
    position: Mapped[int]  # among the pages of the office
    shown_from: Mapped[datetime | None]  # for terms: in force from
    shown_until: Mapped[datetime | None]
    version: Mapped[int]  # of the row: who saves says which one they had seen
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # of the accessibility form
    updated_at: Mapped[datetime]
    updated_by: Mapped[UUID | None]

    @property
    def key(self) -> Key:
        return Key(self.kind, self.slug, self.language)
