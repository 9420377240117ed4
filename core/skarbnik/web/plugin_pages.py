"""Pages of plugins: looked at before they are taken in, so that no plugin reaches beyond its own.

Of a plugin that breaks a rule all pages are left out, with their menu entries; its other contracts, the words of its
acts and its chapters stay, and the portal starts. What a gmina did not choose does not exist there: the frame asks
before who is signed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from skarbnik.errors import SkarbnikError
from skarbnik.plugin_api import Support
from skarbnik.tenancy.plugins import PluginPages, Plugins, is_of
from skarbnik.web.access import find_access, find_trail

OFFICE = "/office"


class StrangePages(SkarbnikError):
    """Pages of a plugin that this house does not take in. The message says all that is wrong with them."""


def install_plugin_pages(app: Flask, plugins: Plugins) -> None:
    """After the core's own pages. Of a plugin whose pages are refused the words of its acts and its chapters stay."""
    for name, pages in sorted(plugins.pages.items()):
        try:
            check_pages(name, pages, app)
        except Exception as error:  # a blueprint that cannot even be registered may raise anything
            plugins.mark_broken(name, error)
            plugins.pages[name] = replace(pages, permissions=(), blueprints=(), menu_items=())
            continue
        for blueprint in pages.blueprints:
            app.register_blueprint(blueprint)


def check_pages(name: str, pages: PluginPages, app: Flask) -> None:
    """StrangePages when a page is not the plugin's own, says not who may use it, or reaches into the whole application.

    The blueprints are registered at an application of their own first, where nothing can be harmed.
    """
    probe = Flask("probe", static_folder=None)
    before = _application_wide(probe)
    for blueprint in pages.blueprints:
        probe.register_blueprint(blueprint)
    problems = [*_of_blueprints(name, probe, app), *_of_menu(pages, probe)]
    for rule in probe.url_map.iter_rules():
        problems += [f"{rule.rule} {problem}" for problem in _of_rule(name, pages, probe, rule)]
    problems += [f"{rule.rule} is the portal's own" for rule in app.url_map.iter_rules() if is_below(rule.rule, name)]
    if any(probe.url_default_functions.values()):
        problems.append("values are put into addresses by url_defaults, and the portal keeps addresses as they are")
    if _application_wide(probe) != before:
        problems.append("something is registered for the whole application, and not for the plugin's pages")
    if problems:
        raise StrangePages(f"pages of plugin {name!r}: {'; '.join(problems)}")


def _of_blueprints(name: str, probe: Flask, app: Flask) -> Iterator[str]:
    """Also those that lie in another: `surveys.inner`."""
    for called, blueprint in probe.blueprints.items():
        if not is_of(name, called.partition(".")[0]):
            yield f"blueprint {called!r} is not called as the plugin"
        if called in app.blueprints:
            yield f"blueprint {called!r} is there before"
        loader = blueprint.jinja_loader
        for template in loader.list_templates() if loader else ():
            if not template.startswith(f"{name}/"):
                yield f"template {template!r} is not in a folder {name}/"


def is_below(path: str, name: str) -> bool:
    """Whether an address is one that belongs to a plugin of this name."""
    return any(path == top or path.startswith(f"{top}/") for top in (f"/{name}", f"{OFFICE}/{name}"))


def _of_rule(name: str, pages: PluginPages, probe: Flask, rule: Rule) -> Iterator[str]:
    if not is_below(rule.rule, name):
        yield f"is neither below /{name} nor below {OFFICE}/{name}"
    if not is_of(name, rule.endpoint.partition(".")[0]):
        yield f"is the page {rule.endpoint!r}, which is not called as the plugin"
    if rule.host or rule.subdomain or rule.defaults:
        yield "has a host or values of its own: addresses of the portal have none"
    access, office = find_access(probe, rule.endpoint), rule.rule.startswith(f"{OFFICE}/")
    if access is None or access.scope is not None:
        yield "declares no permission"
    elif access.permission is None:
        if office:
            yield "lies in the office and is public"
        if not access.reason:
            yield "is public and says not why"
    else:
        if access.permission not in pages.permissions:
            yield f"requires {access.permission.name}, which is not among the plugin's permissions"
        if office == access.permission.residents:
            yield "is for residents and lies in the office" if office else "is for officials and lies outside"
        if access.permission.support is Support.LOOK and "POST" in (rule.methods or ()):
            yield "takes forms, also of operators who may only look"
    trail = find_trail(probe, rule.endpoint)
    says = trail is not None and (trail.actions or trail.reason)
    if office and not says and "GET" in (rule.methods or ()):
        yield "says neither what it records nor that it is impersonal"
    for action in trail.actions if trail else ():
        if action not in pages.acts:
            yield f"records {action}, for which the plugin has no words"


def _of_menu(pages: PluginPages, probe: Flask) -> Iterator[str]:
    for item in pages.menu_items:
        access = find_access(probe, item.endpoint)
        if access is None or any(rule.arguments for rule in probe.url_map.iter_rules(item.endpoint)):
            yield f"the menu leads to {item.endpoint}, which is no page of the plugin without arguments"
        elif access.permission is None or access.permission != item.permission:
            yield f"the menu shows {item.endpoint} to others than may use it"


def _application_wide(app: Flask) -> list[Any]:
    """What counts for every page of an application: a blueprint can register such things, too."""
    functions = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
        app.url_value_preprocessors,
        app.template_context_processors,
    )
    words = app.jinja_env
    named = (words.filters, words.globals, words.tests, app.extensions, app.config, app.url_map.converters)
    return [
        *(list(each.get(None, ())) for each in functions),
        {code: dict(found) for code, found in app.error_handler_spec.get(None, {}).items()},
        list(app.teardown_appcontext_funcs),
        list(app.url_build_error_handlers),
        *({name: id(value) for name, value in each.items()} for each in named),  # another one of the same name counts
    ]
