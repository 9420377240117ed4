"""What happens around every page: the gmina from the host, who is signed in, what they may, one session, headers.

`app` fills the slots; the frame knows no feature.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from flask import Flask, Response, abort, current_app, g, redirect, render_template, request, url_for
from flask_wtf.csrf import validate_csrf
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized
from werkzeug.wrappers import Response as AnyResponse
from wtforms.validators import ValidationError

from skarbnik.db import TenantSession, new_id
from skarbnik.plugin_api import Access, MenuItem
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.registry import Tenant, TenantState
from skarbnik.web.access import Person, find_access
from skarbnik.web.kept import KeptForm, keep_form

log = structlog.get_logger()

Answer = AnyResponse | str | tuple[str, int]
V = TypeVar("V", bound=Callable[..., object])

SAFE = {"GET", "HEAD", "OPTIONS"}
OPEN_WHEN_SUSPENDED = ("/hooks/", "/static/", "/language/", "/theme/", "/icon.svg", "/healthz", "/readyz")

POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self';"
    " font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
UNLESS_SAID = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


@dataclass(frozen=True)
class Client:
    """A program that showed an access token."""

    id: UUID
    scopes: frozenset[str]


@dataclass
class Slots:
    """What the frame asks of the features above it."""

    instance: Instance
    load_person: Callable[[TenantSession, str], Person | None]
    find_owner: Callable[[TenantSession, str], UUID | None]  # whose session this was, ended or not
    load_client: Callable[[TenantSession, str], Client | None]
    ask_to_sign_in: Callable[[bool, str], Answer]  # at the office's door or not, with a kept form
    ask_to_confirm: Callable[[str], Answer]  # for the second factor again, with a kept form
    has_second: Callable[[TenantSession, UUID], bool]  # a second factor, which they may be asked for again
    after_sign_in: Callable[[UUID, str], str]  # where a resident goes first: there may be something to agree to
    identified: Callable[[TenantSession, UUID], None]  # somebody proved who they are: who may they act for?
    terms_version: Callable[[TenantSession], str]  # of the terms of use that are in force
    look_again: Callable[[KeptForm], str | None]  # where a form is shown anew that nobody should send as it was kept
    resident_menu: list[MenuItem] = field(default_factory=list)
    office_menu: list[MenuItem] = field(default_factory=list)


def install_frame(app: Flask, slots: Slots) -> None:
    app.extensions["skarbnik"] = slots
    app.before_request(_enter)
    app.after_request(_leave)
    app.teardown_request(_give_back)


def session() -> TenantSession:
    """The session of this request: one transaction, committed before the answer leaves."""
    opened: TenantSession | None = g.get("session")
    if opened is None:
        opened = g.session = g.tenant.open_session()
    return opened


def roll_back() -> None:
    """What a view had written before it failed is undone; the page about the error is no reason to keep it."""
    opened: TenantSession | None = g.get("session")
    if opened is not None:
        opened.rollback()


def instance_of_app() -> Instance:
    return _slots().instance


def tenant_of_request() -> Tenant | None:
    """The gmina whose host was asked for. Never from a parameter, a path or a header of a proxy."""
    return _slots().instance.registry.find_by_host(_host())


def _host() -> str:
    return request.host if request.host.startswith("[") else request.host.partition(":")[0].lower()


def gmina_has(path: str) -> bool:
    """Whether this gmina has what lies there: pages of a plugin it did not choose do not exist, whatever the method."""
    name = path.removeprefix("/office/").lstrip("/").partition("/")[0]  # as `plugin_pages` makes sure
    return name not in _slots().instance.plugins.pages or name in g.tenant.plugins


def cookie_name(kind: str) -> str:
    """`__Host-` binds a cookie to one host and to https; browsers count *.localhost of the demo as secure."""
    return f"__Host-skarbnik-{kind}"


def _slots() -> Slots:
    slots: Slots = current_app.extensions["skarbnik"]
    return slots


def _enter() -> Answer | None:
    g.started = time.perf_counter()
    g.request_id = new_id().hex
    slots = _slots()
    structlog.contextvars.clear_contextvars()
    tenant = g.tenant = tenant_of_request()
    structlog.contextvars.bind_contextvars(request=g.request_id, tenant=tenant.id if tenant else None)
    g.person = None
    if tenant is None:
        _without_tenant(_host(), slots.instance.settings.host)
        if request.method not in SAFE:
            _check_origin()
        return None
    if tenant.state is TenantState.SUSPENDED and not request.path.startswith(OPEN_WHEN_SUSPENDED):
        return render_template("web/suspended.html", tenant=tenant), 503
    if not gmina_has(request.path):
        _load_person(tenant, slots)
        raise NotFound
    if request.routing_exception is not None:
        _load_person(tenant, slots)
        return None
    access = find_access(current_app, request.endpoint or "")
    from_elsewhere = access is not None and access.from_elsewhere
    if request.method not in SAFE and not request.path.startswith(("/hooks/", "/api/")):
        if request.is_json:
            abort(415)  # forms of the library would read it, with words in it that no form can send
        if not from_elsewhere:
            _check_origin()
    if access is None:
        raise NotFound
    if access.scope is not None:
        _check_token(slots, access.scope)
        _allow(access)
        return None
    _load_person(tenant, slots)
    if access.permission is None:
        return None
    if g.person is None:
        return _to_sign_in(slots, keep=access.largest is None and not access.secret)
    if not g.person.may(access.permission):
        raise NotFound  # what is not yours does not exist for you
    if not g.person.is_fresh and (access.fresh or (access.second and slots.has_second(session(), g.person.id))):
        return _to_confirm(slots, keep=not access.secret)
    _allow(access)
    return None


def _allow(access: Access) -> None:
    """A large request is read for who may send it, and for nobody else; no transaction is open while it comes."""
    if access.largest is not None:
        request.max_content_length = access.largest
        session().commit()


def _without_tenant(host: str, bare: str) -> None:
    """The bare host has a few pages of its own; any other name is nobody's."""
    own = getattr(current_app.view_functions.get(request.endpoint or ""), "on_bare_host", False)
    if not own or (host != bare and not request.path.startswith(("/healthz", "/readyz"))):
        abort(404)


def is_bare_host() -> bool:
    """Whether the instance's own host was asked for, where there is no gmina."""
    return _host() == _slots().instance.settings.host


def on_bare_host(view: V) -> V:
    """This route answers on the instance's own host, where there is no gmina."""
    view.on_bare_host = True  # type: ignore[attr-defined]  # read by `_without_tenant`
    return view


def _load_person(tenant: Tenant, slots: Slots) -> None:
    token = request.cookies.get(cookie_name("session"))
    if token:
        g.person = slots.load_person(session(), token)
        if g.person is not None:
            structlog.contextvars.bind_contextvars(user=str(g.person.id))


def _check_token(slots: Slots, scope: str) -> None:
    """A token is of this gmina, good and of this scope, or it is nothing."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    client = slots.load_client(session(), token) if kind.lower() == "bearer" and token else None
    if client is None:
        raise Unauthorized("an access token is needed", www_authenticate=WWWAuthenticate("bearer"))
    if scope not in client.scopes:
        raise Forbidden(f"the token has no scope {scope}")
    g.client = client


def _to_sign_in(slots: Slots, *, keep: bool) -> Answer:
    """To the door, and afterwards to where one was going. A form that was just sent goes along, unless it is a file."""
    office = request.path.startswith("/office")
    kept = _keep_form(slots) if keep else None
    if kept is not None:
        return slots.ask_to_sign_in(office, kept)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in_office" if office else "accounts.sign_in", next=wanted), 303)


def _to_confirm(slots: Slots, *, keep: bool) -> Answer:
    """To prove once more who one is, and back. A form that was just sent goes along."""
    kept = _keep_form(slots) if keep else None
    if kept is not None:
        return slots.ask_to_confirm(kept)
    rule = request.url_rule
    has_page = request.method in SAFE or (rule is not None and "GET" in (rule.methods or ()))
    wanted = request.full_path.rstrip("?") if has_page else urlsplit(request.referrer or "").path
    return redirect(url_for("second.confirm", next=wanted or None), 303)


def _keep_form(slots: Slots) -> str | None:
    """For who typed it, as far as the ended session still tells; a form of nobody, or a stranger's, is not kept."""
    if request.method in SAFE or not request.form or not _is_our_form():
        return None
    owner = slots.find_owner(session(), request.cookies.get(cookie_name("session"), ""))
    if owner is None:
        return None
    fields = [(name, value) for name in request.form for value in request.form.getlist(name)]
    return keep_form(g.tenant, KeptForm(owner, request.full_path.rstrip("?"), fields))


def _is_our_form() -> bool:
    """Whether it carries the token of this browser: a stranger's form is not kept."""
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    return True


def _check_origin() -> None:
    """A form of another site, or of a neighbour's subdomain, is not ours. Browsers say where a POST comes from."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != "null" and urlsplit(origin).netloc != request.host:
        log.warning("origin.foreign", origin=origin[:200])
        abort(403)
    if origin == "null" and request.headers.get("Sec-Fetch-Site") not in {None, "same-origin"}:
        abort(403)


def _leave(response: Response) -> Response:
    opened: TenantSession | None = g.pop("session", None)
    if opened is not None:
        try:
            if response.status_code < 500:
                opened.commit()
            else:
                opened.rollback()
        except Exception as error:  # nobody is told that something was done which is not
            response = current_app.make_response(current_app.handle_user_exception(error))
        finally:
            opened.close()
    _headers(response)
    if "started" in g and not request.path.startswith("/static/"):
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule) if request.url_rule else None,
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 1),
        )
    return response


def send_forms_to(response: Response, origins: frozenset[str]) -> None:
    """Let this page's forms go to other sites, too: where a person is sent to prove who they are."""
    wider = POLICY.replace("form-action 'self'", " ".join(("form-action 'self'", *sorted(origins))))
    response.headers["Content-Security-Policy"] = wider


def _headers(response: Response) -> None:
    headers = response.headers
    said = {name.lower() for name, _ in headers}
    headers.add("X-Request-ID", g.get("request_id", ""))
    for name, value in UNLESS_SAID:
        if name.lower() not in said:
            headers.add(name, value)
    if _slots().instance.settings.secure:
        headers.add("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


def _give_back(error: BaseException | None) -> None:
    """What a crashed view left open is rolled back."""
    opened: TenantSession | None = g.pop("session", None)
    if opened is not None:
        opened.rollback()
        opened.close()
