"""Ask Pants which modules the projects of a running `dev` load by now."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click

from cascade.exceptions import CascadeError
from cascade.framework.renewed_manifest import COMMAND_VARIABLE, write_renewed
from cascade.terminal.words import say_on_stderr

_FOREIGN = ("PEX", "PYTHON", "CASCADE_", "DAGSTER_", "VIRTUAL_ENV")
"""The beginnings of variables that the project's own process has, and that Pants must not inherit."""


@dataclass(frozen=True)
class PantsCommand:
    """The command that prints the manifests.

    Args:
        directory: the root of the repository.
        argv: the command line.
    """

    directory: Path
    argv: tuple[str, ...]

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return the command that the Pants backend passed; None without Pants, and in a PEX."""
        text = os.environ.get(COMMAND_VARIABLE)
        if not text:
            return None
        given = json.loads(text)
        return cls(Path(given["directory"]), tuple(given["argv"]))

    def manifests(self) -> list[dict[str, Any]]:
        """Run the command.

        Returns:
            The fields of each project's manifest, the project of this process first.

        Raises:
            CascadeError: Pants failed. The message is what it printed.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        done = subprocess.run(
            self.argv,
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            # Ctrl-C on the terminal ends `dev`, which then ends this process.
            start_new_session=True,
        )
        if done.returncode != 0:
            raise CascadeError(f"Pants could not list the workflows:\n{done.stderr.strip() or done.stdout.strip()}")
        manifests: list[dict[str, Any]] = json.loads(done.stdout)
        return manifests


class ManifestRenewal:
    """Renews the manifests in the background, one run of Pants at a time.

    Args:
        command: the command that prints them.
        directory: where the processes of `dev` look for renewed manifests.
    """

    def __init__(self, command: PantsCommand, directory: Path) -> None:
        self._command = command
        self._directory = directory
        self._lock = threading.Lock()
        self._running = False
        self._again = False

    def request(self, reasons: Sequence[str], finished: Callable[[tuple[str, ...]], None]) -> None:
        """Ask Pants, after the run that is under way if there is one.

        Args:
            reasons: what changed, as sentences without a full stop.
            finished: called in the background with the modules of all projects when their manifests are written.
        """
        for reason in reasons:
            click.echo(f"{reason}.")
        with self._lock:
            self._again = self._running
            if self._running:
                return
            self._running = True
        click.echo("Asking Pants for the new list of workflows. This can take half a minute …")
        threading.Thread(target=self._run, args=[finished], name="cascade-manifest", daemon=True).start()

    def _run(self, finished: Callable[[tuple[str, ...]], None]) -> None:
        while True:
            try:
                manifests = self._command.manifests()
                write_renewed(self._directory, manifests)
            except (CascadeError, OSError, ValueError) as error:
                say_on_stderr("error", f"{error}\nThe list of workflows stays as it was.", "red")
            else:
                finished(_modules(manifests))
            with self._lock:
                if not self._again:
                    self._running = False
                    return
                self._again = False


def _modules(manifests: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(module for manifest in manifests for module in manifest["modules"])
