"""`dev.py lint`: every gate that needs no server, all of them run even when one fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from skarbnik.dev.state import CHECKOUT

BIN = Path(sys.executable).parent

GATES = {
    "style": ("ruff", "check"),
    "format": ("ruff", "format", "--check"),
    "types": ("mypy",),
    "imports": ("lint-imports",),
}

ADDRESS = re.compile(r"https?:|file:|^\s*(-i|--index|--extra-index|--find-links|-f|--trusted-host)\b")


def lint() -> int:
    """0 when everything holds."""
    failed = []
    for name, (program, *arguments) in GATES.items():
        print(f"== {name}", flush=True)
        if subprocess.run([BIN / program, *arguments], cwd=CHECKOUT).returncode != 0:
            failed.append(name)
    print("== lock", flush=True)
    for problem in addresses((CHECKOUT / "requirements.lock").read_text()):
        print(problem)
        failed.append("lock")
    print(f"failed: {', '.join(dict.fromkeys(failed))}" if failed else "all gates hold")
    return 1 if failed else 0


def addresses(lock: str) -> list[str]:
    """Lines of a lock that name a place: it must install from wherever the machine is told to."""
    found = [(number, line) for number, line in enumerate(lock.splitlines(), 1) if ADDRESS.search(line)]
    return [f"requirements.lock:{number} names an address: {line.strip()}" for number, line in found]
