"""How often somebody may guess or ask: about one e-mail address, one account, one person in an open browser.

An e-mail address is counted by a keyed hash, whether it has an account or not: the counter knows nobody. Who asks from
elsewhere does not use up the few of the owner's own network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request

from skarbnik.accounts.half_sign_in import user_of_half
from skarbnik.accounts.services import hash_token
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.forms import NO_TENANT
from skarbnik.web.limits import limiter, network_of, was_wrong

# A library, an office or a telephone network is many people behind one address; each account has a limit of its own.
BY_ADDRESS = "30 per minute"


def was_done(response: Response) -> bool:
    """Whether a form was accepted, for limits that count what is written to somebody and not what was mistyped."""
    return response.status_code == 303


def limited_by_email(
    purpose: str, *, few: str, most: str, counted: Callable[[Response], bool] | None = None
) -> Callable[[Any], Any]:
    """`few` for an address from one network, `most` for it from everywhere. Only forms that are sent count.

    `counted`: of those, the ones with such an answer (`was_wrong`, `was_done`); all when it is None.
    """
    counts: dict[str, Any] = {"methods": ["POST"], "deduct_when": counted}

    def account() -> str:
        owner = g.tenant.id if g.tenant else NO_TENANT
        name, _at, host = request.form.get("email", "").strip().lower().rpartition("@")
        address = f"{name.partition('+')[0]}@{host}"  # with whichever tag it is one mailbox
        return f"{owner}:{frame.instance_of_app().keys.keyed_hash(owner, purpose, address).hex()[:32]}"

    def account_and_network() -> str:
        return _with_network(account())

    def mark(view: Any) -> Any:
        fewer = limiter.limit(few, key_func=account_and_network, **counts)(view)
        return limiter.limit(most, key_func=account, **counts)(fewer)

    return mark


def limited_by_gmina(limit: Callable[[], str]) -> Callable[[Any], Any]:
    """What writes to addresses nobody has proven yet, from wherever it is asked. Only what was done counts.

    Who has many networks could else have it write to thousands of strangers, until mail of all gminas is refused.
    """
    marked: Callable[[Any], Any] = limiter.limit(
        limit, key_func=lambda: g.tenant.id if g.tenant else NO_TENANT, methods=["POST"], deduct_when=was_done
    )
    return marked


def limited_by_account(view: Any) -> Any:
    """Guesses at one account are few from one network and not many in all; time opens it again."""
    return limited_by_email("sign-in", few="10 per 15 minutes", most="100 per 15 minutes", counted=was_wrong)(view)


def limited_by_owner(view: Any) -> Any:
    """Guesses at one account's codes are few, on all pages that ask for one together. What succeeds is not counted.

    Three codes of a million are right at a time, so 20 in an hour come to one chance in 700 in a day, for somebody who
    has the password already; its owner sees them among the sign-ins.
    """
    counts: dict[str, Any] = {"methods": ["POST"], "deduct_when": was_wrong}
    few = limiter.shared_limit("10 per 15 minutes", "codes", key_func=_owner_and_network, **counts)
    most = limiter.shared_limit("20 per hour", "all-codes", key_func=_owner, **counts)
    return most(few(view))


def limited_by_person(view: Any) -> Any:
    """Guesses at the current password in an open browser are few, on all pages that ask for it together."""
    return limiter.shared_limit(
        "10 per 15 minutes",
        "own-password",
        key_func=lambda: f"{g.tenant.id}:{current_person().id}",
        methods=["POST"],
        deduct_when=was_wrong,
    )(view)


def limited_by_link(view: Any) -> Any:
    """Guesses behind one link that came by e-mail are few, wherever they come from. What succeeds is not counted."""
    return limiter.limit(
        "10 per hour",
        key_func=lambda: f"{g.tenant.id}:{hash_token((request.view_args or {})['secret'])}",
        methods=["POST"],
        deduct_when=was_wrong,
    )(view)


def _owner() -> str:
    """Whose codes are guessed: of who is half signed in, whoever else sits there; elsewhere of who is signed in."""
    at_door = request.endpoint in {"second.ask", "second.set_up"}
    return f"{g.tenant.id}:{user_of_half() if at_door else g.person.id}"


def _owner_and_network() -> str:
    return _with_network(_owner())


def _with_network(key: str) -> str:
    return f"{key}:{network_of(request.remote_addr, v4=24, v6=48)}"
