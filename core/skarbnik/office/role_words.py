"""What the roles of the office are, in words an administrator reads."""

from __future__ import annotations

from flask_babel import gettext as _

from skarbnik.plugin_api import Role


def role_names() -> dict[str, str]:
    """What an official may be, and what that lets them do."""
    return {
        Role.ADMINISTRATOR: _("Administrator: people, keys, gateways, texts"),
        Role.ACCOUNTANT: _("Accountant: payments, refunds, reconciliation, exchange of files"),
        Role.COMMUNICATIONS: _("Communications officer: texts, groups, messages"),
        Role.SURVEYS: _("Surveys: questions and answers"),
        Role.AUDITOR: _("Auditor: sees everything, changes nothing"),
    }


def short_role_names() -> dict[str, str]:
    """What they are called, alone."""
    return {role: words.partition(":")[0] for role, words in role_names().items()}


def part_names() -> dict[str, str]:
    """Parts of the office by the first word of their permissions, in the order of the menu. Plugins have names of
    their own.
    """
    return {
        "payments": _("Payments"),
        "exchange": _("Exchange of files"),
        "receivables": _("Payers"),
        "remarks": _("Reports of wrong data"),
        "content": _("Texts"),
        "mandates": _("Requests to act"),
        "residents": _("Residents"),
        "accounts": _("Accounts"),
        "support": _("Support"),
        "audit": _("Who saw and did what"),
    }
