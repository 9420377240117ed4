"""The hooks of this plugin."""

from __future__ import annotations

from skarbnik.plugin_api import FinanceSystem, hookimpl
from skarbnik_puma.system import PumaFinanceSystem


@hookimpl
def finance_systems() -> list[type[FinanceSystem]]:
    return [PumaFinanceSystem]
