"""What gateways call. Authenticated by their signature over the raw bytes, kept once, answered at once."""

from __future__ import annotations

from contextlib import suppress

import structlog
from flask import Blueprint, abort, g, request
from sqlalchemy import select
from werkzeug.exceptions import BadRequest

from skarbnik.errors import Forged
from skarbnik.payments.gateways import open_gateway
from skarbnik.payments.models import MerchantAccount
from skarbnik.payments.notifications import keep_notification
from skarbnik.plugin_api import NotificationHint, RawNotification, public
from skarbnik.web import frame

log = structlog.get_logger()

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

LARGEST = 256 * 1024
# Accounts that were written to, by gmina, gateway and secret. What is remembered of one tells only whose keys to try.
_known: dict[tuple[str, str, str], MerchantAccount] = {}

KEPT_HEADERS = ("content-type", "user-agent", "openpayu-signature", "x-openpayu-signature", "correlation-id")


@blueprint.post("/payments/<gateway_id>/<secret>")
@public("called by the gateway; authenticated by signature")
def receive_notification(gateway_id: str, secret: str) -> tuple[str, int]:
    """200 when it is kept; 503 when it is signed and names nothing we know yet, so that it is sent again."""
    body = request.get_data(cache=False)
    if len(body) > LARGEST:
        abort(413)
    raw = RawNotification(headers={name.lower(): value for name, value in request.headers.items()}, body=body)
    account, hint = _read(gateway_id, secret, raw)
    kept = RawNotification({name: raw.headers[name] for name in KEPT_HEADERS if name in raw.headers}, body)
    if not keep_notification(frame.session(), account.id, hint, kept):
        log.warning("notification.unknown", account=str(account.id))
        return "UNKNOWN", 503
    return "OK", 200


def _read(gateway_id: str, secret: str, raw: RawNotification) -> tuple[MerchantAccount, NotificationHint]:
    """Whose it is and what it says. An account that is remembered with old keys is looked up once more."""
    place = (g.tenant.id, gateway_id, secret)
    known = _known.get(place)
    if known is not None and (hint := _understand(known, raw)) is not None:
        return known, hint
    account = _find_account(gateway_id, secret)
    if account is None:
        abort(404)
    _known[place] = account
    if known is None or known.settings_version != account.settings_version:
        hint = _understand(account, raw)
        if hint is not None:
            return account, hint
    log.warning("notification.forged", account=str(account.id), size=len(raw.body))
    raise BadRequest


def _find_account(gateway_id: str, secret: str) -> MerchantAccount | None:
    session = frame.session()
    account = session.scalars(
        select(MerchantAccount).where(MerchantAccount.gateway == gateway_id, MerchantAccount.hook_secret == secret)
    ).one_or_none()
    if account is not None:
        session.expunge(account)  # it outlives this request
    return account


def _understand(account: MerchantAccount, raw: RawNotification) -> NotificationHint | None:
    """With the newest credentials, or older ones: a key that was changed still signs what was on its way."""
    for version in range(account.settings_version, max(account.settings_version - 3, 0), -1):
        with suppress(Forged):
            return open_gateway(g.tenant, account, version).read_notification(raw)
    return None
