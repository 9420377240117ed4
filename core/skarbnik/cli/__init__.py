"""Commands of the operator. Settings come from the environment (docs/operators.md)."""

from skarbnik.cli.audit import audit
from skarbnik.cli.frame import main
from skarbnik.cli.office import lost_second_step, merchant, official, program, settings, source
from skarbnik.cli.operators import operator
from skarbnik.cli.platform import bootstrap_command, migrate, tenant

for each in (
    bootstrap_command,
    migrate,
    tenant,
    official,
    lost_second_step,
    program,
    settings,
    source,
    merchant,
    operator,
    audit,
):
    main.add_command(each)

__all__ = ["main"]
