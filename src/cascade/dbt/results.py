"""The models and sources of a parsed dbt project, and the problems that dbt reported."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cascade.dbt.layout import read_layout
from cascade.exceptions import CascadeError, SourceLocation
from cascade.program import typed
from cascade.spelling import did_you_mean

_SHOWN = 5
_FILE = re.compile(r"[\w./-]+\.(?:sql|yml|yaml|md|csv|py)\b")
_LINE = re.compile(r"\bline (\d+)")
_NOT_FOUND = re.compile(r"depends on a (?P<kind>source|node) named '(?:[^']*\.)?(?P<name>[^'.]+)'")
# The excerpt that dbt draws around a YAML error.
_EXCERPT = re.compile(r"-{5,}|\d+\s*\|.*|Raw Error:")


@dataclass(frozen=True)
class DbtProblem:
    """A problem in a dbt project.

    Args:
        message: dbt's message, on one line.
        file: the file to change, or `dbt_project.yml` if dbt reports no other file.
        line: the line in that file, from 1. If the line is unknown, 1.
    """

    message: str
    file: Path
    line: int = 1


def error_of(problems: Sequence[DbtProblem]) -> CascadeError:
    """Return one error that lists problems, each with its file and line.

    Args:
        problems: the problems, at least one. dbt may report one mistake for each of many files, so few are listed.
    """
    first, *others = problems
    listed = [f"{problem.file}:{problem.line}: {problem.message}" for problem in others[:_SHOWN]]
    more = [f"... and {len(others) - _SHOWN} more"] if len(others) > _SHOWN else []
    message = "\n".join([first.message, *listed, *more])
    return CascadeError(message, location=SourceLocation(str(first.file), first.line))


@dataclass(frozen=True)
class DbtModel:
    """A dbt model.

    Args:
        name: the name that `ref()` takes.
        file: the path of its file, relative to the dbt project.
        depends_on: what it selects from, sorted: models, seeds and snapshots by name, sources as `<source>.<table>`.
        tests: the names of its data tests, such as `not_null_weather_daily_observed_on`, sorted.
    """

    name: str
    file: str
    depends_on: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class DbtSource:
    """A dbt source: a table that dbt reads but does not write.

    Args:
        name: `<source>.<table>`, such as `raw.weather_observations`.
        file: the path of the YAML file that declares it, relative to the dbt project.
        asset_key: the Dagster asset that fills it, from `config.meta.dagster.asset_key`, or None if not set.
        table: the table that it reads, with its namespace, such as `raw.weather_observations`.
        columns: the columns that its YAML names.
        is_external: whether no workflow is expected to fill it: its YAML has the mark, it is in another database or in
            files, or a seed of the project has its table.
    """

    name: str
    file: str
    asset_key: tuple[str, ...] | None = None
    table: str = ""
    columns: tuple[str, ...] = ()
    is_external: bool = False


@dataclass(frozen=True)
class DbtProject:
    """A dbt project as dbt parsed it.

    Args:
        models: the models by name.
        sources: the sources by `<source>.<table>`.
        problems: the problems that dbt reported. dbt stops at the first error, and then reports no models or sources.
    """

    models: Mapping[str, DbtModel] = field(default_factory=dict)
    sources: Mapping[str, DbtSource] = field(default_factory=dict)
    problems: tuple[DbtProblem, ...] = ()


def read_manifest(manifest: Mapping[str, Any], problems: tuple[DbtProblem, ...] = ()) -> DbtProject:
    """Read the models and sources from dbt's `manifest.json`.

    Args:
        manifest: the parsed document.
        problems: the problems that dbt reported.
    """
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    sources: Mapping[str, Mapping[str, Any]] = manifest["sources"]
    names = {unique_id: str(node["name"]) for unique_id, node in nodes.items()}
    names |= {unique_id: f"{source['source_name']}.{source['name']}" for unique_id, source in sources.items()}
    # One that is disabled may have filled its table in another run.
    every = [*nodes.values(), *(node for listed in (manifest.get("disabled") or {}).values() for node in listed)]
    seeds = {(node["schema"], node.get("alias")) for node in every if node["resource_type"] == "seed"}
    tests: dict[str, list[str]] = {}
    for node in nodes.values():
        if node["resource_type"] == "test" and node.get("attached_node"):
            tests.setdefault(node["attached_node"], []).append(str(node["name"]))
    return DbtProject(
        models={
            names[unique_id]: DbtModel(
                name=names[unique_id],
                file=str(node["original_file_path"]),
                depends_on=tuple(sorted(names[other] for other in node["depends_on"]["nodes"] if other in names)),
                tests=tuple(sorted(tests.get(unique_id, ()))),
            )
            for unique_id, node in nodes.items()
            if node["resource_type"] == "model"
        },
        sources={names[unique_id]: _source(names[unique_id], source, seeds) for unique_id, source in sources.items()},
        problems=problems,
    )


def _source(name: str, source: Mapping[str, Any], seeds: Container[tuple[object, object]]) -> DbtSource:
    config = source.get("config") or {}
    metas = [source.get("source_meta"), source.get("meta"), config.get("meta")]
    meta = {key: value for each in metas for key, value in (each or {}).items()}
    key = _inner(meta, "dagster").get("asset_key")
    # Dagster takes a string for a key of one part.
    parts = [key] if isinstance(key, str) and key else key
    asset_key = tuple(map(str, parts)) if isinstance(parts, list) else None
    is_external = (
        _inner(meta, "cascade").get("external") is True
        # Options of dbt-duckdb, which then reads files or another database.
        or any(option in {**meta, **config} for option in ("external_location", "plugin"))
        or _has_own_database(source)
        or (source.get("schema"), source.get("identifier")) in seeds
    )
    return DbtSource(
        name,
        str(source["original_file_path"]),
        asset_key,
        table=f"{source.get('schema')}.{source.get('identifier')}",
        columns=tuple(str(column["name"]) for column in (source.get("columns") or {}).values()),
        is_external=is_external,
    )


def _inner(meta: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = meta.get(key)
    return found if isinstance(found, Mapping) else {}


def _has_own_database(source: Mapping[str, Any]) -> bool:
    """Return whether the YAML of a source names a database. That of the profile is `memory` while Cascade parses."""
    return source.get("database") not in (None, "memory")


def read_problems(events: Iterable[Mapping[str, Any]], directory: Path) -> tuple[DbtProblem, ...]:
    """Find the problems among dbt's log events.

    Warnings are not problems, with one exception: dbt ignores the properties and tests of a model that does not exist.

    Args:
        events: the events that `--log-format json` prints.
        directory: the directory of the dbt project.
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
    # dbt puts the kind of error on the first line, and the indented message below it.
    head, *rest = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    said = [line for line in rest if not _EXCERPT.fullmatch(line)]
    message = " ".join([f"{head}:", *said]) if said else head
    file = next(filter(None, (_find(name, directory) for name in _FILE.findall(text))), directory / "dbt_project.yml")
    line = _LINE.search(text)
    missing = _NOT_FOUND.search(text)
    if missing and missing["kind"] == "source":
        full = missing[0].split("'")[1]
        message += f".{did_you_mean(full, read_layout(directory).sources)} Declare it in a YAML file of the models, or "
        message += f"type: {typed('create-workflow --type transform')}"
    if line:
        number = int(line.group(1))
    else:
        number = _line_with(file, rf"['\"]{re.escape(missing['name'])}['\"]") if missing else 1
    return DbtProblem(f"dbt: {message}", file, number)


def _of_stray_properties(data: Mapping[str, Any], directory: Path) -> DbtProblem:
    kind, name = str(data.get("yaml_key")), str(data.get("patch_name"))
    file = directory / str(data.get("file_path"))
    message = f"dbt: the {kind} include no {name!r}, so these properties and tests have no effect."
    return DbtProblem(message, file, _line_with(file, rf"name:\s*['\"]?{re.escape(name)}['\"]?\s*(#.*)?$"))


def _find(name: str, directory: Path) -> Path | None:
    """Find a file that dbt reports relative to the project or to one of its model directories."""
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
