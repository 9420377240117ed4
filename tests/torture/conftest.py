"""What each round reports is printed at the end, also when other processes ran it."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = [each for several in terminalreporter.stats.values() for each in several]
    reports = [each for each in found if isinstance(each, pytest.TestReport) and each.when == "call"]
    told = [told for report in reports for told in report.user_properties if told[0] == "torture"]
    if told:
        terminalreporter.section("torture")
    for _name, lines in told:
        for line in lines:
            terminalreporter.write_line(line)
