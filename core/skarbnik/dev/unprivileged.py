"""The account that PostgreSQL runs under when we are root, since it refuses to be root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """A user without rights, given to `Popen(user=, group=, extra_groups=)`."""

    uid: int
    gid: int

    def options(self) -> dict[str, object]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_run(self, program: Path) -> bool:
        try:
            return self._run([str(program), "--version"]) == 0
        except PermissionError:
            return False

    def reaches(self, folder: Path) -> bool:
        return self._run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]) == 0

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)

    def _run(self, command: list[str]) -> int:
        return subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
        ).returncode


def unprivileged() -> Account | None:
    """Whom to become as root; None when we are an ordinary user already."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(entry.pw_uid, entry.pw_gid)
