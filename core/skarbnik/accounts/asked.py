"""How often a page may be asked about one e-mail address, whether it has an account or not.

Counted by a keyed hash of the address: the counter knows nobody. Who asks from elsewhere does not use up the few of
the owner's own network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, request

from skarbnik.web import frame
from skarbnik.web.forms import NO_TENANT
from skarbnik.web.limits import limiter, network_of


def limited_by_email(purpose: str, *, few: str, most: str) -> Callable[[Any], Any]:
    """`few` for an address from one network, `most` for it from everywhere. Only forms that are sent count."""

    def account() -> str:
        owner = g.tenant.id if g.tenant else NO_TENANT
        name, _at, host = request.form.get("email", "").strip().lower().rpartition("@")
        address = f"{name.partition('+')[0]}@{host}"  # with whichever tag it is one mailbox
        return f"{owner}:{frame.instance_of_app().keys.keyed_hash(owner, purpose, address).hex()[:32]}"

    def account_and_network() -> str:
        return f"{account()}:{network_of(request.remote_addr, v4=24, v6=48)}"

    def mark(view: Any) -> Any:
        counted = limiter.limit(few, key_func=account_and_network, methods=["POST"])(view)
        return limiter.limit(most, key_func=account, methods=["POST"])(counted)

    return mark
