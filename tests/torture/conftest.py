"""What each round reports is printed at the end, also when other processes ran it."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "user_properties")]
    lines = [line for report in reports if report.when == "call" for key, value in report.user_properties if key == "torture" for line in value]
    if lines:
        terminalreporter.section("torture")
        for line in lines:
            terminalreporter.write_line(line)
