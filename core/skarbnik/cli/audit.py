"""The trail of a gmina: whether it is as it was written, and all of it for a gmina that takes its data along."""

from __future__ import annotations

import sys

import click

from skarbnik.audit import services
from skarbnik.audit.chain import Anchor, read_anchor
from skarbnik.audit.handover import stream_trail
from skarbnik.audit.services import record_act
from skarbnik.audit.verifying import verify_and_tell
from skarbnik.cli.frame import with_instance
from skarbnik.tenancy.instance import Instance


def _read_anchors(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> list[Anchor]:
    """`NUMBER:DIGEST`, as the office has it on paper or by e-mail, and the log in its lines."""
    try:
        return [read_anchor(each) for each in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def audit() -> None:
    """The trail of who saw and did what."""


@audit.command()
@click.argument("slug")
@click.option(
    "--anchor", "anchors", multiple=True, callback=_read_anchors, help="A seal somebody noted, NUMBER:DIGEST."
)
@with_instance
def verify(instance: Instance, slug: str, anchors: list[Anchor]) -> None:
    """Check the chain of a gmina. Status 0 when it holds, 2 when it is broken; says where."""
    verdict = verify_and_tell(instance.registry.get_by_slug(slug), actor="operator", anchors=anchors)
    for line in verdict.lines():
        click.echo(line)
    if not verdict.holds:
        sys.exit(2)


@audit.command("export")
@click.argument("slug")
@with_instance
def export_command(instance: Instance, slug: str) -> None:
    """Write the whole trail with its seals to standard output, as JSON lines (docs/operators.md has the recipe)."""
    tenant = instance.registry.get_by_slug(slug)
    with tenant.session() as session:
        record_act(session, "audit.handed_over", subject="audit", subject_id=None, actor="operator")
    for line in stream_trail(tenant):
        click.echo(line)


@audit.command()
@click.argument("slug")
@click.argument("years", type=int)
@with_instance
def keep(instance: Instance, slug: str, years: int) -> None:
    """Keep entries for so many YEARS, two at least."""
    with instance.registry.get_by_slug(slug).session() as session:
        if services.keep_for(session, years, by=None):
            record_act(session, "audit.keeping_changed", subject=f"years/{years}", subject_id=None, actor="operator")
    click.echo(f"kept for {years} years")
