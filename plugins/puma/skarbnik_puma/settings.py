"""What an office sets before files of PUMA are read."""

from dataclasses import dataclass

from skarbnik.plugin_api import setting


@dataclass(frozen=True)
class PumaSettings:
    tenant_code: str = setting(
        "Kod gminy w PUMA",
        help="Tak program PUMA nazywa gminę w swoich plikach (atrybut „tenant”). Plik z innym kodem jest odrzucany.",
        pattern=r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,31}",
    )
