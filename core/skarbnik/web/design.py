"""`/design`: every component in every state, for whoever builds a page. Never on a public instance."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, g, render_template
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from skarbnik.colours import contrast, for_dark
from skarbnik.money import Amounts, Money
from skarbnik.plugin_api import public
from skarbnik.web.fields import to_choices

blueprint = Blueprint("design", __name__)

TOKENS = (
    *("ink", "quiet", "line", "edge", "paper", "soft", "raised", "red", "green", "amber", "link", "gmina"),
    *("red-soft", "green-soft", "amber-soft", "link-over", "focus", "on-gmina"),
)
WHEN = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)


class SampleForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """One field of each kind; the first is wrong."""

    wrong = StringField(validators=[InputRequired()])
    text = StringField()
    kind = SelectField(choices=to_choices([("a", "A"), ("b", "B")]))
    words = TextAreaField()
    agreed = BooleanField()


@blueprint.get("/design")
@public("shows made-up data, in the demo only")
def show() -> str:
    form = SampleForm(formdata=None, meta={"csrf": False})
    form.wrong.errors = (_("Write a number like 1234,56."),)
    form.form_errors = []
    return render_template(
        "web/design.html",
        form=form,
        tokens=TOKENS,
        amounts=Amounts(Money(123_456), Money(1_200), Money(1_600)),
        sums=[Money(0), Money(1), Money(-12_345), Money(123_456_789_012)],
        walk=_walk(),
        bars_rows=[(name, number, str(number)) for name, number in (("2024", 310), ("2025", 480), ("2026", 120))],
        theme_contrast=(contrast(g.tenant.colour, "#ffffff"), contrast(for_dark(g.tenant.colour), "#12181f")),
    )


def _walk() -> list[Any]:
    titles = (
        ("done", _("Ordered")),
        ("done", _("Paid")),
        ("now", _("Booked")),
        ("wrong", _("Booked")),
        ("waits", _("Booked")),
    )
    return [SimpleNamespace(mark=mark, title=title, text="", at=WHEN) for mark, title in titles]
