"""What dbt complains of, with the file and the line where it says so or where they can be found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = re.compile(r"[\w./-]+\.(?:sql|yml|yaml|md|csv|py)\b")
_LINE = re.compile(r"\bline (\d+)")
_NOT_FOUND = re.compile(r"depends on a (?P<kind>source|node) named '(?:[^']*\.)?(?P<name>[^'.]+)'")
# The excerpt that dbt draws around an error of YAML.
_EXCERPT = re.compile(r"-{5,}|\d+\s*\|.*|Raw Error:")


@dataclass(frozen=True)
class DbtProblem:
    """One thing that is wrong with a dbt project.

    Args:
        message: what dbt says, on one line.
        file: the file that must change; the project's `dbt_project.yml` where dbt names no other.
        line: the line in it, from 1; 1 where it is not known.
    """

    message: str
    file: Path
    line: int = 1


def read_problems(events: Iterable[Mapping[str, Any]], directory: Path) -> tuple[DbtProblem, ...]:
    """Find the problems among dbt's log events.

    Warnings are not problems, with one exception: properties of a model that there is not, and their tests with them,
    would be silently ignored.

    Args:
        events: the events, as `--log-format json` gives them.
        directory: of the dbt project.
    """
    problems = []
    for event in events:
        info, data = event.get("info", {}), event.get("data", {})
        if info.get("level") == "error":
            problems.append(_of_error(str(data.get("exc") or info.get("msg")), directory))
        elif info.get("name") == "NoNodeForYamlKey":
            problems.append(_of_stray_properties(data, directory))
    return tuple(dict.fromkeys(problems))


def _of_error(text: str, directory: Path) -> DbtProblem:
    # dbt puts its name for the kind of error on the first line, and indents what it says below.
    head, *rest = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    said = [line for line in rest if not _EXCERPT.fullmatch(line)]
    message = " ".join([f"{head}:", *said]) if said else head
    file = next(filter(None, (_find(name, directory) for name in _FILE.findall(text))), directory / "dbt_project.yml")
    line = _LINE.search(text)
    missing = _NOT_FOUND.search(text)
    if missing and missing["kind"] == "source":
        message += ". Declare it in a YAML file of the models: `cascade create-workflow --type transform` writes one."
    if line:
        number = int(line.group(1))
    else:
        number = _line_with(file, rf"['\"]{re.escape(missing['name'])}['\"]") if missing else 1
    return DbtProblem(f"dbt: {message}", file, number)


def _of_stray_properties(data: Mapping[str, Any], directory: Path) -> DbtProblem:
    kind, name = str(data.get("yaml_key")), str(data.get("patch_name"))
    file = directory / str(data.get("file_path"))
    message = f"dbt: there is nothing named {name!r} among the {kind}, so that what stands here has no effect."
    return DbtProblem(message, file, _line_with(file, rf"name:\s*['\"]?{re.escape(name)}['\"]?\s*(#.*)?$"))


def _find(name: str, directory: Path) -> Path | None:
    """Find a file that dbt names from the directory of the project or from one of its directories of models."""
    path = directory / name
    if path.is_file():
        return path
    return next((found for found in sorted(directory.rglob(Path(name).name)) if str(found).endswith(f"/{name}")), None)


def _line_with(file: Path, pattern: str) -> int:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1
    return next((number for number, line in enumerate(lines, start=1) if re.search(pattern, line)), 1)
