"""What the office types of a survey, and the form of a questionnaire, made from its questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from skarbnik.plugin_api import today
from skarbnik.plugin_web import DayOrNone, at_most, lines, to_choices
from skarbnik_surveys.models import LONGEST_INTRO, LONGEST_TITLE
from skarbnik_surveys.questions import (
    FEWEST_CHOICES,
    LONGEST_ANSWER,
    LONGEST_CHOICE,
    LONGEST_QUESTION,
    MOST_CHOICES,
    Answers,
    Question,
    QuestionKind,
    new_question,
)


def one_line(text: str | None) -> str:
    """Without what no column can hold or nobody can see."""
    return "".join(sign for sign in " ".join((text or "").split()) if sign.isprintable())


class SurveyForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What a survey is about, and until when it may be answered."""

    title = StringField(filters=[one_line], validators=[at_most(LONGEST_TITLE)], render_kw={"maxlength": LONGEST_TITLE})
    intro = TextAreaField(filters=[lines], validators=[at_most(LONGEST_INTRO)], render_kw={"rows": 6})
    closes_on = DayOrNone(validators=[Optional()])

    def validate_title(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Enter a title."))

    def validate_closes_on(self, field: Any) -> None:
        if field.data is not None and field.data < today():
            raise ValidationError(_("Choose today or a later day as the last one."))

    def words(self) -> dict[str, Any]:
        return {"title": self.title.data, "intro": self.intro.data, "closes_on": self.closes_on.data}


class QuestionForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A question; its choices stand in one field, each in a line of its own, so that no script is needed."""

    text = StringField(
        filters=[one_line], validators=[at_most(LONGEST_QUESTION)], render_kw={"maxlength": LONGEST_QUESTION}
    )
    kind = SelectField()
    choices = TextAreaField(filters=[lines], render_kw={"rows": 8})
    required = BooleanField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = to_choices((kind.value, name) for kind, name in kind_names().items())

    def fill(self, question: Question) -> None:
        self.text.data, self.kind.data, self.required.data = question.text, question.kind.value, question.required
        self.choices.data = "\n".join(choice.text for choice in question.choices)

    def validate_text(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Enter a question."))

    def validate_choices(self, field: Any) -> None:
        choices = self.list_choices()
        if self.kind.data == QuestionKind.TEXT:
            if choices:
                raise ValidationError(_("Who answers with a text has nothing to choose from: leave this empty."))
            return
        if not FEWEST_CHOICES <= len(choices) <= MOST_CHOICES:
            raise ValidationError(_("Enter 2 to 20 answers to choose from, each in its own line."))
        if len(set(choices)) < len(choices):
            raise ValidationError(_("An answer stands there twice."))
        if max(map(len, choices)) > LONGEST_CHOICE:
            raise ValidationError(_("An answer to choose has at most 200 characters."))

    def list_choices(self) -> list[str]:
        typed = (one_line(line) for line in (self.choices.data or "").split("\n"))
        return [line for line in typed if line]

    def make(self, question_id: str = "") -> Question:
        return new_question(
            QuestionKind(self.kind.data),
            self.text.data or "",
            required=bool(self.required.data),
            choices=self.list_choices(),
            question_id=question_id,
        )


def kind_names() -> dict[QuestionKind, str]:
    return {
        QuestionKind.SINGLE: _("one answer of several"),
        QuestionKind.MULTIPLE: _("any number of answers"),
        QuestionKind.TEXT: _("a text"),
    }


class AnswerForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The questionnaire as residents fill it in: `make_answer_form` adds a field for each question."""

    asked: tuple[Question, ...] = ()

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if self.asked and not self.answers():
            self[self.asked[0].id].errors = [_("Answer at least one question.")]
            return False
        return True

    def answers(self) -> Answers:
        """As sheets keep them, without what was passed over."""
        given = {question.id: _answer(question, self[question.id].data) for question in self.asked}
        return {question_id: answer for question_id, answer in given.items() if answer}


def _answer(question: Question, data: Any) -> list[str] | str:
    if question.kind is QuestionKind.TEXT:
        return data or ""
    chosen = [data] if question.kind is QuestionKind.SINGLE else data or []
    return [choice.id for choice in question.choices if choice.id in chosen]


def make_answer_form(questions: Sequence[Question], **options: Any) -> AnswerForm:
    fields = {question.id: _field_of(number, question) for number, question in enumerate(questions, 1)}
    made: AnswerForm = type("AnswerForm", (AnswerForm,), {"asked": tuple(questions), **fields})(**options)
    return made


def _field_of(number: int, question: Question) -> Any:
    if question.kind is QuestionKind.TEXT:
        return TextAreaField(filters=[lines], validators=[_text_fits(number, question)], render_kw={"rows": 5})
    kind = RadioField if question.kind is QuestionKind.SINGLE else SelectMultipleField
    choices = [(choice.id, choice.text) for choice in question.choices]
    return kind(choices=to_choices(choices), validate_choice=False, validators=[_choice_fits(number, question)])


def _text_fits(number: int, question: Question) -> Callable[[Any, Any], None]:
    def check(form: Any, field: Any) -> None:
        if question.required and not field.data:
            raise ValidationError(_("Question %(num)d: write an answer.", num=number))
        if len(field.data) > LONGEST_ANSWER:
            raise ValidationError(_("Question %(num)d: at most 1 000 characters fit.", num=number))

    return check


def _choice_fits(number: int, question: Question) -> Callable[[Any, Any], None]:
    known = {choice.id for choice in question.choices}

    def check(form: Any, field: Any) -> None:
        chosen = field.data if isinstance(field.data, list) else [field.data] if field.data else []
        if question.required and not chosen:
            raise ValidationError(_("Question %(num)d: choose an answer.", num=number))
        if not set(chosen) <= known:
            raise ValidationError(_("Question %(num)d: choose from the answers that stand there.", num=number))

    return check
