"""Finding the system's Chromium; nothing is downloaded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

NAMES = ("chromium", "chromium-browser", "google-chrome")

MISSING = (
    "no Chromium found: the browser tests are skipped."
    " Install the system's chromium or set SKARBNIK_CHROMIUM to its path"
)


def find_chromium(environ: Mapping[str, str]) -> str | None:
    """The path of a Chromium; what SKARBNIK_CHROMIUM names is taken at its word."""
    named = environ.get("SKARBNIK_CHROMIUM")
    if named:
        return named
    return next((found for name in NAMES if (found := shutil.which(name, path=environ.get("PATH")))), None)


def version_of(program: str) -> str | None:
    """Its version, None when it does not run."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
