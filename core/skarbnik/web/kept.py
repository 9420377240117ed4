"""A form whose session ended is not lost: it travels, sealed, through the sign-in and comes back to be sent again.

It comes back to who typed it. Somebody else who signs in at the same browser neither sees nor sends it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from uuid import UUID

from skarbnik import clock
from skarbnik.crypto import CannotOpen
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.addresses import own_path

LARGEST = 100_000  # characters of all fields together
GOOD_FOR = 24 * 3600  # seconds
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
    words = {"owner": str(form.owner), "path": form.path, "fields": fields, "at": int(clock.now().timestamp())}
    return base64.urlsafe_b64encode(tenant.seal("kept-form", json.dumps(words, ensure_ascii=False).encode())).decode()


def open_kept(tenant: Tenant, text: str | None, *, owner: UUID) -> KeptForm | None:
    """The form again; None when it is not ours, not this person's, too old, or nothing."""
    if not text:
        return None
    try:
        words = json.loads(tenant.open_sealed("kept-form", base64.urlsafe_b64decode(text)))
    except (CannotOpen, binascii.Error, ValueError):
        return None
    path = own_path(words["path"])
    if words["owner"] != str(owner) or path is None or clock.now().timestamp() - words["at"] > GOOD_FOR:
        return None
    return KeptForm(owner, path, [(name, value) for name, value in words["fields"]])
