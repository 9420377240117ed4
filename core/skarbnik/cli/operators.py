"""People who run the instance and look at it through `/operator` on the bare host."""

from __future__ import annotations

import secrets

import click

from skarbnik import clock
from skarbnik.cli.frame import with_instance
from skarbnik.operator import services
from skarbnik.tenancy.instance import Instance


@click.group()
def operator() -> None:
    """Operators: who may sign in at /operator. What these commands do stands in the operators' trail."""


@operator.command()
@click.argument("email")
@click.argument("name")
@with_instance
def make(instance: Instance, email: str, name: str) -> None:
    """Make an operator, or give one a new password; it is printed once. The second factor is set up at the sign-in."""
    password = secrets.token_urlsafe(12)
    services.make_operator(instance.owner_engine(), email=email, name=name, password=password)
    click.echo(password)


@operator.command("reset-factor")
@click.argument("email")
@with_instance
def reset_factor(instance: Instance, email: str) -> None:
    """The telephone is lost: the next sign-in sets up another second factor. First make sure who asks."""
    services.reset_factor(instance.owner_engine(), email=email)
    click.echo("a new second factor is set up at the next sign-in; sessions have ended")


@operator.command()
@click.argument("email")
@with_instance
def block(instance: Instance, email: str) -> None:
    """Let nobody sign in with the account any more. Sessions end, those in gminas too."""
    services.set_blocked(instance.owner_engine(), email=email, blocked=True)
    click.echo("blocked; sessions have ended")


@operator.command()
@click.argument("email")
@with_instance
def unblock(instance: Instance, email: str) -> None:
    """Let the account be used again."""
    services.set_blocked(instance.owner_engine(), email=email, blocked=False)
    click.echo("open again")


@operator.command("list")
@with_instance
def list_command(instance: Instance) -> None:
    """All operators, with their second factor and last sign-in."""
    for each in services.list_operators(instance.owner_engine()):
        state = "blocked" if each.blocked_at else "open"
        second = "second factor" if each.has_factor else "no second factor yet"
        last = each.last_at.astimezone(clock.WARSAW).strftime("%d.%m.%Y %H:%M") if each.last_at else "never signed in"
        click.echo("\t".join((each.email, each.name, state, second, last)))
