"""A form whose session ended is not lost: it travels, sealed, through the sign-in and comes back to be sent again.

It comes back to who typed it. Somebody else who signs in at the same browser neither sees nor sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from skarbnik.tenancy.registry import Tenant
from skarbnik.web.addresses import own_path
from skarbnik.web.sealed import open_words, seal_words

LARGEST = 100_000  # characters of all fields together
GOOD_FOR = timedelta(days=1)
PURPOSE = "kept-form"
NOT_KEPT = {"csrf_token", "kept", "password", "again", "current", "pesel"}  # secrets are typed anew


@dataclass(frozen=True)
class KeptForm:
    """What somebody sent after their session had ended."""

    owner: UUID
    path: str
    fields: list[tuple[str, str]]


def keep_form(tenant: Tenant, form: KeptForm) -> str | None:
    """The form as text for a hidden field; None when it is too large to be carried. Only this gmina can open it."""
    fields = [(name, value) for name, value in form.fields if name not in NOT_KEPT]
    if sum(len(name) + len(value) for name, value in fields) > LARGEST:
        return None
    words = {"owner": str(form.owner), "path": form.path, "fields": fields}
    return seal_words(tenant, PURPOSE, words)


def open_kept(tenant: Tenant, text: str | None, *, owner: UUID) -> KeptForm | None:
    """The form again; None when it is not ours, not this person's, too old, or nothing."""
    words = open_words(tenant, PURPOSE, text, good_for=GOOD_FOR)
    path = own_path(words["path"]) if words else None
    if words is None or path is None or words["owner"] != str(owner):
        return None
    return KeptForm(owner, path, [(name, value) for name, value in words["fields"]])
