"""The form of a scope of work: units and kinds an official works with, chosen for an invitation or changed later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from skarbnik.receivables.models import CreditorAccount
from skarbnik.receivables.queries import list_kinds
from skarbnik.receivables.scopes import EVERYTHING, ScopeOfWork, list_units
from skarbnik.web import frame
from skarbnik.web.fields import to_choices
from skarbnik.web.formats import account


class Choices(SelectMultipleField):
    """Any number of some, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ScopeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What somebody works with: nothing chosen is everything. What their `scope` names is there to be chosen.

    `before` says which scope the form was shown with: one that was changed meanwhile is not overwritten.
    """

    units = Choices()
    kinds = Choices()
    before = HiddenField()

    def __init__(self, scope: ScopeOfWork = EVERYTHING, **given: Any) -> None:
        shown = {
            "units": [str(each) for each in scope.accounts],
            "kinds": [str(each) for each in scope.kinds],
            "before": scope.mark,
        }
        super().__init__(**{"data": shown, **given})
        session = frame.session()
        units = list_units(session, also=scope.accounts)
        self.units.choices = to_choices((str(each.id), _label(each, count)) for each, count in units)
        self.kinds.choices = to_choices((str(each.id), each.title) for each in list_kinds(session))

    @property
    def chosen(self) -> ScopeOfWork:
        return ScopeOfWork(
            kinds=frozenset(UUID(each) for each in self.kinds.data or ()),
            accounts=frozenset(UUID(each) for each in self.units.data or ()),
        )


def _label(unit: CreditorAccount, kinds: int) -> str:
    words = {"owner": unit.owner, "account": account(unit.nrb)}
    return str(
        ngettext(
            "%(owner)s, account %(account)s: %(num)d kind",
            "%(owner)s, account %(account)s: %(num)d kinds",
            kinds,
            **words,
        )
    )
