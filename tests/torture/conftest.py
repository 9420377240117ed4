"""What each round reports is printed at the end, also when other processes ran it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = [each for several in terminalreporter.stats.values() for each in several]
    reports = [each for each in found if isinstance(each, pytest.TestReport) and each.when == "call"]
    told = [told for report in reports for told in report.user_properties]
    lines = [line for name, lines in told if name == "torture" for line in lines]
    if not lines:
        return
    terminalreporter.section("torture")
    for line in [*lines, *_together([words for name, words in told if name == "round"])]:
        terminalreporter.write_line(line)


def _together(rounds: list[dict[str, Any]]) -> list[str]:
    """All rounds in two lines."""
    if len(rounds) < 2:
        return []
    counts, faults = Counter[str](), Counter[str]()
    for one in rounds:
        counts.update(one["counts"])
        faults.update(one["faults"])
    worst = max(one["healed"] for one in rounds)
    return [
        f"{len(rounds)} rounds: lost {counts['lost']}, double {counts['double']}, stuck {counts['stuck']},"
        f" otherwise wrong {counts['wrong']}; worst healing {worst:.1f} s",
        f"  {', '.join(f'{name} {number}' for name, number in sorted(faults.items()))}",
    ]
