"""The hooks a plugin may implement. Hooks hand out classes of contracts; what the classes do is in the contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from skarbnik.plugin_api.access import Permission
    from skarbnik.plugin_api.finance import FinanceSystem
    from skarbnik.plugin_api.identity import IdentityProvider
    from skarbnik.plugin_api.mail import MailSender
    from skarbnik.plugin_api.own_data import Chapter
    from skarbnik.plugin_api.pages import MenuItem
    from skarbnik.plugin_api.payment import PaymentGateway

GROUP = "skarbnik.plugins"

hookspec = pluggy.HookspecMarker("skarbnik")
hookimpl = pluggy.HookimplMarker("skarbnik")


class Hooks:
    """One method a hook. A plugin implements any of them with `@hookimpl` on plain functions of its module."""

    @hookspec
    def payment_gateways(self) -> list[type[PaymentGateway]]:  # type: ignore[empty-body]  # pluggy reads the signature only
        """Places a resident can be sent to in order to pay."""

    @hookspec
    def finance_systems(self) -> list[type[FinanceSystem]]:  # type: ignore[empty-body]  # as above
        """Finance systems whose files can be read and written."""

    @hookspec
    def migrations(self) -> Traversable:  # type: ignore[empty-body]  # as above
        """The folder of the plugin's numbered SQL texts (`NNNN_what.sql`); its tables start with the plugin's name.

        The tables exist in the gminas that enabled the plugin, and nowhere else.
        """

    @hookspec
    def mail_senders(self) -> list[type[MailSender]]:  # type: ignore[empty-body]  # as above
        """Ways to send one e-mail."""

    @hookspec
    def identity_providers(self) -> list[type[IdentityProvider]]:  # type: ignore[empty-body]  # as above
        """Places that say who a person is."""

    @hookspec
    def permissions(self) -> list[Permission]:  # type: ignore[empty-body]  # as above
        """What the routes of the plugin may ask for. Names start with the plugin's, as in `surveys.write`."""

    @hookspec
    def blueprints(self) -> list[Any]:  # type: ignore[empty-body]  # as above
        """Flask's blueprints with pages: under `/<plugin>` for residents, under `/office/<plugin>` for officials.

        Each route says who may use it, and in the office what it writes into the trail.
        """

    @hookspec
    def menu_items(self) -> list[MenuItem]:  # type: ignore[empty-body]  # as above
        """Entries of the menu: of residents or of the office, as their permission is."""

    @hookspec
    def acts(self) -> dict[str, str]:  # type: ignore[empty-body]  # as above
        """What the plugin writes into the trail, as `surveys.opened`, and the msgid that says it to a clerk."""

    @hookspec
    def subjects(self) -> dict[str, str]:  # type: ignore[empty-body]  # as above
        """Of what its entries in the trail are, as `surveys_survey`, and the msgid that says it to a clerk."""

    @hookspec
    def own_data(self) -> list[Chapter]:  # type: ignore[empty-body]  # as above
        """What the plugin keeps of a person, for the file with all their data."""
