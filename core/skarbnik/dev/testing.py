"""`dev.py test` and `dev.py bench`: throw-away servers around pytest or a benchmark, gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from skarbnik.dev import browser
from skarbnik.dev.processes import Supervisor, dies_with_us
from skarbnik.dev.servers import start_servers
from skarbnik.dev.state import CHECKOUT, throw_away

BENCHMARKS = CHECKOUT / "benchmarks"


@contextmanager
def servers(*, durable: bool) -> Iterator[dict[str, str]]:
    """The environment of a program that may use, fill and break both servers."""
    signal.signal(signal.SIGTERM, leave)
    with throw_away() as state:
        supervisor = Supervisor(state)
        try:
            started = start_servers(supervisor, state, os.environ, durable=durable)
            print("; ".join(started.chosen), flush=True)
            given = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
            yield {
                **given,
                "SKARBNIK_TEST_ADMIN_URL": started.admin_url,
                "SKARBNIK_TEST_REDIS_URL": started.redis_url,
                "PYTHONUNBUFFERED": "1",
            }
        finally:
            supervisor.stop()


def test(arguments: list[str]) -> int:
    """Run pytest with as many workers as there are processors. Its exit status is ours."""
    chromium = browser.find_chromium(os.environ)
    print(f"Chromium: {chromium}" if chromium else browser.MISSING, flush=True)
    with servers(durable=False) as environment:
        if chromium:
            environment["SKARBNIK_CHROMIUM"] = chromium
        workers = [] if chooses_workers(arguments) else ["-n", str(os.cpu_count() or 1)]
        status = run([sys.executable, "-m", "pytest", "-ra", *workers, *arguments], environment)
    if not chromium:
        print(browser.MISSING, flush=True)
    return status


def torture(arguments: list[str]) -> int:
    """Rounds one after another, as each wants the machine for itself: `--rounds N --seed S`, or `--mutants`."""
    what = "the_checker_sees" if "--mutants" in arguments else "no_grosz"
    return test(
        ["tests/torture", "-n", "0", "--slow", "-k", what, *(each for each in arguments if each != "--mutants")]
    )


def bench(arguments: list[str]) -> int:
    """Run the named benchmarks, or all. 1 when a target was missed or a name is unknown."""
    known = {path.stem: path for path in sorted(BENCHMARKS.glob("[a-z]*.py"))}
    names, options = [a for a in arguments if not a.startswith("-")], [a for a in arguments if a.startswith("-")]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(known) or 'none'}")
        return 2
    failed = []
    for name in names or known:
        with servers(durable=True) as environment:  # each on fresh servers, so that none warms them for the next
            if run([sys.executable, str(known[name]), *options], environment) != 0:
                failed.append(name)
    if failed:
        print(f"missed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def chooses_workers(arguments: list[str]) -> bool:
    return any(argument.startswith(("-n", "--numprocesses", "--pdb")) for argument in arguments)


def run(command: list[str], environment: dict[str, str], folder: Path = CHECKOUT) -> int:
    """Run a program in our terminal. It gets Ctrl-C like us and ends first; we wait and then tidy up."""
    with subprocess.Popen(command, env=environment, cwd=folder, preexec_fn=dies_with_us(signal.SIGTERM)) as program:
        try:
            while True:
                try:
                    return program.wait()
                except KeyboardInterrupt:
                    continue
        except BaseException:
            program.terminate()
            raise


def leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
