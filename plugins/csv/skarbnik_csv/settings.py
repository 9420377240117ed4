"""What an office sets before its spreadsheets are read."""

from __future__ import annotations

from dataclasses import dataclass

from skarbnik.plugin_api import setting


@dataclass(frozen=True)
class CsvSettings:
    """The encoding is no setting: each file says its own, so that one saved otherwise once is still understood."""

    tenant_code: str = setting(
        "Kod gminy w plikach CSV",
        help="Słowo wybrane przez urząd; stoi w każdym pliku za „#gmina”. Plik z innym kodem jest odrzucany.",
        pattern=r"[0-9A-Za-z][0-9A-Za-z._:/+\-]{0,31}",
    )
