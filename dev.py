#!/usr/bin/env python3
"""Everything a developer needs from a bare machine: `python3 dev.py demo`, `python3 dev.py test`.

Needs Python 3.11 with venv or pip, and nothing else. Makes .venv from requirements.lock and hands over to skarbnik.dev.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # whoever has an older one shall read a sentence, not a traceback
    sys.exit("Skarbnik needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031  # in words that one can read

import hashlib
import importlib.util
import os
import shutil
import subprocess
import time
from pathlib import Path

try:
    import fcntl
except ImportError:
    sys.exit("Skarbnik's tools run on Linux and macOS; on Windows use WSL.")

ROOT = Path(__file__).resolve().parent
COMMANDS = {
    "demo": "start everything with three gminas of made-up data; Ctrl-C ends it",
    "test": "run all tests on throw-away servers; what follows is given to pytest",
    "torture": "money while everything dies: --rounds N --seed S; --mutants proves the checker",
    "lint": "style, types, import contracts, the lock",
    "texts": "gather what pages say into the catalogues; tells what waits for a translator",
    "lighthouse": "the running demo's main pages on a slow telephone; needs node",
    "bench": "run benchmarks/NAME.py on throw-away servers, or all of them",
    "stop": "end a running demo",
    "reset": "end a running demo and forget its data",
    "doctor": "say what this machine has and which choices follow",
    "code": "the code of a demo account's second factor: code LOGIN",
    "shell": "Python, or the command that follows, in the demo's environment",
}


class Environment:
    """The virtual environment: its stamp says what it was made from, its marker that it is being made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "skarbnik.stamp"
        self.marker = self.folder / "skarbnik.unfinished"
        self.lock = root / "requirements.lock"
        self.held: tuple[int, ...] = ()  # given to children, so that a pip that outlives us keeps the others waiting

    def members(self) -> list[Path]:
        return [self.root / "core", *sorted(path.parent for path in self.root.glob("plugins/*/pyproject.toml"))]

    def wanted(self) -> str:
        """What the stamp must say: the lock, the members, this Python, and this folder (scripts name it)."""
        digest = hashlib.sha256()
        for path in (self.lock, *(member / "pyproject.toml" for member in self.members())):
            digest.update(f"{path.relative_to(self.root)}\n".encode() + path.read_bytes())
        return hashlib.sha256(f"{digest.hexdigest()} {sys.version} {self.folder}".encode()).hexdigest()

    def is_current(self) -> bool:
        return self.python.exists() and self.stamp.exists() and self.stamp.read_text() == self.wanted()

    def is_usable(self) -> bool:
        """Whether it is whole and of this Python, so that installing over it will do."""
        if self.marker.exists() or not self.python.exists():
            return False
        question = [str(self.python), "-c", "import sys; print(*sys.version_info[:2])"]
        answer = subprocess.run(question, capture_output=True, text=True, check=False)
        return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]

    def clear(self) -> None:
        """Empty the folder. The marker goes in first and stays, so being killed here is seen as well."""
        self.folder.mkdir(exist_ok=True)
        self.marker.touch()
        for path in self.folder.iterdir():
            if path == self.marker:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def update(self) -> None:
        if not self.is_usable():
            self.clear()
            self.pip = self._make()
        else:
            self.pip = self._pip()
        self.stamp.unlink(missing_ok=True)
        self.marker.touch()
        self._install("the locked packages", ["--require-hashes", "-r", str(self.lock)])
        local = [part for member in self.members() for part in ("-e", str(member))]
        self._install("the packages of this folder", ["--no-build-isolation", "--no-deps", *local])
        self.stamp.write_text(self.wanted())
        self.marker.unlink()

    def _make(self) -> list[str]:
        """Debian keeps ensurepip in a package of its own; then the pip outside works on the inside."""
        say(f"Making .venv with Python {sys.version.split()[0]}")
        make = [sys.executable, "-m", "venv", str(self.folder)]
        if importlib.util.find_spec("ensurepip"):
            if subprocess.run(make, check=False, pass_fds=self.held).returncode == 0:
                return self._pip()
            say("  without its own pip")
        if not importlib.util.find_spec("pip"):
            sys.exit("This Python has neither ensurepip nor pip: install python3-venv (or python3-pip) and try again.")
        subprocess.run([*make, "--without-pip"], check=True, pass_fds=self.held)
        return self._pip()

    def _pip(self) -> list[str]:
        if any(self.folder.glob("lib/python*/site-packages/pip/__main__.py")):
            return [str(self.python), "-m", "pip"]
        return [sys.executable, "-m", "pip", "--python", str(self.python)]

    def _install(self, what: str, arguments: list[str]) -> None:
        """Run pip and tell how far it is; its own words only when it fails."""
        say(f"Installing {what}")
        command = [*self.pip, "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        command += [*arguments]
        total = sum("==" in line for line in self.lock.read_text().splitlines()) if "-r" in arguments else 0
        words: list[str] = []
        seen, told = 0, time.monotonic()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "pass_fds": self.held}
        with subprocess.Popen(command, **pipes) as pip:
            for line in pip.stdout or ():
                words.append(line)
                if line.startswith("Collecting "):
                    seen += 1
                    if total and time.monotonic() - told > 2:
                        told = time.monotonic()
                        say(f"  {seen} of {total}: {line.split()[1].partition('==')[0]}")
                elif line.startswith("Installing collected packages") and total:
                    say("  unpacking")
        if pip.returncode != 0:
            sys.exit("".join(words[-30:]) + f"\nInstalling {what} failed; run the same command to try again.")


def say(text: str) -> None:
    print(text, flush=True)


def ready(environment: Environment) -> None:
    """Bring .venv up to date; one program at a time, the others wait."""
    if environment.is_current():
        return
    folder = os.open(environment.root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another dev.py that is installing")
            fcntl.flock(folder, fcntl.LOCK_EX)
        environment.held = (folder,)
        if not environment.is_current():
            began = time.monotonic()
            environment.update()
            say(f"Ready to run after {time.monotonic() - began:.0f} s")
    finally:
        os.close(folder)


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in COMMANDS:
        say("usage: python3 dev.py COMMAND\n")
        say("\n".join(f"  {name:10} {text}" for name, text in COMMANDS.items()))
        sys.exit(0 if arguments and arguments[0] in {"-h", "--help", "help"} else 2)
    environment = Environment(ROOT)
    try:
        ready(environment)
    except KeyboardInterrupt:
        sys.exit("\nStopped; the next start begins the installation anew.")
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(environment.python, [str(environment.python), "-m", "skarbnik.dev", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
