"""Which plugins are installed, and which of their contracts fit. Installed is not enabled: each gmina chooses.

A plugin that does not load is left out, named in the log and in `Plugins.broken`; it harms nobody else. A contract
of another version is refused with the two versions in the message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy
import structlog

from skarbnik.plugin_api import (
    GROUP,
    Chapter,
    FinanceSystem,
    Hooks,
    IdentityProvider,
    MailSender,
    MenuItem,
    PaymentGateway,
    Permission,
)
from skarbnik.plugin_api.hooks import hookspec  # noqa: F401  # marks the specifications pluggy looks for
from skarbnik.tenancy.ledger import Text, read_texts

log = structlog.get_logger()

C = TypeVar("C")

LONGEST_REASON = 1_000  # characters of a line in the log
LONGEST_ACT, LONGEST_SUBJECT = 60, 40  # as the trail keeps them


@dataclass(frozen=True)
class PluginPages:
    """What a plugin hands out to have pages of its own, or to keep something of people without any.

    `skarbnik.web.plugin_pages` looks at each route of them.
    """

    permissions: tuple[Permission, ...]
    blueprints: tuple[Any, ...]  # Flask's, which is of no concern down here
    menu_items: tuple[MenuItem, ...]
    acts: dict[str, str]
    subjects: dict[str, str]
    own_data: tuple[Chapter, ...]


@dataclass
class Plugins:
    """Installed contracts by their id."""

    gateways: dict[str, type[PaymentGateway]] = field(default_factory=dict)
    finance_systems: dict[str, type[FinanceSystem]] = field(default_factory=dict)
    mail_senders: dict[str, type[MailSender]] = field(default_factory=dict)
    identity_providers: dict[str, type[IdentityProvider]] = field(default_factory=dict)
    pages: dict[str, PluginPages] = field(default_factory=dict)  # by the plugin
    migrations: dict[str, list[Text]] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)  # each may hold `translations/<language>.po`
    broken: dict[str, str] = field(default_factory=dict)

    def names(self) -> set[str]:
        return {*self.gateways, *self.finance_systems, *self.mail_senders, *self.identity_providers, *self.pages}

    def mark_broken(self, name: str, error: Exception) -> None:
        """It is left out, and named; it harms nobody else."""
        self.broken[name] = f"{type(error).__name__}: {error}"
        log.error("plugin.broken", plugin=name, error=type(error).__name__, reason=str(error)[:LONGEST_REASON])


def load_plugins(found: list[EntryPoint] | None = None) -> Plugins:
    """Load every installed plugin, each on its own."""
    plugins = Plugins()
    for entry in sorted(entry_points(group=GROUP) if found is None else found, key=lambda entry: entry.name):
        try:
            _register(plugins, entry.name, entry.load())
            plugins.packages.append(entry.value.partition(":")[0].partition(".")[0])
        except Exception as error:  # whatever a stranger's module raises when it is imported stays with that plugin
            plugins.mark_broken(entry.name, error)
    return plugins


def _register(plugins: Plugins, name: str, module: Any) -> None:
    manager = pluggy.PluginManager("skarbnik")
    manager.add_hookspecs(Hooks)
    manager.register(module, name)
    manager.check_pending()
    gateways = _fitting(name, manager.hook.payment_gateways(), PaymentGateway)
    systems = _fitting(name, manager.hook.finance_systems(), FinanceSystem)
    senders = _fitting(name, manager.hook.mail_senders(), MailSender)
    providers = _fitting(name, manager.hook.identity_providers(), IdentityProvider)
    pages = _pages(name, manager.hook)
    texts = [read_texts(folder) for folder in manager.hook.migrations()]
    plugins.gateways.update({each.id: each for each in gateways})
    plugins.finance_systems.update({each.id: each for each in systems})
    plugins.mail_senders.update({each.id: each for each in senders})
    plugins.identity_providers.update({each.id: each for each in providers})
    if any(vars(pages).values()):
        plugins.pages[name] = pages
    if texts:
        plugins.migrations[name] = texts[0]


def _fitting(name: str, answers: list[list[type[C]]], contract: type[C]) -> list[type[C]]:
    offered = [each for answer in answers for each in answer]
    wanted = contract.contract  # type: ignore[attr-defined]  # every contract says its version
    for each in offered:
        if not issubclass(each, contract):
            raise TypeError(f"{each.__name__} is no {contract.__name__}")
        written_for, own = each.contract, each.id  # type: ignore[attr-defined]  # as above
        if written_for != wanted:
            raise TypeError(
                f"{each.__name__} is written for version {written_for} of {contract.__name__},"
                f" this Skarbnik has version {wanted}"
            )
        if not is_of(name, own):
            raise TypeError(f"{each.__name__} calls itself {own!r}; what plugin {name!r} offers starts with its name")
    return offered


def _pages(name: str, hook: Any) -> PluginPages:
    """What belongs to a plugin is called as the plugin: nobody's page, permission or entry is taken for another's."""

    def everything(answers: list[Any]) -> list[Any]:
        return [each for answer in answers for each in answer]

    pages = PluginPages(
        permissions=tuple(everything(hook.permissions())),
        blueprints=tuple(everything(hook.blueprints())),
        menu_items=tuple(everything(hook.menu_items())),
        acts={action: words for answer in hook.acts() for action, words in answer.items()},
        subjects={subject: words for answer in hook.subjects() for subject, words in answer.items()},
        own_data=tuple(everything(hook.own_data())),
    )
    for permission in pages.permissions:
        _check_permission(name, permission)
    strangers = [each for each in pages.acts if not each.startswith(f"{name}.") or len(each) > LONGEST_ACT]
    strangers += [each for each in pages.subjects if not is_of(name, each) or len(each) > LONGEST_SUBJECT]
    strangers += [code for each in pages.own_data for code in (each.name, each.table) if not is_of(name, code)]
    for each in pages.own_data:
        if bool(each.erase) == bool(each.kept):
            raise TypeError(
                f"{each.name!r} says neither how it is erased when an account is closed nor why it is kept, or both"
            )
    if strangers:
        raise TypeError(
            f"{', '.join(map(repr, strangers))}: what plugin {name!r} writes into the trail and keeps of a person"
            f" starts with its name, and is not longer than {LONGEST_ACT} (an act) or {LONGEST_SUBJECT} (a subject)"
        )
    return pages


def is_of(name: str, code: str) -> bool:
    """Whether something is called as the plugin: `surveys`, or `surveys_` and more."""
    return code == name or code.startswith(f"{name}_")


def _check_permission(name: str, permission: Permission) -> None:
    if not permission.name.startswith(f"{name}."):
        raise TypeError(f"permission {permission.name!r} of plugin {name!r} must be called {name}.something")
    if permission.residents == bool(permission.roles):
        raise TypeError(f"permission {permission.name!r} is either of residents or of roles of the office")
    if permission.residents and permission.support is not None:
        raise TypeError(f"permission {permission.name!r} is of residents: no operator acts as one")
    if permission.roles and not permission.label:
        raise TypeError(f"permission {permission.name!r} has no label: nobody could tell what a role gives")
