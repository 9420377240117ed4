"""What a gmina needs before its office can sign in: people, programs, its finance system, its merchant accounts.

Secrets are read from standard input as JSON, so that they stand in no history and no list of processes.
"""

from __future__ import annotations

import json
import secrets as random
import sys
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from skarbnik.accounts.factors import take_factors
from skarbnik.accounts.models import User, UserKind
from skarbnik.accounts.services import make_api_client, make_user
from skarbnik.accounts.sessions import end_all_sessions
from skarbnik.audit.services import record_act
from skarbnik.cli.frame import with_instance
from skarbnik.errors import ExternalSystemError, NotFound, SkarbnikError
from skarbnik.exchange.sources import connect_source
from skarbnik.exchange.systems import spool_of
from skarbnik.http import HttpClient
from skarbnik.payments.accounts import open_merchant_account
from skarbnik.plugin_api import Capability, Role
from skarbnik.receivables.models import CreditorAccount
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.plugin_settings import parse_settings, store_settings

SCOPES = ("exchange:read", "exchange:write", "payments:read", "receivables:read")


def _read_json() -> dict[str, Any]:
    try:
        found = json.load(sys.stdin)
    except ValueError as error:
        raise SkarbnikError(f"standard input is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise SkarbnikError("standard input must be one JSON object")
    return found


def _audited(session: Session, action: str, subject: str, subject_id: UUID | None) -> None:
    record_act(session, action, subject=subject, subject_id=subject_id, actor="operator")


def _installed(known: dict[str, Any], plugin: str) -> Any:
    try:
        return known[plugin]
    except KeyError:
        raise NotFound(f"no such plugin {plugin}; installed: {', '.join(sorted(known))}") from None


@click.command()
@click.argument("slug")
@click.argument("email")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in Role]))
@with_instance
def official(instance: Instance, slug: str, email: str, name: str, roles: tuple[str, ...]) -> None:
    """Make an official of a gmina. Prints a first password, once."""
    password = random.token_urlsafe(12)
    with instance.registry.get_by_slug(slug).session() as session:
        user = make_user(
            session,
            kind=UserKind.OFFICIAL,
            email=email,
            name=name,
            password=password,
            roles=frozenset(Role(role) for role in roles),
        )
        _audited(session, "official.made", "user", user.id)
        for role in sorted(set(roles)):
            _audited(session, "official.role_given", f"role:{role}", user.id)
    click.echo(password)


@click.command("lost-second-step")
@click.argument("slug")
@click.argument("email")
@with_instance
def lost_second_step(instance: Instance, slug: str, email: str) -> None:
    """Take away the second step of an official who lost it, when no administrator of the office is left to do it.

    Every browser of theirs is signed out; they set up a new one when they sign in next time.
    """
    with instance.registry.get_by_slug(slug).session() as session:
        user_id = session.scalar(
            select(User.id).where(User.kind == UserKind.OFFICIAL, User.email == email.strip().lower())
        )
        if user_id is None:
            raise NotFound("the office has no account with this address")
        taken = take_factors(session, user_id)
        end_all_sessions(session, user_id)
        _audited(session, "official.factors_taken", "user", user_id)
    click.echo("taken away" if taken else "there was none")


@click.command()
@click.argument("slug")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES))
@with_instance
def program(instance: Instance, slug: str, name: str, scopes: tuple[str, ...]) -> None:
    """Let a program of a gmina call the API. Prints its client id and secret, once."""
    with instance.registry.get_by_slug(slug).session() as session:
        client_id, secret = make_api_client(session, name=name, scopes=frozenset(scopes))
        _audited(session, "program.made", "api_client", UUID(client_id))
    click.echo(json.dumps({"client_id": client_id, "client_secret": secret}))


@click.command()
@click.argument("slug")
@click.argument("plugin")
@with_instance
def settings(instance: Instance, slug: str, plugin: str) -> None:
    """Store a mail sender's settings for a gmina, from JSON on standard input."""
    tenant = instance.registry.get_by_slug(slug)
    sender = _installed(instance.plugins.mail_senders, plugin)
    parsed = parse_settings(sender.settings_type, _read_json())
    with tenant.session() as session:
        version = store_settings(session, tenant, plugin, parsed)
        _audited(session, "settings.changed", f"plugin:{plugin}", None)
    click.echo(f"settings of {plugin}, version {version}")


@click.command()
@click.argument("slug")
@click.argument("plugin")
@click.argument("tenant_code")
@click.option("--id", "source_id", help="Name of the source, by default the plugin's.")
@click.option("--with-settings", is_flag=True, help="More settings, such as its address, as JSON on standard input.")
@with_instance
def source(
    instance: Instance, slug: str, plugin: str, tenant_code: str, source_id: str | None, with_settings: bool
) -> None:
    """Connect a finance system that knows the gmina by TENANT_CODE. Prints the folder of its files.

    The same one again takes what is given now, and all of it: without its settings nobody is asked any more.
    """
    tenant = instance.registry.get_by_slug(slug)
    system = _installed(instance.plugins.finance_systems, plugin)
    more = _read_json() if with_settings else {}
    parsed = parse_settings(system.settings_type, {**more, "tenant_code": tenant_code})
    remote = system(parsed).open_remote(HttpClient(system.hosts(parsed))) is not None  # Misconfigured before it is kept
    name = source_id or plugin
    with tenant.session() as session:
        version = store_settings(session, tenant, f"source:{name}", parsed)
        connect_source(
            session,
            name,
            plugin=plugin,
            title=system.label,
            tenant_code=tenant_code,
            settings_version=version,
            remote=remote,
        )
        _audited(session, "source.connected", f"source:{name}", None)
    click.echo(str(spool_of(tenant, name).make().root))


@click.command()
@click.argument("slug")
@click.argument("plugin")
@click.argument("nrb")
@click.option("--title", help="As payers read it, by default the gateway's name.")
@with_instance
def merchant(instance: Instance, slug: str, plugin: str, nrb: str, title: str | None) -> None:
    """Open a merchant account that pays out to the bank account NRB, with settings from JSON on standard input.

    The same account again takes new credentials; money on its way goes on with the old ones.
    """
    tenant = instance.registry.get_by_slug(slug)
    gateway = _installed(instance.plugins.gateways, plugin)
    parsed = parse_settings(gateway.settings_type, _read_json())
    with tenant.session() as session:
        account = session.scalars(
            select(CreditorAccount).where(CreditorAccount.nrb == "".join(nrb.split()))
        ).one_or_none()
        if account is None:
            raise NotFound("the gmina has no such bank account; it comes with the first file of its finance system")
        opened = open_merchant_account(
            session, tenant, gateway, parsed, title=title or gateway.label, creditor_account_id=account.id
        )
        _audited(session, "merchant_account.changed", "merchant_account", opened.id)
        address = tenant.url(f"/hooks/payments/{opened.gateway}/{opened.hook_secret}")
    click.echo(address)
    if Capability.ACCESS_CHECK in gateway.capabilities:
        try:
            gateway(parsed, HttpClient(gateway.hosts(parsed))).check_access()
        except ExternalSystemError as error:  # kept all the same: keys may be switched on there later
            click.echo(f"the account is kept, but its gateway does not take us: {error}", err=True)
