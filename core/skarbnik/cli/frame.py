"""What all commands share: an open instance, and one clear line when something expected goes wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import click
import psycopg

from skarbnik.errors import SkarbnikError
from skarbnik.logs import set_up_logs
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance

P = ParamSpec("P")


@click.group()
def main() -> None:
    """Skarbnik: the operator's commands. Settings come from the environment (see docs/operators.md)."""


def with_instance(command: Callable[Concatenate[Instance, P], None]) -> Callable[P, None]:
    """Open the instance and hand it in first. Expected errors end in one line and status 1, not in a traceback."""

    @wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> None:
        try:
            settings = read_settings()
            set_up_logs(settings.log)
            command(Instance(settings, pool=2), *args, **options)
        except (SkarbnikError, psycopg.OperationalError) as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return run
