"""What each round reports is printed at the end, also when other processes ran it."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = [told for report in reports for told in getattr(report, "user_properties", ()) if told[0] == "torture"]
    if told:
        terminalreporter.section("torture")
    for _name, lines in told:
        for line in lines:
            terminalreporter.write_line(line)
