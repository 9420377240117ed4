"""OAuth 2 client credentials (RFC 6749, 4.4): a program of the gmina gets a token for an hour."""

from __future__ import annotations

import hmac
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidScopeError, grants
from flask import Blueprint, Flask
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from skarbnik.accounts import services
from skarbnik.accounts.models import ApiClient
from skarbnik.plugin_api import public
from skarbnik.web import frame
from skarbnik.web.forms import csrf
from skarbnik.web.limits import limited

blueprint = Blueprint("tokens", __name__, url_prefix="/api/v1/oauth")


class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    """An API client as authlib asks about it."""

    def __init__(self, row: ApiClient) -> None:
        self.row = row

    def get_client_id(self) -> str:
        return str(self.row.id)

    def get_allowed_scope(self, scope: str | None) -> str:
        """The asked scopes, or all the client has; none outside of them."""
        has = set(self.row.scopes.split())
        asked = set(scope.split()) if scope else has
        return " ".join(sorted(has & asked)) if asked <= has else ""

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.row.secret_hash, services.hash_token(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in {"client_secret_basic", "client_secret_post"}

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class ClientCredentials(grants.ClientCredentialsGrant):  # type: ignore[misc]  # authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def validate_requested_scope(self) -> None:
        """A token without any scope would look like a success to who asked for one it may not have."""
        asked = self.request.payload.scope
        if asked and not self.request.client.get_allowed_scope(asked):
            raise InvalidScopeError


def _find_client(client_id: str) -> Client | None:
    row = services.find_api_client(frame.session(), client_id)
    return Client(row) if row is not None else None


def _keep_token(token: dict[str, Any], oauth_request: Any) -> None:
    row = oauth_request.client.row
    services.keep_api_token(frame.session(), row, token["access_token"], token.get("scope", ""))


server = AuthorizationServer(query_client=_find_client, save_token=_keep_token)


@blueprint.post("/token")
@csrf.exempt
@public("the client proves itself with its secret")
@limited("30 per minute")
def token() -> Response:
    response: Response = server.create_token_response()
    return response


def load_client(session: Session, token: str) -> frame.Client | None:
    """The program a token was given to. Fills the frame's slot."""
    found = services.find_api_token(session, token)
    return frame.Client(found.client_id, frozenset(found.scopes.split())) if found is not None else None


def install_tokens(app: Flask) -> None:
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": int(services.TOKEN_LIFE.total_seconds())}
    server.init_app(app)
    server.register_grant(ClientCredentials)
    app.register_blueprint(blueprint)
