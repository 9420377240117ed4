"""What the office types: texts, and the answers of the accessibility declaration."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateTimeLocalField,
    EmailField,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
    URLField,
)
from wtforms.validators import NumberRange, Optional, ValidationError
from wtforms.widgets import HiddenInput

from skarbnik import clock
from skarbnik.content.declaration import LANGUAGES, Answers, Basis, Conformity, Words
from skarbnik.content.markdown import may_link
from skarbnik.content.models import LONGEST_BODY, LONGEST_TITLE, Article, ArticleKind
from skarbnik.content.times import EARLIEST, LATEST, local_of, moment_of
from skarbnik.web.fields import Day, Number, at_most, lines, to_choices

TYPED = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]  # as browsers send it; the first is how it is shown
PARTS = ("gaps", "reasons", "shortcuts", "architecture", "communication")

_MAIL = re.compile(r"[^@\s]{1,64}@[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63})+")


def _line(text: str | None) -> str:
    """One line without what no column can hold."""
    return " ".join((text or "").replace("\x00", "").split())


class _LocalTime(DateTimeLocalField):
    """A date and a time of Warsaw."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
            wrong = self.data is not None and not EARLIEST <= self.data < LATEST
        except ValueError:
            wrong = True
        if wrong:
            self.data = None
            raise ValueError(_("Enter a date and a time, such as 24.11.2026, 14:30."))


class VersionForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Which version somebody had before them when they typed."""

    version = IntegerField(widget=HiddenInput(), default=0, validators=[NumberRange(0)])

    def show_version(self, version: int) -> None:
        """Put another version into the form that is shown again."""
        self.version.data, self.version.raw_data = version, None


class ArticleForm(VersionForm):
    """A text in one language."""

    title = StringField(filters=[_line], validators=[at_most(LONGEST_TITLE)], render_kw={"maxlength": LONGEST_TITLE})
    body = TextAreaField(filters=[lines], render_kw={"rows": 18, "maxlength": LONGEST_BODY})
    shown_from = _LocalTime(format=TYPED, validators=[Optional()])
    shown_until = _LocalTime(format=TYPED, validators=[Optional()])
    position = Number(
        default=0, validators=[Optional(), NumberRange(0, 999, _l("Enter a number from %(min)d to %(max)d."))]
    )

    def fill(self, row: Article) -> None:
        for name in ("title", "body", "position", "version"):
            self[name].data = getattr(row, name)
        self.shown_from.data, self.shown_until.data = local_of(row.shown_from), local_of(row.shown_until)

    def moments(self, row: Article | None) -> tuple[datetime | None, datetime | None]:
        """When it is shown; what nobody touched stays what it was."""
        return (
            moment_of(self.shown_from.data, was=row.shown_from if row else None),
            moment_of(self.shown_until.data, was=row.shown_until if row else None, late=True),
        )

    def validate_title(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Enter a title."))

    def validate_body(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Enter a text."))
        if len(field.data) > LONGEST_BODY:
            raise ValidationError(_("The text has %(num)d characters; at most 20 000 fit.", num=len(field.data)))

    def validate_shown_until(self, field: Any) -> None:
        begin, end = self.moments(None)
        if begin is not None and end is not None and end <= begin:
            raise ValidationError(_("The end must come after the beginning."))


class NewArticleForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The title of a text that is to be; its address is made from it."""

    title = StringField(filters=[_line], validators=[at_most(LONGEST_TITLE)], render_kw={"maxlength": LONGEST_TITLE})

    def validate_title(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Enter a title."))


def _short(longest: int, *more: Any) -> dict[str, Any]:
    return {"filters": [_line], "validators": [at_most(longest), *more]}


class _DeclarationForm(VersionForm):
    conformity = SelectField()
    basis = SelectField()
    auditor = StringField(**_short(160))
    published_on = Day()
    updated_on = Day()
    made_on = Day()
    reviewed_on = Day(validators=[Optional()])
    contact = StringField(**_short(160))
    email = EmailField(**_short(120))
    phone = TelField(**_short(40))
    burden_url = URLField(**_short(300))
    architecture_url = URLField(**_short(300))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conformity.choices = to_choices(
            [
                (Conformity.FULL.value, _("compliant")),
                (Conformity.PARTLY.value, _("partly compliant")),
                (Conformity.NONE.value, _("not compliant")),
            ]
        )
        self.basis.choices = to_choices(
            [
                (Basis.OWN.value, _("the office assessed it itself")),
                (Basis.AUDIT.value, _("somebody else audited it")),
            ]
        )

    def fill(self, answers: Answers, version: int) -> None:
        for name, field in self._fields.items():
            part, _sep, language = name.rpartition("_")
            if part in PARTS:
                field.data = getattr(answers.words.get(language, Words()), part)
            elif hasattr(answers, name):
                field.data = getattr(answers, name)
        self.version.data = version

    def answers(self) -> Answers:
        return Answers(
            conformity=Conformity(self.conformity.data),
            basis=Basis(self.basis.data),
            words={
                language: Words(**{part: self[f"{part}_{language}"].data for part in PARTS}) for language in LANGUAGES
            },
            **{
                name: self[name].data
                for name in (
                    *("auditor", "contact", "email", "phone", "burden_url", "architecture_url"),
                    *("published_on", "updated_on", "made_on", "reviewed_on"),
                )
            },
        )

    def validate_auditor(self, field: Any) -> None:
        if self.basis.data == Basis.AUDIT and not field.data:
            raise ValidationError(_("Enter who audited the portal."))

    def _needed_day(self, field: Any) -> None:
        if field.data is None and not field.errors:
            raise ValidationError(_("Enter a date, such as 24.11.2026."))
        self._possible_day(field)

    def _possible_day(self, field: Any) -> None:
        if field.data is not None and not date(1990, 1, 1) <= field.data <= clock.today():
            raise ValidationError(_("Enter a day that has already been."))

    def validate_made_on(self, field: Any) -> None:
        self._needed_day(field)

    def validate_published_on(self, field: Any) -> None:
        self._needed_day(field)

    def validate_updated_on(self, field: Any) -> None:
        self._needed_day(field)
        if field.data and self.published_on.data and field.data < self.published_on.data:
            raise ValidationError(_("The last change cannot be before the publication."))

    def validate_reviewed_on(self, field: Any) -> None:
        self._possible_day(field)

    def validate_contact(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Enter a person or a unit of the office."))

    def validate_email(self, field: Any) -> None:
        if not _MAIL.fullmatch(field.data):
            raise ValidationError(_("Enter an e-mail address, such as urzad@gmina.pl."))

    def validate_phone(self, field: Any) -> None:
        if not re.search(r"\d{3}", field.data):
            raise ValidationError(_("Enter a telephone number."))

    def _web_address(self, field: Any) -> None:
        if field.data and not (field.data.startswith(("https://", "http://")) and may_link(field.data)):
            raise ValidationError(_("Enter an address that begins with https://."))

    def validate_burden_url(self, field: Any) -> None:
        self._web_address(field)

    def validate_architecture_url(self, field: Any) -> None:
        self._web_address(field)


DeclarationForm = type(
    "DeclarationForm",
    (_DeclarationForm,),
    {
        f"{part}_{language}": TextAreaField(filters=[lines], validators=[at_most(4000)], render_kw={"rows": 4})
        for language in LANGUAGES
        for part in PARTS
    },
)


def with_dates(kind: ArticleKind) -> bool:
    """Kinds that are shown for a time, or from a day."""
    return kind in {ArticleKind.NEWS, ArticleKind.WARNING, ArticleKind.TERMS}
