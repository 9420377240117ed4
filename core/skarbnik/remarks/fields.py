"""What the resident's form about a report and the office's answer have in common: names, and how long a text may be."""

from __future__ import annotations

from flask_babel import gettext as _
from wtforms.validators import ValidationError

from skarbnik.remarks.models import LONGEST, Outcome, Topic


def topic_names() -> dict[Topic, str]:
    return {
        Topic.AMOUNT: _("The amount or the interest"),
        Topic.BASIS: _("What it is charged for: objects, area, rate"),
        Topic.PAYMENT: _("A payment that is not shown"),
        Topic.LIABILITY: _("It is not mine"),
        Topic.NAME: _("My name"),
        Topic.ADDRESS: _("My address"),
        Topic.CONTACT: _("My e-mail or telephone"),
        Topic.MISSING: _("Something is missing"),
        Topic.OTHER: _("Something else"),
    }


def outcome_names() -> dict[Outcome, str]:
    """What the office found, as the clerk chooses it and the resident reads it."""
    return {
        Outcome.WILL_CORRECT: _("The data will be corrected in the finance system."),
        Outcome.NOT_WRONG: _("The data are right."),
        Outcome.ELSEWHERE: _("Another office decides about this."),
    }


def check_text(text: str) -> None:
    """Of a report and of its answer."""
    if not text.strip():
        raise ValidationError(_("Enter a text."))
    if len(text) > LONGEST:
        raise ValidationError(_("The text has %(num)d characters; at most 2 000 fit.", num=len(text)))
