"""A project in a Pants repository: its BUILD files, and the settings that `pants.toml` needs."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cascade.scaffold.build_files import dbt_project_build, workflow_build
from cascade.scaffold.environment import literal

PANTS_TOML = "pants.toml"
BUILD_NAMES = ("BUILD", "BUILD.pants")
"""The names that Pants gives BUILD files by default. The first is the one to write."""

PROJECT_TARGET = "dev"
"""The name of the `cascade_project` target."""

_PLUGIN = "cascade-pants-plugin"
_BACKEND = "cascade_pants"
_STATE = ".cascade/"

# The defaults of Pants.
_DEFAULT_ROOTS = ("/", "src", "src/python", "src/py")
_DEFAULT_IGNORED = (".*/",)

_SOURCES = "python_sources()\n"
_SETTINGS = '\npython_source(name="settings", source="cascade_config.py")\n'
_TESTS = "python_tests()\n"
_DBT_FILE = "dbt_project.yml"
_NEW_PANTS_TOML = """\
[GLOBAL]
pants_version = "2.17.1"
plugins = ["cascade-pants-plugin"]
backend_packages = ["pants.backend.python"]
pants_ignore.add = [".cascade/"]

[source]
root_patterns = ["/"]

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true
default_resolve = "default"
tailor_source_targets = false
pip_version = "23.1.2"  # Pants 2.17 only: its default is too old for current wheels.

[python.resolves]
default = "3rdparty/default.lock"

[python-infer]
use_rust_parser = false  # Pants 2.17 only: its Rust parser misses imports.
"""
_TESTS_AND_FIXTURES = f'{_TESTS}\npython_test_utils(name="test_utils")\n'


@dataclass(frozen=True)
class PantsPlace:
    """The place of a project in a Pants repository.

    Args:
        directory: its path from the root of the repository, with forward slashes, or empty for the root itself.
        launcher: the command that starts Pants: `./pants` if the repository has its own launcher, else `pants`.
    """

    directory: str
    launcher: str = "pants"

    def path(self, inside: str) -> str:
        """Return the path of a file of the project, from the root of the repository."""
        return f"{self.directory}/{inside}" if self.directory else inside


def find_repository(directory: Path) -> Path | None:
    """Find the root of the Pants repository that contains a directory.

    Args:
        directory: the directory. It may not exist yet.

    Returns:
        The nearest directory at or above it with a `pants.toml`, or None.
    """
    return next((place for place in (directory, *directory.parents) if (place / PANTS_TOML).is_file()), None)


def place_in(repository: Path, directory: Path) -> PantsPlace:
    """Return the place of a directory in a repository.

    Args:
        repository: the root of the repository.
        directory: the directory of the project, at or below it.
    """
    relative = directory.relative_to(repository).as_posix()
    launcher = "./pants" if (repository / "pants").is_file() else "pants"
    return PantsPlace("" if relative == "." else relative, launcher)


def new_pants_toml() -> str:
    """Return the `pants.toml` of a repository that consists of one project."""
    return _NEW_PANTS_TOML


def requirements_build(source: str) -> str:
    """Write the target of a project's requirements, for the BUILD file at its root.

    Args:
        source: the file that lists them, next to the BUILD file.
    """
    mapping = {"cascade-workflows": ["cascade"]}
    fields = f'name="requirements", source={literal(source)}, module_mapping={literal(mapping)}'
    return f"\npython_requirements({fields})\n"


def build_files(place: PantsPlace, paths: Collection[str], *, workflows: str = "workflows") -> dict[str, str]:
    """Render the BUILD files of a project.

    Args:
        place: the place of the project.
        paths: its other files, from its root.
        workflows: the directory of its workflows, from its root.

    Returns:
        The text of each BUILD file by its path from the root of the project.
    """
    directories = {PurePosixPath(path).parent for path in paths if path.endswith(".py")}
    dbt = next((str(PurePosixPath(path).parent) for path in paths if PurePosixPath(path).name == _DBT_FILE), None)
    texts: dict[str, str] = {
        "BUILD": _project(place, dbt, workflows) + (_SETTINGS if "cascade_config.py" in paths else "")
    }
    if dbt is not None:
        texts[f"{dbt}/BUILD"] = dbt_project_build()
    for directory in sorted(directories - {PurePosixPath(".")}):
        if directory.parts[0] == "tests":
            text = _TESTS_AND_FIXTURES if f"{directory}/conftest.py" in paths else _TESTS
        elif directory.name == "schemas" or _only_holds_others(directory, paths):
            text = _SOURCES
        elif str(directory) == workflows or any(directory in other.parents for other in directories):
            # Directories below are, or may become, separate workflows.
            text = workflow_build(sources=["*.py"])
        else:
            text = workflow_build()
        texts[f"{directory}/BUILD"] = text
    return texts


def example_build_files(place: PantsPlace) -> dict[str, str]:
    """Render the BUILD files of the example project `nyc`.

    Args:
        place: the place of the project.

    Returns:
        The text of each BUILD file by its path from the root of the project.
    """
    domains = ("workflows/nyc_flights", "workflows/nyc_weather")
    recorded = literal([place.path(domain) for domain in domains])
    return {
        "BUILD": _project(place, "transforms"),
        "transforms/BUILD": dbt_project_build(),
        "workflows/BUILD": 'python_test_utils(name="test_utils")\n',
        "workflows/nyc_common/BUILD": _SOURCES
        + "\n# The tests read data by package name, which Pants cannot infer from imports.\n"
        + f'python_tests(name="tests", dependencies={recorded})\n',
        **{f"{domain}/BUILD": workflow_build() for domain in domains},
    }


def _only_holds_others(directory: PurePosixPath, paths: Iterable[str]) -> bool:
    """Return whether a package has no module of its own, but packages. As a workflow, it would own their data files."""
    modules = [PurePosixPath(path) for path in paths if path.endswith(".py")]
    own = [path.name for path in modules if path.parent == directory]
    return own == ["__init__.py"] and any(directory in path.parents for path in modules if path.parent != directory)


def _project(place: PantsPlace, dbt: str | None, workflows: str = "workflows") -> str:
    fields = [f'name="{PROJECT_TARGET}",']
    if place.directory:
        fields.append("# Without this, it would contain every workflow of the repository.")
        fields.append(f'workflows=["{place.path(workflows)}::"],')
    if dbt is not None:
        fields.append(f'dbt_project="{place.path(dbt)}",')
    comment = "# Everything that is deployed together as one Dagster code location."
    if len(fields) == 1:
        return f"{comment}\ncascade_project({fields[0].rstrip(',')})\n"
    return "\n    ".join([f"{comment}\ncascade_project(", *fields]) + "\n)\n"


def missing_settings(pants_toml: str, place: PantsPlace, files: Collection[str]) -> str:
    """Return the settings that `pants.toml` lacks for a project to work.

    Pants also reads settings from the environment and other files, which this does not check.

    Args:
        pants_toml: the content of the file.
        place: the place of the project.
        files: the project's files, from its root. One of them can mark a source root.

    Returns:
        The missing options in TOML, or an empty string if there are none or the file is not valid TOML.
    """
    try:
        settings = tomllib.loads(pants_toml)
    except tomllib.TOMLDecodeError:
        return ""
    plugins = _ListOption(settings, "GLOBAL", "plugins", ())
    backends = _ListOption(settings, "GLOBAL", "backend_packages", ())
    # An installed plugin activates its backend by itself. A backend in the repository needs no plugin.
    installed = any(plugin.startswith(_PLUGIN) for plugin in plugins.values)
    active = {*backends.values, *([_BACKEND] if installed else [])}
    ignored = _ListOption(settings, "GLOBAL", "pants_ignore", _DEFAULT_IGNORED)
    roots = _ListOption(settings, "source", "root_patterns", _DEFAULT_ROOTS)
    markers = _ListOption(settings, "source", "marker_filenames", ())
    wanted = {
        plugins: [] if _BACKEND in active else [_PLUGIN],
        backends: [backend for backend in ("pants.backend.python", _BACKEND) if backend not in active],
        ignored: [] if {_STATE, ".cascade", *_DEFAULT_IGNORED} & set(ignored.values) else [_STATE],
        roots: [] if _is_root(place, roots.values) or set(markers.values) & set(files) else [f"/{place.directory}"],
    }
    sections: dict[str, list[str]] = {}
    for option, values in wanted.items():
        if values:
            sections.setdefault(option.section, []).append(option.with_values(values))
    return "\n\n".join("\n".join([f"[{section}]", *lines]) for section, lines in sections.items())


def _is_root(place: PantsPlace, patterns: Iterable[str]) -> bool:
    # As in Pants, patterns match from the right, and "/" is the root of the repository.
    return any((PurePosixPath("/") / place.directory).match(pattern) for pattern in patterns)


class _ListOption:
    """An option with a list as its value, which a file can set as a whole or change with `.add` and `.remove`."""

    def __init__(self, settings: Mapping[str, Any], section: str, name: str, default: tuple[str, ...]) -> None:
        self.section, self._name = section, name
        table = settings.get(section)
        self._set = table.get(name) if isinstance(table, dict) else None
        changes = self._set if isinstance(self._set, dict) else {}
        self._added = [str(value) for value in changes.get("add", ())]
        removed = changes.get("remove", ())
        whole = self._set if isinstance(self._set, list) else default
        self.values = tuple(str(value) for value in (*whole, *self._added) if value not in removed)

    def with_values(self, values: Iterable[str]) -> str:
        """Write the option with additional values, in the form that the file uses."""
        if isinstance(self._set, list):
            return f"{self._name} = {literal([*self.values, *values])}"
        return f"{self._name}.add = {literal([*self._added, *values])}"
