"""Prints each failure when it happens, so that a run that is cut off shows it too."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Print failures in the process that has the terminal, which is not one of xdist's workers."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_AtOnce(config, terminal))


class _AtOnce:
    def __init__(self, config: pytest.Config, terminal: pytest.TerminalReporter) -> None:
        self.config = config
        self.terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.failed:
            return
        self.terminal.ensure_newline()
        self.terminal.write_sep("_", f"{report.when} of {report.nodeid}", red=True, bold=True)
        self.terminal.write_line(report.longreprtext)
        for name, text in report.sections:
            self.terminal.write_sep("-", name)
            self.terminal.write_line(text)
        self.terminal.flush()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        # The summary names the failures in a line each.
        self.config.option.tbstyle = "no"
