"""What the operators' pages and the office's page about support call the same things."""

from __future__ import annotations

from flask_babel import gettext as _

from skarbnik.operator.models import HOURS
from skarbnik.operator.sign_in import TooManyCodes
from skarbnik.plugin_api import Support


def scope_names() -> dict[str, str]:
    """How far an operator is let in."""
    return {
        Support.LOOK: _("Look only"),
        Support.ADMINISTER: _("Look, change texts and hours"),
    }


def hour_names() -> dict[int, str]:
    """For how long."""
    return {each: _("%(num)d h", num=each) for each in HOURS}


def why_refused(refused: Exception) -> str:
    """A code was not taken: WrongCode or TooManyCodes."""
    if isinstance(refused, TooManyCodes):
        return str(_("Too many wrong codes. Wait a quarter of an hour."))
    return str(_("This code is not good. Wait for the next one and enter it."))
