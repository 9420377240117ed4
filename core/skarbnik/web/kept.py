"""A form whose session ended is not lost: it travels, sealed, through the sign-in and comes back to be sent again."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from skarbnik import clock
from skarbnik.crypto import CannotOpen
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.addresses import own_path

LARGEST = 100_000  # characters of all fields together
GOOD_FOR = 24 * 3600  # seconds
NOT_KEPT = {"csrf_token", "kept"}


@dataclass(frozen=True)
class KeptForm:
    """What somebody sent after their session had ended."""

    path: str
    fields: list[tuple[str, str]]


def keep_form(tenant: Tenant, form: KeptForm) -> str | None:
    """The form as text for a hidden field; None when it is too large to be carried. Only this gmina can open it."""
    fields = [(name, value) for name, value in form.fields if name not in NOT_KEPT]
    if sum(len(name) + len(value) for name, value in fields) > LARGEST:
        return None
    words = {"path": form.path, "fields": fields, "at": int(clock.now().timestamp())}
    return base64.urlsafe_b64encode(tenant.seal("kept-form", json.dumps(words, ensure_ascii=False).encode())).decode()


def open_kept(tenant: Tenant, text: str | None) -> KeptForm | None:
    """The form again; None when it is not ours, too old, or nothing."""
    if not text:
        return None
    try:
        words = json.loads(tenant.open_sealed("kept-form", base64.urlsafe_b64decode(text)))
    except (CannotOpen, binascii.Error, ValueError):
        return None
    path = own_path(words["path"])
    if path is None or clock.now().timestamp() - words["at"] > GOOD_FOR:
        return None
    return KeptForm(path, [(name, value) for name, value in words["fields"]])
