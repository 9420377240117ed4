"""What travels through a browser and comes back: a few words with their moment, sealed.

Nobody reads or changes them on the way, and no other gmina and no other purpose opens them.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import timedelta
from typing import Any, Protocol

from skarbnik import clock
from skarbnik.crypto import CannotOpen


class Seals(Protocol):
    """Whose words they are: a gmina's, or on the bare host the instance's own."""

    def seal(self, purpose: str, plain: bytes) -> bytes: ...

    def open_sealed(self, purpose: str, sealed: bytes) -> bytes: ...


def seal_words(owner: Seals, purpose: str, words: dict[str, Any]) -> str:
    """As text for a field of a form or a cookie. `words` are what JSON holds."""
    dated = {**words, "at": int(clock.now().timestamp())}
    return base64.urlsafe_b64encode(owner.seal(purpose, json.dumps(dated, ensure_ascii=False).encode())).decode()


def open_words(owner: Seals, purpose: str, text: str | None, *, good_for: timedelta | None) -> dict[str, Any] | None:
    """The words again; None for what is not ours, is of another owner or purpose, is too old, or is nothing.

    `good_for` None: whatever their age.
    """
    try:
        words: dict[str, Any] = json.loads(owner.open_sealed(purpose, base64.urlsafe_b64decode(text or "")))
    except (CannotOpen, binascii.Error, ValueError):
        return None
    if good_for is not None and clock.now().timestamp() - words["at"] > good_for.total_seconds():
        return None
    return words
