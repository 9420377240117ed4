"""The web application: fills the slots of the frame with the features, and checks that every route is guarded.

`granian --interface wsgi skarbnik.app:wsgi`
"""

from __future__ import annotations

import gc
from typing import Any

import redis
from flask import Flask, Response, g, jsonify, render_template, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from skarbnik import clock
from skarbnik.accounts import (
    factor_views,
    forgotten,
    own_data,
    own_data_views,
    own_factors,
    own_views,
    provider_views,
    registration_views,
    welcome,
)
from skarbnik.accounts import profile as accounts_profile
from skarbnik.accounts import views as accounts_views
from skarbnik.accounts.api import install_tokens, load_client
from skarbnik.accounts.factors import has_factor
from skarbnik.accounts.permissions import PROVIDERS, SEE_PEOPLE, SEE_RESIDENTS, SERVE_RESIDENTS
from skarbnik.accounts.services import find_owner
from skarbnik.api.frame import install_api
from skarbnik.audit.permissions import READ as READ_AUDIT
from skarbnik.content import editing
from skarbnik.content import views as content_views
from skarbnik.content.permissions import EDIT as EDIT_TEXTS
from skarbnik.crypto import INSTANCE
from skarbnik.exchange import api as exchange_api
from skarbnik.exchange.permissions import SEE as SEE_EXCHANGE
from skarbnik.logs import set_up_logs
from skarbnik.office import desk, dictionaries, identity, keys, people, reconciliation, roles, switches
from skarbnik.office import differences as office_differences
from skarbnik.office import documents as office_documents
from skarbnik.office import exchange as office_exchange
from skarbnik.office import gateways as office_gateways
from skarbnik.office import refunds as office_refunds
from skarbnik.office import remarks as office_remarks
from skarbnik.office import requests as office_requests
from skarbnik.office import residents as office_residents
from skarbnik.office import trail as office_trail
from skarbnik.operator import rooms as operator_rooms
from skarbnik.operator import support_views
from skarbnik.operator.permissions import SEE as SEE_SUPPORT
from skarbnik.operator.support_person import find_operators_page, load_anybody
from skarbnik.payers.matching import match_user
from skarbnik.payers.permissions import SEE_REQUESTS
from skarbnik.payments import api as payments_api
from skarbnik.payments import webhooks
from skarbnik.payments.permissions import SEE_ANY as SEE_PAYMENTS
from skarbnik.payments.permissions import SEE_MONEY
from skarbnik.plugin_api import N_, Access, MenuItem, public
from skarbnik.portal import documents as portal_documents
from skarbnik.portal import history, links, looks, mandates, papers, remarks
from skarbnik.portal import own_data as portal_own_data
from skarbnik.portal import public as portal_public
from skarbnik.portal import views as portal_views
from skarbnik.receivables import api as receivables_api
from skarbnik.receivables.permissions import SEE_ANY, SEE_OWN
from skarbnik.remarks.permissions import SEE_ANY as SEE_REMARKS
from skarbnik.remarks.permissions import WRITE as WRITE_REMARKS
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.ledger import CORE, core_texts
from skarbnik.web import design
from skarbnik.web.access import check_routes, may
from skarbnik.web.addresses import install_addresses
from skarbnik.web.compiling import CompiledTexts, LanguageFlask
from skarbnik.web.errors import install_errors
from skarbnik.web.foot import FootLinks, install_foot
from skarbnik.web.formats import FILTERS
from skarbnik.web.forms import csrf, install_forms
from skarbnik.web.frame import Slots, install_frame, on_bare_host
from skarbnik.web.languages import install_languages
from skarbnik.web.limits import install_limits
from skarbnik.web.menu import make_menu
from skarbnik.web.plugin_pages import install_plugin_pages
from skarbnik.web.preferences import install_preferences
from skarbnik.web.shell import install_shell
from skarbnik.web.static import install_static
from skarbnik.web.unseen import install_unseen

RESIDENT_MENU = [
    MenuItem(N_("Overview"), "portal.dashboard", SEE_OWN),
    MenuItem(N_("To pay"), "portal.receivables", SEE_OWN),
    MenuItem(N_("Payments"), "portal.payments", SEE_OWN),
    MenuItem(N_("My reports"), "remarks.own", WRITE_REMARKS),
]
MONEY, PAYERS, ACCOUNTS = N_("Payments"), N_("Payers"), N_("Accounts")  # groups of entries
OFFICE_MENU = [
    MenuItem(N_("Today"), "office.day", SEE_ANY),
    MenuItem(N_("All payments"), "office.payments_list", SEE_PAYMENTS, MONEY),
    MenuItem(N_("To decide"), "office.differences", SEE_MONEY, MONEY),
    MenuItem(N_("Reconciliation"), "reconciliation.days", SEE_MONEY, MONEY),
    MenuItem(N_("Gateways"), "gateways.listed", SEE_MONEY, MONEY),
    MenuItem(N_("Exchange of files"), "exchange.overview", SEE_EXCHANGE),
    MenuItem(N_("All payers"), "office.payers", SEE_ANY, PAYERS),
    MenuItem(N_("Reports of wrong data"), "office_remarks.queue", SEE_REMARKS, PAYERS),
    MenuItem(N_("Kinds and rates"), "dictionaries.kinds", SEE_ANY, PAYERS),
    MenuItem(N_("Texts"), "editing.texts", EDIT_TEXTS),
]
ACCOUNTS_MENU = [  # what plugins bring stands before it
    MenuItem(N_("Desk"), "desk.find", SERVE_RESIDENTS, ACCOUNTS),
    MenuItem(N_("Requests to act"), "requests.queue", SEE_REQUESTS, ACCOUNTS),
    MenuItem(N_("Residents"), "residents.listed", SEE_RESIDENTS, ACCOUNTS),
    MenuItem(N_("People"), "people.listed", SEE_PEOPLE, ACCOUNTS),
    MenuItem(N_("Ways to sign in"), "identity.listed", PROVIDERS, ACCOUNTS),
    MenuItem(N_("Support"), "support.listed", SEE_SUPPORT, ACCOUNTS),
    MenuItem(N_("Who saw and did what"), "office.audit", READ_AUDIT),
]
SEARCH = MenuItem(N_("Search"), "office.search", SEE_ANY)

# The columns of the footer: a title, and pages by label and endpoint.
FOOT: FootLinks = [
    (
        N_("Help"),
        [
            (N_("How to pay, step by step"), "content.help_page"),
            (N_("News"), "content.news"),
            (N_("Contact and opening hours"), "content.contact"),
        ],
    ),
    (
        N_("About the portal"),
        [
            (N_("Privacy"), "content.privacy"),
            (N_("Terms of use"), "content.terms"),
            (N_("Cookies"), "content.cookies"),
            (N_("Accessibility declaration"), "content.accessibility"),
        ],
    ),
]

OFFICE_FOOT: FootLinks = FOOT[1:]  # without the help for residents

LARGEST_REQUEST = 1024 * 1024
GARBAGE_AFTER = 10_000  # new objects: a page makes a few thousand and keeps none


# One blueprint a room, in the order of the floors: what people use, then the office, then operators.
PAGES = [
    accounts_views,
    accounts_profile,
    factor_views,
    own_factors,
    welcome,
    provider_views,
    registration_views,
    forgotten,
    own_views,
    own_data_views,
    content_views,
    editing,
    portal_views,
    portal_documents,
    papers,
    links,
    looks,
    portal_public,
    history,
    remarks,
    mandates,
    office_trail,
    desk,
    people,
    roles,
    identity,
    office_refunds,
    office_differences,
    reconciliation,
    dictionaries,
    office_documents,
    office_exchange,
    office_gateways,
    keys,
    switches,
    office_remarks,
    operator_rooms,
    support_views,
    office_requests,
    office_residents,
]
RESOURCES = [receivables_api, payments_api, exchange_api]


def create_app(instance: Instance) -> Flask:
    app = LanguageFlask("skarbnik", static_folder=None, template_folder="web/templates")
    _set_up_templates(app)
    install_unseen(app, _holds_secret)  # before the frame: it has the last word about headers
    slots = _fill_slots(instance)
    install_frame(app, slots)
    _install_web(app, instance)
    _register_pages(app)
    _register_api(app)
    _install_own_pages(app, instance)
    _take_plugins_in(app, slots)
    check_routes(app)
    return app


def _set_up_templates(app: Flask) -> None:
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(may=may, menu=make_menu, search_item=_search_item, now=clock.now)
    app.jinja_env.globals["operators_page"] = find_operators_page  # of the office's door
    app.jinja_env.auto_reload = False


def _fill_slots(instance: Instance) -> Slots:
    """What the frame asks of features, and the feature that answers."""
    return Slots(
        instance=instance,
        load_person=load_anybody,
        find_owner=find_owner,
        load_client=load_client,
        ask_to_sign_in=accounts_views.ask_to_sign_in,
        ask_to_confirm=factor_views.ask_to_confirm,
        has_second=has_factor,
        after_sign_in=content_views.after_sign_in,
        identified=match_user,
        terms_version=content_views.version_in_force,
        look_again=portal_views.look_again,
        resident_menu=list(RESIDENT_MENU),
        office_menu=list(OFFICE_MENU),
    )


def _install_web(app: Flask, instance: Instance) -> None:
    """What is around every page, whichever feature's: forms, languages, addresses, limits, errors."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.config["TRUSTED_HOSTS"] = None  # the registry of gminas is the list of hosts
    install_forms(app, secret=instance.keys.digest_key(INSTANCE, "form-token").hex())
    install_languages(app, instance.plugins.packages)
    app.jinja_env.add_extension(CompiledTexts)
    install_preferences(app)
    install_addresses(app)
    install_foot(app, FOOT, office=OFFICE_FOOT)
    install_static(app)
    install_shell(app)
    install_limits(app, instance.settings.redis_url)
    install_errors(app)


def _register_pages(app: Flask) -> None:
    for room in PAGES:
        app.register_blueprint(room.blueprint)


def _take_plugins_in(app: Flask, slots: Slots) -> None:
    """Last, so that no page of theirs stands before one of ours. Their entries of the menu come after our own; in the
    office before those about accounts.
    """
    plugins = slots.instance.plugins
    install_plugin_pages(app, plugins)
    items = [item for pages in plugins.pages.values() for item in pages.menu_items]
    slots.resident_menu += [item for item in items if item.permission.residents]
    slots.office_menu += [*(item for item in items if not item.permission.residents), *ACCOUNTS_MENU]
    own_data_views.install_chapters(app, [*own_data.CHAPTERS, *portal_own_data.CHAPTERS])


def _register_api(app: Flask) -> None:
    """What programs call: notifications of gateways, and the API with its tokens. They carry no token of a form."""
    app.register_blueprint(webhooks.blueprint)
    csrf.exempt(webhooks.blueprint)
    api = install_api(app)
    for room in RESOURCES:
        api.register_blueprint(room.blueprint)
        csrf.exempt(room.blueprint)
    install_tokens(app)
    vars(app.view_functions["api-docs.openapi_json"])["access"] = Access(None, "the description of the API")


def _holds_secret(path: str) -> bool:
    return (
        portal_public.holds_secret(path)
        or registration_views.holds_secret(path)
        or path.startswith((welcome.PREFIX, own_views.NEW_EMAIL, support_views.PREFIX))
    )


def _search_item() -> MenuItem | None:
    """The search of the office, for whom it would answer."""
    person = g.get("person")
    return SEARCH if person is not None and person.is_official and person.may(SEARCH.permission) else None


def _install_own_pages(app: Flask, instance: Instance) -> None:
    """What the instance answers on any host: is it alive, is it ready; and on the bare host, where is my gmina."""

    @app.get("/healthz")
    @on_bare_host
    @public("tells only that the process lives")
    def healthz() -> tuple[str, int, dict[str, str]]:
        return "alive", 200, {"Content-Type": "text/plain"}

    @app.get("/readyz")
    @on_bare_host
    @public("tells only which part is away")
    def readyz() -> tuple[Response, int]:
        parts = {"database": _database_ready(instance), "queue": _queue_ready(instance)}
        return jsonify(parts), 200 if all(parts.values()) else 503

    if instance.settings.is_demo:
        app.register_blueprint(design.blueprint)

        def chooser() -> str | None:
            if request.path == "/" and request.host.split(":")[0] == instance.settings.host:
                return render_template("web/chooser.html", tenants=instance.registry.list_all())
            return None

        app.before_request_funcs[None].insert(1, chooser)  # before the frame, for which no gmina is no page


def _database_ready(instance: Instance) -> bool:
    """Reachable, and every gmina's schema is the one this release was written for, or newer."""
    try:
        with instance.engine.connect() as connection:
            behind = connection.execute(
                text(
                    "SELECT EXISTS (SELECT FROM work.schema_versions WHERE distribution = :core AND version < :version"
                    " AND tenant_id NOT LIKE '-%')"
                ),
                {"core": CORE, "version": len(core_texts("tenant"))},
            ).scalar_one()
            connection.commit()
    except SQLAlchemyError:
        return False
    return not behind


def _queue_ready(instance: Instance) -> bool:
    try:
        client = redis.Redis.from_url(instance.settings.redis_url, socket_timeout=1, socket_connect_timeout=1)
        return bool(client.ping())
    except redis.RedisError:
        return False


def _make_wsgi() -> Any:
    settings = read_settings()
    set_up_logs(settings.log)
    app = create_app(Instance(settings))
    proxies = 0 if settings.is_demo else 1
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]  # as Flask documents it
    gc.collect()
    gc.freeze()  # what lives as long as the process is not looked through for garbage again and again
    gc.set_threshold(GARBAGE_AFTER)
    return app


def __getattr__(name: str) -> Any:
    """`wsgi` is made when a server asks for it, so that importing this module reads no environment."""
    if name == "wsgi":
        globals()["wsgi"] = _make_wsgi()
        return globals()["wsgi"]
    raise AttributeError(name)
