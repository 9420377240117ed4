"""The commands behind dev.py, inside the virtual environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyotp

from skarbnik.dev import demo, doctor, lighthouse, lint, testing, texts
from skarbnik.dev.leftovers import end_leftovers, is_alive, send
from skarbnik.dev.processes import DidNotStart
from skarbnik.dev.state import CHECKOUT, discard, holder, only_one, open_state, read_json


def stop() -> int:
    """End a running demo, and whatever a killed one left behind."""
    state = open_state()
    running = holder(state)
    if running is not None:
        send(running, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while is_alive(running) and time.monotonic() < deadline:
            time.sleep(0.05)
    left = end_leftovers(state.name)
    print("stopped" if running or left else "the demo was not running")
    return 0


def reset() -> int:
    """End the demo and forget all it kept. Refuses while a new one is starting."""
    stop()
    state = open_state()
    with only_one(state):
        discard(state.folder)
    (CHECKOUT / ".dev" / "demo.json").unlink(missing_ok=True)
    print("forgotten; the next demo begins anew")
    return 0


def shell(command: list[str]) -> int:
    """Run a command, or Python, in the environment of the running demo."""
    environment = read_json(CHECKOUT / ".dev" / "demo.json").get("environment")
    if not environment or holder(open_state()) is None:
        print("the demo is not running: start it with `python3 dev.py demo` in another terminal")
        return 1
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return subprocess.run(command or [sys.executable], env={**os.environ, **environment, "PATH": path}).returncode


def code(logins: list[str]) -> int:
    """What the authenticator apps of these accounts of the demo show now."""
    accounts = read_json(CHECKOUT / ".dev" / "demo.json").get("accounts", [])
    keys = {each["login"]: each["app_key"] for each in accounts if "app_key" in each}
    unknown = [login for login in logins if login not in keys]
    if unknown or not logins:
        print(f"code LOGIN, for one of: {', '.join(keys) or 'nobody; start the demo first'}", file=sys.stderr)
        return 2
    for login in logins:
        print(pyotp.TOTP(keys[login]).now())
    return 0


def main(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    match name:
        case "demo":
            return demo.demo()
        case "code":
            return code(rest)
        case "seed":
            return demo.seed_here()
        case "test":
            return testing.test(rest)
        case "torture":
            return testing.torture(rest)
        case "bench":
            return testing.bench(rest)
        case "lint":
            return lint.lint()
        case "lighthouse":
            return lighthouse.lighthouse()
        case "doctor":
            return doctor.doctor()
        case "texts":
            return texts.texts()
        case "stop":
            return stop()
        case "reset":
            return reset()
        case "shell":
            return shell(rest)
        case _:
            print(f"unknown command: {name or '(none)'}", file=sys.stderr)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DidNotStart as reason:
        sys.exit(str(reason))
