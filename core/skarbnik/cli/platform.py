"""Setting the instance up, migrating it, making and closing gminas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg
from flask import Flask

from skarbnik.audit.services import record_act
from skarbnik.cli.frame import with_instance
from skarbnik.errors import SkarbnikError
from skarbnik.operator.acts import record
from skarbnik.tenancy import bootstrap, services
from skarbnik.tenancy.instance import Instance
from skarbnik.tenancy.ledger import CORE, Names, core_texts, migrate_central, migrate_tenants
from skarbnik.tenancy.registry import Tenant
from skarbnik.web.plugin_pages import check_pages


@click.command("bootstrap")
@click.option("--admin-url", required=True, help="A login that may make roles on the cluster.")
@with_instance
def bootstrap_command(instance: Instance, admin_url: str) -> None:
    """Make the roles of this instance on the PostgreSQL cluster. Safe to repeat."""
    bootstrap.make_roles(admin_url, instance.settings)
    click.echo(f"roles of instance {instance.settings.instance} are there")


@click.command()
@with_instance
def migrate(instance: Instance) -> None:
    """Bring the registry and all gminas up to date, while the previous release serves."""
    owner = instance.owner_engine()
    names = Names(instance.settings.instance)
    with psycopg.connect(instance.settings.owner_database_url or "") as connection:
        central = migrate_central(connection, names)
    applied = migrate_tenants(owner, names, CORE, core_texts("tenant"))
    for plugin, texts in instance.plugins.migrations.items():
        applied += migrate_tenants(owner, names, plugin, texts)
    click.echo(f"{len(central)} central steps, {applied} steps of gminas applied")


@click.group()
def tenant() -> None:
    """Gminas."""


@tenant.command("create")
@click.argument("slug")
@with_instance
def create(instance: Instance, slug: str) -> None:
    """Make the gmina that tenants/SLUG.toml describes."""
    path: Path = instance.settings.tenants / f"{slug}.toml"
    if not path.is_file():
        raise SkarbnikError(f"there is no file {path}")
    tenant_id = services.create_tenant(
        instance.owner_engine(),
        instance.settings.instance,
        services.read_tenant_file(path),
        plugin_texts=instance.plugins.migrations,
    )
    instance.registry.forget()
    with _on_trail(instance, instance.registry.get(tenant_id), "tenant.created"):
        click.echo(tenant_id)


@contextmanager
def _on_trail(instance: Instance, changed: Tenant, action: str, subject: str = "tenant") -> Iterator[str]:
    """What the owner's login does to a gmina stands in the gmina's trail, and only when it did not fail. Its id.

    In the operators' trail it stands, too.
    """
    with changed.session() as session:
        record_act(session, action, subject=subject, subject_id=None, actor="operator")
        session.flush()
        yield changed.id
    with instance.engine.begin() as connection:
        record(connection, action, tenant_id=changed.id, words=subject.partition(":")[2])


@tenant.command("list")
@with_instance
def list_command(instance: Instance) -> None:
    """One line of JSON for each gmina."""
    for each in instance.registry.list_all():
        click.echo(json.dumps({"id": each.id, "slug": each.slug, "name": each.name, "state": each.state}))


@tenant.command()
@click.argument("slug")
@with_instance
def suspend(instance: Instance, slug: str) -> None:
    """Close a gmina to people. Money already on its way goes on to its end."""
    with _on_trail(instance, instance.registry.get_by_slug(slug), "tenant.suspended") as tenant_id:
        services.set_state(instance.owner_engine(), tenant_id, "suspended")


@tenant.command()
@click.argument("slug")
@with_instance
def resume(instance: Instance, slug: str) -> None:
    """Open a suspended gmina again."""
    with _on_trail(instance, instance.registry.get_by_slug(slug), "tenant.resumed") as tenant_id:
        services.set_state(instance.owner_engine(), tenant_id, "active")


@tenant.command()
@click.argument("slug")
@click.argument("plugin")
@with_instance
def enable(instance: Instance, slug: str, plugin: str) -> None:
    """Choose an installed plugin for a gmina. One whose pages no application would take in is refused, and why."""
    if plugin not in instance.plugins.names():
        raise SkarbnikError(
            f"no plugin {plugin} is installed; there are: {', '.join(sorted(instance.plugins.names()))}"
        )
    if plugin in instance.plugins.pages:
        check_pages(plugin, instance.plugins.pages[plugin], Flask("portal", static_folder=None))
    texts = instance.plugins.migrations.get(plugin, [])
    with _on_trail(instance, instance.registry.get_by_slug(slug), "plugin.enabled", f"plugin:{plugin}") as tenant_id:
        services.enable_plugin(instance.owner_engine(), instance.settings.instance, tenant_id, plugin, texts)
    click.echo(f"{slug} has {plugin} now")


@tenant.command()
@click.argument("slug")
@click.argument("plugin")
@with_instance
def disable(instance: Instance, slug: str, plugin: str) -> None:
    """Start nothing new with a plugin in a gmina. Money already on its way goes on."""
    with _on_trail(instance, instance.registry.get_by_slug(slug), "plugin.disabled", f"plugin:{plugin}") as tenant_id:
        services.disable_plugin(instance.owner_engine(), tenant_id, plugin)
    click.echo(f"{slug} has {plugin} no more; what it kept stays")


@tenant.command("rename")
@click.argument("slug")
@click.argument("new_slug")
@with_instance
def rename_command(instance: Instance, slug: str, new_slug: str) -> None:
    """Give a gmina another slug; its old host goes on being its own."""
    with _on_trail(instance, instance.registry.get_by_slug(slug), "tenant.renamed") as tenant_id:
        services.rename(instance.owner_engine(), tenant_id, slug=new_slug, host=instance.settings.host)
