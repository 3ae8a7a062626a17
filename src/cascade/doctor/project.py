"""The project: its root, its settings, the directories it writes to, its dbt project and its workflows."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.doctor.finding import Finding, Status, nearest_existing
from cascade.exceptions import CascadeError, ConfigError
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.collect import Collected

_NEVER_COMMITTED = (".cascade", ".env")


def check_root(find: Callable[[], Path]) -> tuple[Finding, Path | None]:
    """Find the project.

    Args:
        find: returns the root of the project, or raises a `CascadeError` if there is no project.

    Returns:
        The finding, and the root, or None without a project.
    """
    from cascade.config.root import ROOT_VARIABLE

    try:
        root = find()
    except CascadeError as error:
        # Running outside a project is fine. A configured root that is missing breaks every command.
        status: Status = "problem" if isinstance(error, ConfigError) else "warning"
        return Finding("project", status, error.message, error.hint), None
    why = f"set by {ROOT_VARIABLE}" if os.environ.get(ROOT_VARIABLE) else "found from the working directory"
    return Finding("project", "ok", f"{root}, {why}"), root


def check_settings(read: Callable[[], CascadeConfig]) -> tuple[list[Finding], CascadeConfig | None]:
    """Read the settings.

    Args:
        read: returns the settings, or raises a `CascadeError`.

    Returns:
        The findings, with a warning for each name that looks like a misspelled setting, and the settings, or None if
        they are invalid.
    """
    from cascade.config import ConfigWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            config = read()
        except CascadeError as error:
            location = f"{error.location}: " if error.location else ""
            detail = f"{location}{error.message}\nChecks that depend on the settings were skipped."
            return [Finding("settings", "problem", detail, error.hint)], None
    sources = Counter(setting.source for setting in config.describe() if setting.source != "default")
    given = "".join(f"{count} from {source}, " for source, count in sources.items())
    found = [Finding("settings", "ok", f"{given}the rest are defaults" if given else "all settings are defaults")]
    close = [str(warning.message) for warning in caught if issubclass(warning.category, ConfigWarning)]
    return [*found, *(Finding("settings", "warning", text) for text in close)], config


def check_writable(check: str, directory: Path, setting: str) -> Finding:
    """Check that a directory can be written or created, without creating it.

    Args:
        check: the name of the check.
        directory: the directory, which may not exist yet.
        setting: the variable that selects another directory.
    """
    place = nearest_existing(directory)
    hint = (
        f"Allow yourself to write there: chmod u+rwx {shlex.quote(str(place))}\nOr choose another directory: {setting}"
    )
    if not place.is_dir():
        return Finding(check, "problem", f"{place} is a file, not a directory", f"Move it away: {place}")
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(check, "problem", f"{place} cannot be written", hint)
    return Finding(check, "ok", str(directory) if place == directory else f"{directory}, not created yet")


def check_dagster_home(home: Path, environment: Mapping[str, str]) -> Finding:
    """Check Dagster's home.

    Args:
        home: the configured home.
        environment: the environment of the shell. Dagster's own commands use its `DAGSTER_HOME`.
    """
    from cascade.framework.instance import home_problem

    found = check_writable("Dagster's home", home, "CASCADE_DAGSTER_HOME")
    problem = home_problem(home.absolute())
    if problem:
        hint = "Set CASCADE_DAGSTER_HOME to a directory with another path."
        return Finding(found.check, "problem", f"{home}: {problem}", hint)
    other = environment.get("DAGSTER_HOME")
    if found.status == "ok" and other and Path(os.path.expanduser(other)).absolute() != home.absolute():
        detail = f"Cascade uses {home}, but Dagster's own commands in this shell use {other} (DAGSTER_HOME)"
        return Finding(
            found.check, "warning", detail, f"To use the same home: export DAGSTER_HOME={shlex.quote(str(home))}"
        )
    return found


def check_dagster_database(url: str, home: Path, origin: str | None = None) -> Finding:
    """Check the database of Dagster's runs, events and schedules.

    Args:
        url: the configured URL.
        home: Dagster's home.
        origin: where the setting comes from.
    """
    from cascade.config.secrets import mask_secrets
    from cascade.framework.dagster_database import require_database
    from cascade.framework.instance import is_own_file

    check, shown = "Dagster's database", mask_secrets(url)
    try:
        require_database(url, origin)
    except CascadeError as error:
        return Finding(check, "problem", error.message, error.hint)
    if is_own_file(home):
        detail = f"{shown} answers, but {home / 'dagster.yaml'} is your own file, which says where Dagster's storage is"
        return Finding(check, "warning", detail, "Remove the file to let Cascade write it.")
    return Finding(check, "ok", f"{shown} answers")


def check_run_launcher(config: CascadeConfig) -> Finding:
    """Check that Dagster could launch a container for a run.

    Args:
        config: the settings.
    """
    from cascade.framework.run_launcher import require_launcher, run_image

    try:
        require_launcher(config)
    except CascadeError as error:
        return Finding("run launcher", "problem", error.message, error.hint)
    return Finding("run launcher", "ok", f"{config.run_launcher} starts runs in the image {run_image(config)}")


def check_observed(home: Path) -> Finding:
    """Check that Dagster shows its events to the receivers of the settings.

    Args:
        home: Dagster's home.
    """
    from cascade.framework.instance import OBSERVING_CLASS, is_own_file

    check, path = "alerts and metrics", home / "dagster.yaml"
    if not is_own_file(home) or OBSERVING_CLASS in path.read_text(encoding="utf-8"):
        return Finding(check, "ok", "runs send them")
    detail = f"{path} is your own file, and does not name the class that sends them"
    lines = f"instance_class: {{module: {OBSERVING_CLASS}, class: ObservedInstance}}"
    return Finding(check, "warning", detail, f"Add this line to it: {lines}")


def check_git(root: Path, run: Callable[[list[str]], int | None] | None = None) -> Finding:
    """Check that git ignores what must not be committed: the state, and the secrets in `.env`.

    Args:
        root: the project's root.
        run: runs git in the root with some arguments; returns its exit code, or None if git is not installed.
    """
    ask = run or (lambda words: _git(root, words))
    inside = ask(["rev-parse", "--is-inside-work-tree"])
    if inside != 0:
        return Finding("git", "ok", "git is not installed" if inside is None else f"{root} is not in a git repository")
    committed = [name for name in _NEVER_COMMITTED if ask(["ls-files", "--error-unmatch", name]) == 0]
    if committed:
        names = " ".join(committed)
        hint = f"Type: git rm -r --cached {names}"
        return Finding("git", "problem", f"{names} is committed, but contains state or secrets", hint)
    # The pattern of a directory does not match its name before the directory exists, but matches paths in it.
    inner = {".cascade": ".cascade/catalog.db"}
    seen = [name for name in _NEVER_COMMITTED if ask(["check-ignore", "--quiet", inner.get(name, name)]) != 0]
    if seen:
        lines = "\\n".join(seen)
        detail = f"{' and '.join(seen)} would be committed: no .gitignore lists it"
        return Finding(
            "git", "warning", detail, f"Type: printf '{lines}\\n' >> {shlex.quote(str(root / '.gitignore'))}"
        )
    return Finding("git", "ok", f"{' and '.join(_NEVER_COMMITTED)} are ignored")


def _git(root: Path, words: Iterable[str]) -> int | None:
    if shutil.which("git") is None:
        return None
    return subprocess.run(["git", *words], cwd=root, capture_output=True, timeout=20).returncode


def check_dbt(directory: Path, installed: Callable[[], bool], version: str | None) -> Finding:
    """Check that dbt is installed if there is a dbt project. Do not parse the project: that takes seconds.

    Args:
        directory: the configured directory of the dbt project.
        installed: returns whether dbt is installed.
        version: the version of dbt.
    """
    from cascade.dbt import how_to_install_dbt
    from cascade.dbt.layout import PROJECT_FILE

    if not (directory / PROJECT_FILE).is_file():
        return Finding("dbt", "ok", f"no dbt project at {directory}")
    if installed():
        return Finding("dbt", "ok", f"dbt {version} for {directory}")
    detail = f"{directory} is a dbt project, but dbt is not installed"
    return Finding("dbt", "warning", detail, how_to_install_dbt())


def check_workflows(load: Callable[[], tuple[Collected, tuple[CascadeError, ...]]], program: str) -> Finding:
    """Import the project's modules.

    Args:
        load: returns the contents of the modules, and an error for each that does not import.
        program: the command that the user types.
    """
    try:
        # A module may print, but standard output is for the report.
        with contextlib.redirect_stdout(sys.stderr):
            collected, failures = load()
    except CascadeError as error:
        return Finding("workflows", "problem", _located(error), error.hint)
    count = counted(len(collected.workflows), "workflow")
    if failures:
        does = "does" if len(failures) == 1 else "do"
        detail = f"{count} and {counted(len(failures), 'module')} that {does} not import. The first: "
        hint = f"See all problems: {program} validate"
        return Finding("workflows", "problem", detail + _located(failures[0]), hint)
    if not collected.workflows:
        return Finding("workflows", "ok", "none yet", f"Create one: {program} create-workflow")
    return Finding("workflows", "ok", f"{count}, and every module imports")


def _located(error: CascadeError) -> str:
    return f"{error.location}: {error.message}" if error.location else error.message
