"""The project: where it is, its settings, and the directories that it writes to."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.doctor.finding import Finding, Status, nearest_existing
from cascade.exceptions import CascadeError, ConfigError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_NEVER_COMMITTED = (".cascade", ".env")


def check_root(find: Callable[[], Path]) -> tuple[Finding, Path | None]:
    """Finds the project.

    Args:
        find: gives its root, or raises a `CascadeError` that says that there is none.

    Returns:
        The finding, and the root where there is one.
    """
    from cascade.config.root import ROOT_VARIABLE

    try:
        root = find()
    except CascadeError as error:
        # To be nowhere is no mistake. To be sent to where nothing is keeps every command from working.
        status: Status = "problem" if isinstance(error, ConfigError) else "warning"
        return Finding("project", status, error.message, error.hint), None
    why = f"which {ROOT_VARIABLE} names" if os.environ.get(ROOT_VARIABLE) else "found from the working directory"
    return Finding("project", "ok", f"{root}, {why}"), root


def check_settings(read: Callable[[], CascadeConfig]) -> tuple[list[Finding], CascadeConfig | None]:
    """Reads the settings.

    Args:
        read: gives them, or raises a `CascadeError`.

    Returns:
        The findings, a warning for each name that is close to a known one among them, and the settings if they are
        right.
    """
    from cascade.config import ConfigWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            config = read()
        except CascadeError as error:
            location = f"{error.location}: " if error.location else ""
            detail = f"{location}{error.message}\nNothing that depends on the settings was checked."
            return [Finding("settings", "problem", detail, error.hint)], None
    sources = Counter(setting.source for setting in config.describe() if setting.source != "default")
    given = "".join(f"{count} from {source}, " for source, count in sources.items())
    found = [Finding("settings", "ok", f"{given}the rest are defaults" if given else "all are defaults")]
    close = [str(warning.message) for warning in caught if issubclass(warning.category, ConfigWarning)]
    return [*found, *(Finding("settings", "warning", text) for text in close)], config


def check_writable(check: str, directory: Path, setting: str) -> Finding:
    """Tells whether a directory can be written, or made. Makes nothing.

    Args:
        check: what to call it.
        directory: the directory, which need not be there yet.
        setting: the variable that names another one.
    """
    place = nearest_existing(directory)
    hint = f"Give yourself the right to write there: chmod u+rwx {place}\nOr name another directory: {setting}"
    if not place.is_dir():
        return Finding(check, "problem", f"{place} is a file, and a directory is needed", f"Move it away: {place}")
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(check, "problem", f"{place} cannot be written", hint)
    return Finding(check, "ok", str(directory) if place == directory else f"{directory}, not made yet")


def check_dagster_home(home: Path, environment: Mapping[str, str]) -> Finding:
    """Looks at Dagster's home.

    Args:
        home: the configured one.
        environment: the environment of the shell, whose `DAGSTER_HOME` Dagster's own commands take.
    """
    found = check_writable("Dagster's home", home, "CASCADE_DAGSTER_HOME")
    other = environment.get("DAGSTER_HOME")
    if found.status == "ok" and other and Path(other).expanduser().absolute() != home.absolute():
        detail = f"{home} is Cascade's, and {other} is that of Dagster's own commands in this shell (DAGSTER_HOME)"
        return Finding(found.check, "warning", detail, f"To share one: export DAGSTER_HOME={home}")
    return found


def check_git(root: Path, run: Callable[[list[str]], int | None] | None = None) -> Finding:
    """Tells whether git leaves out what must not be committed: the state, and the secrets in `.env`.

    Args:
        root: the project's root.
        run: runs git there with some words and gives its exit code, or None where there is no git.
    """
    ask = run or (lambda words: _git(root, words))
    inside = ask(["rev-parse", "--is-inside-work-tree"])
    if inside != 0:
        return Finding("git", "ok", "git is not installed" if inside is None else f"{root} is in no repository of git")
    committed = [name for name in _NEVER_COMMITTED if ask(["ls-files", "--error-unmatch", name]) == 0]
    if committed:
        names = " ".join(committed)
        hint = f"Type: git rm -r --cached {names}"
        return Finding("git", "problem", f"{names} is committed; it holds state and secrets", hint)
    # A pattern for a directory does not match the name of one that is not there yet, but whatever is in it.
    inner = {".cascade": ".cascade/catalog.db"}
    seen = [name for name in _NEVER_COMMITTED if ask(["check-ignore", "--quiet", inner.get(name, name)]) != 0]
    if seen:
        lines = "\\n".join(seen)
        detail = f"{' and '.join(seen)} would be committed: no .gitignore names it"
        return Finding("git", "warning", detail, f"Type: printf '{lines}\\n' >> {root / '.gitignore'}")
    return Finding("git", "ok", f"{' and '.join(_NEVER_COMMITTED)} are ignored")


def _git(root: Path, words: Iterable[str]) -> int | None:
    if shutil.which("git") is None:
        return None
    return subprocess.run(["git", *words], cwd=root, capture_output=True, timeout=20).returncode


def check_dbt(directory: Path, installed: Callable[[], bool], version: str | None) -> Finding:
    """Tells whether there is a dbt project, and the dbt to run it. It is not parsed: that takes seconds.

    Args:
        directory: the configured directory of the dbt project.
        installed: tells whether dbt is there.
        version: the version of dbt.
    """
    from cascade.dbt import INSTALL_DBT
    from cascade.dbt.layout import PROJECT_FILE

    if not (directory / PROJECT_FILE).is_file():
        return Finding("dbt", "ok", f"no dbt project at {directory}")
    if installed():
        return Finding("dbt", "ok", f"dbt {version}, for {directory}")
    detail = f"there is a dbt project at {directory}, and dbt is not installed"
    return Finding("dbt", "warning", detail, f"Type: {INSTALL_DBT}")
