"""The `meltano.yml` of a project, with the files that it includes: extractors, schedules and everything else."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cascade.exceptions import UsageError
from cascade.migration.foreign.found import Remark

FILE = "meltano.yml"
_LARGEST_DEPTH = 5


@dataclass(frozen=True)
class Plugin:
    """A plugin, with what it inherits and what the default environment sets.

    Args:
        name: its name.
        settings: its settings, such as `config` and `select`.
        path: the file that declares it.
        line: the line of its name.
    """

    name: str
    settings: Mapping[str, Any]
    path: Path
    line: int

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings of the plugin's own program."""
        value = self.settings.get("config")
        return value if isinstance(value, Mapping) else {}

    @property
    def select(self) -> list[str]:
        """The rules that select streams and columns."""
        value = self.settings.get("select")
        return [str(each) for each in value] if isinstance(value, list) else []


@dataclass
class MeltanoProject:
    """A project of Meltano.

    Args:
        root: its directory.
        plugins: the plugins by their kind, such as `extractors`.
        crons: the schedules of each extractor, as cron expressions.
        remarks: what could not be read.
    """

    root: Path
    plugins: dict[str, list[Plugin]] = field(default_factory=dict)
    crons: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


def read_meltano_project(path: Path) -> MeltanoProject:
    """Read a project of Meltano.

    Args:
        path: its directory, or its `meltano.yml`.

    Raises:
        UsageError: there is no `meltano.yml`, or one of the files is not valid.
    """
    main = path / FILE if path.is_dir() else path
    if not main.is_file():
        raise UsageError(f"{path} has no {FILE}.", hint="Name the directory of a Meltano project.")
    documents = [(main, _load(main))]
    for pattern in _strings(documents[0][1].get("include_paths")):
        for name in sorted(glob.glob(pattern, root_dir=main.parent, recursive=True)):
            included = main.parent / name
            if included.is_file() and included.resolve().is_relative_to(main.parent.resolve()):
                documents.append((included, _load(included)))
    project = MeltanoProject(main.parent)
    default = documents[0][1].get("default_environment")
    overlays = dict(_overlays(documents, default))
    for file, document in documents:
        plugins = document.get("plugins")
        for kind, listed in plugins.items() if isinstance(plugins, Mapping) else ():
            for settings in listed if isinstance(listed, list) else ():
                if isinstance(settings, Mapping) and isinstance(settings.get("name"), str):
                    name = settings["name"]
                    merged = _merged(settings, overlays.get((str(kind), name), {}))
                    project.plugins.setdefault(str(kind), []).append(Plugin(name, merged, file, _line(file, name)))
    for kind, listed in project.plugins.items():
        by_name = {plugin.name: plugin for plugin in listed}
        project.plugins[kind] = [_with_inherited(plugin, by_name) for plugin in listed]
    _read_schedules(project, documents)
    return project


def _load(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise UsageError(f"{where}: this is not valid YAML: {getattr(error, 'problem', error)}.") from error
    if not isinstance(document, Mapping):
        raise UsageError(f"{path} is not a mapping, as the files of Meltano are.")
    return document


def _overlays(
    documents: list[tuple[Path, Mapping[str, Any]]], default: Any
) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    """Yield what the default environment sets for each plugin."""
    for _, document in documents:
        for environment in _items(document, "environments"):
            if environment.get("name") != default:
                continue
            config = environment.get("config")
            plugins = config.get("plugins") if isinstance(config, Mapping) else None
            for kind, listed in plugins.items() if isinstance(plugins, Mapping) else ():
                for settings in listed if isinstance(listed, list) else ():
                    if isinstance(settings, Mapping) and isinstance(settings.get("name"), str):
                        yield (str(kind), settings["name"]), settings


def _merged(settings: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    configs = [each.get("config") for each in (settings, over)]
    config = {name: value for each in configs if isinstance(each, Mapping) for name, value in each.items()}
    return {**settings, **over, **({"config": config} if config else {})}


def _with_inherited(plugin: Plugin, by_name: Mapping[str, Plugin], depth: int = 0) -> Plugin:
    parent = by_name.get(str(plugin.settings.get("inherit_from")))
    if parent is None or depth > _LARGEST_DEPTH:
        return plugin
    inherited = _with_inherited(parent, by_name, depth + 1)
    return Plugin(plugin.name, _merged(inherited.settings, plugin.settings), plugin.path, plugin.line)


def _read_schedules(project: MeltanoProject, documents: list[tuple[Path, Mapping[str, Any]]]) -> None:
    jobs = {
        str(job.get("name")): [word for task in _tasks(job.get("tasks")) for word in task.split()]
        for _, document in documents
        for job in _items(document, "jobs")
    }
    for path, document in documents:
        for schedule in _items(document, "schedules"):
            name, interval = str(schedule.get("name")), schedule.get("interval")
            if interval in (None, "@once", "@manual", "@none"):
                continue
            words = [str(schedule["extractor"])] if "extractor" in schedule else jobs.get(str(schedule.get("job")), [])
            taps = [word for word in words if word in {each.name for each in project.plugins.get("extractors", [])}]
            for tap in taps:
                project.crons.setdefault(tap, []).append(str(interval))
            if not taps:
                text = (
                    f"The schedule {name} runs no extractor. Give its command a schedule of Dagster, or of the system."
                )
                project.remarks.append(Remark(path, _line(path, name), text))


def _items(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    value = document.get(name)
    yield from (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()


def _tasks(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value if isinstance(value, list) else ():
        yield from _tasks(each)


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _line(path: Path, name: str) -> int:
    pattern = re.compile(rf"\s*(?:-\s+)?name:\s*[\"']?{re.escape(name)}[\"']?\s*(?:#.*)?$")
    lines = path.read_text("utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if pattern.match(line)), 0)
