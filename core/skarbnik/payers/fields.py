"""What the form that asks for a mandate and the one that decides about it have in common: names, values and limits."""

from __future__ import annotations

import re
from datetime import timedelta

from flask_babel import gettext as _
from wtforms.validators import ValidationError

from skarbnik.numbers import is_pesel
from skarbnik.payers.models import CompanyRole, MandateBasis

LONGEST_RIGHT = timedelta(days=20 * 366)
SEE, PAY = "see", "pay"  # what a mandate is for
_ELEVEN_DIGITS = re.compile(r"(?<!\d)\d{11}(?!\d)")


def role_names() -> dict[CompanyRole, str]:
    return {
        CompanyRole.OWNER: _("Owner or partner"),
        CompanyRole.BOARD: _("Member of the board"),
        CompanyRole.PROXY: _("Commercial proxy, or with a power of attorney"),
    }


def basis_names() -> dict[MandateBasis, str]:
    return {
        MandateBasis.SELF: _("in person, by PESEL"),
        MandateBasis.COMPANY: _("for a company"),
        MandateBasis.PROXY: _("as a proxy"),
    }


def check_no_pesel(text: str | None) -> None:
    """Nobody types the PESEL of somebody else: the office finds the person by what it knows itself."""
    if any(is_pesel(each) for each in _ELEVEN_DIGITS.findall(text or "")):
        raise ValidationError(_("Do not write a PESEL here. The office finds the person without it."))
