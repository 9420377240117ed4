"""People who run the instance and look at it through `/operator` on the bare host."""

from __future__ import annotations

import secrets

import click

from skarbnik.cli.frame import with_instance
from skarbnik.operator.services import make_operator
from skarbnik.tenancy.instance import Instance


@click.command()
@click.argument("email")
@click.argument("name")
@with_instance
def operator(instance: Instance, email: str, name: str) -> None:
    """Make an operator, or give one a new password; it is printed once."""
    password = secrets.token_urlsafe(12)
    make_operator(instance.owner_engine(), email=email, name=name, password=password)
    click.echo(password)
