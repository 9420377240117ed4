"""What gateways call. Authenticated by their signature over the raw bytes, kept once, answered at once."""

from __future__ import annotations

import structlog
from flask import Blueprint, abort, g, request
from sqlalchemy import select
from werkzeug.exceptions import BadRequest

from skarbnik.errors import Forged
from skarbnik.payments import services
from skarbnik.payments.gateways import open_gateway
from skarbnik.payments.models import MerchantAccount
from skarbnik.plugin_api import NotificationHint, RawNotification
from skarbnik.web import frame
from skarbnik.web.access import public

log = structlog.get_logger()

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

LARGEST = 256 * 1024
KEPT_HEADERS = ("content-type", "user-agent", "openpayu-signature", "x-openpayu-signature", "correlation-id")


@blueprint.post("/payments/<gateway_id>/<secret>")
@public("called by the gateway; authenticated by signature")
def receive_notification(gateway_id: str, secret: str) -> tuple[str, int]:
    """200 when it is kept; 503 when it is signed and names nothing we know yet, so that it is sent again."""
    body = request.get_data(cache=False)
    if len(body) > LARGEST:
        abort(413)
    session = frame.session()
    account = session.scalars(
        select(MerchantAccount).where(MerchantAccount.gateway == gateway_id, MerchantAccount.hook_secret == secret)
    ).one_or_none()
    if account is None:
        abort(404)
    raw = RawNotification(headers={name.lower(): value for name, value in request.headers.items()}, body=body)
    hint = _read(account, raw)
    kept = RawNotification({name: raw.headers[name] for name in KEPT_HEADERS if name in raw.headers}, body)
    if not services.keep_notification(session, account, hint, kept):
        log.warning("notification.unknown", account=str(account.id))
        return "UNKNOWN", 503
    return "OK", 200


def _read(account: MerchantAccount, raw: RawNotification) -> NotificationHint:
    """With the newest credentials, or older ones: a key that was changed still signs what was on its way."""
    for version in range(account.settings_version, max(account.settings_version - 3, 0), -1):
        try:
            return open_gateway(g.tenant, account, version).read_notification(raw)
        except Forged:
            continue
    log.warning("notification.forged", account=str(account.id), size=len(raw.body))
    raise BadRequest
