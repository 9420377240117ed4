"""The hooks of this plugin."""

from skarbnik.plugin_api import hookimpl
from skarbnik_puma.system import PumaFinanceSystem


@hookimpl
def finance_systems():
    return [PumaFinanceSystem]
