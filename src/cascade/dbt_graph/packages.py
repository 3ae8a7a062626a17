"""The files of a dbt project and of its packages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cascade.dbt_graph.calls import Place
from cascade.dbt_graph.documents import line_of, mappings, read_document
from cascade.dbt_graph.errors import DocumentError

PROJECT_FILE = "dbt_project.yml"
PACKAGE_FILES = ("packages.yml", "dependencies.yml")

_PATHS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "model": ("model-paths", "models", (".sql", ".py")),
    "seed": ("seed-paths", "seeds", (".csv",)),
    "snapshot": ("snapshot-paths", "snapshots", (".sql",)),
    "analysis": ("analysis-paths", "analyses", (".sql",)),
    "macro": ("macro-paths", "macros", (".sql",)),
    "test": ("test-paths", "tests", (".sql",)),
}
_FORMERLY = {"model-paths": "source-paths", "seed-paths": "data-paths"}


@dataclass(frozen=True)
class File:
    """A file of a package.

    Args:
        path: the path from the working directory.
        kind: `model`, `seed`, `snapshot`, `analysis`, `macro`, `test`, `properties` or `docs`.
        folders: the directories between it and the directory of its kind.
    """

    path: str
    kind: str
    folders: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name of the file without its ending, which is the name of a model."""
        return os.path.splitext(os.path.basename(self.path))[0]

    def text(self) -> str:
        """Read the file. Bytes that are not UTF-8 are dbt's to report."""
        return Path(self.path).read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Package:
    """A dbt project, the one that is looked at or one of its packages.

    Args:
        name: its name.
        directory: its directory, from the working directory.
        settings: its `dbt_project.yml`.
        files: its files.
        missing: why files that it names are not there, by the place that names them.
    """

    name: str
    directory: str
    settings: Mapping[str, Any]
    files: tuple[File, ...] = field(repr=False)
    missing: dict[Place, str] = field(default_factory=dict, hash=False)

    def of_kind(self, kind: str) -> list[File]:
        """Return the files of a kind."""
        return [file for file in self.files if file.kind == kind]


def read_package(directory: str) -> Package:
    """Read which files a dbt project has.

    Args:
        directory: its directory, from the working directory.

    Raises:
        DocumentError: its `dbt_project.yml` is not valid YAML.
    """
    settings = read_document(Path(directory, PROJECT_FILE).read_text(encoding="utf-8", errors="replace"))
    files: dict[str, File] = {}
    missing: dict[Place, str] = {}
    for kind, (option, default, endings) in _PATHS.items():
        for path in _paths(settings, option, default):
            top = os.path.normpath(os.path.join(directory, path))
            if not os.path.isdir(top) and path.startswith(".."):
                missing[Place(os.path.join(directory, PROJECT_FILE), 1)] = f"{option} has {path}, which is not there"
            for file in _walk(top):
                found = _file_of(file, top, kind, endings)
                if found is not None:
                    files.setdefault(file, found)
    for path in _paths(settings, "docs-paths", ""):
        for file in _walk(os.path.normpath(os.path.join(directory, path))) if path else ():
            if file.endswith(".md"):
                files.setdefault(file, File(file, "docs"))
    return Package(str(settings.get("name", "")), directory, settings, tuple(files.values()), missing)


def read_packages(root: Package) -> list[Package]:
    """Read the packages of a project that are there: installed, vendored, or local.

    Args:
        root: the project.
    """
    installed = os.path.join(root.directory, str(root.settings.get("packages-install-path", "dbt_packages")))
    directories = [os.path.join(installed, name) for name in sorted(_listed(installed))]
    for name in PACKAGE_FILES:
        file = Path(root.directory, name)
        try:
            document = read_document(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except (DocumentError, UnicodeDecodeError):
            continue
        for entry in mappings(document.get("packages")):
            lacking = _not_installed(entry, installed)
            if lacking:
                root.missing[Place(str(file), line_of(entry))] = (
                    f"{installed} has no package {lacking}, or git ignores it, so Pants does not see it. Vendor it: "
                    f"type `dbt deps`, and commit {installed}. Or keep it elsewhere in the repository and name it with "
                    "`local:`"
                )
            if isinstance(entry.get("local"), str):
                directories.append(os.path.normpath(os.path.join(root.directory, entry["local"])))
                if not os.path.isdir(directories[-1]):
                    place = Place(str(file), line_of(entry))
                    missing = f"the package {entry['local']} is not there"
                    root.missing[place] = missing
    found: dict[str, Package] = {}
    for directory in directories:
        if os.path.isfile(os.path.join(directory, PROJECT_FILE)):
            try:
                package = read_package(directory)
            except DocumentError:
                continue
            found.setdefault(package.name, package)
    return list(found.values())


def _not_installed(entry: Mapping[str, Any], installed: str) -> str | None:
    """Return the name of a package that `dbt deps` would install, if it is not there."""
    there = _listed(installed)
    package = entry.get("package")
    if isinstance(package, str):
        # dbt requires of a package of its hub that the project has this name.
        return package if package.rpartition("/")[2] not in there else None
    # Only dbt knows the names of others.
    named = next((entry[key] for key in ("git", "tarball") if isinstance(entry.get(key), str)), None)
    return named if named is not None and not there else None


def _paths(settings: Mapping[str, Any], option: str, default: str) -> list[str]:
    listed = settings.get(option, settings.get(_FORMERLY.get(option, "")))
    return [str(path) for path in listed] if isinstance(listed, list) else [default]


def _file_of(path: str, top: str, kind: str, endings: tuple[str, ...]) -> File | None:
    within = os.path.relpath(path, top).split(os.sep)[:-1]
    if path.endswith((".yml", ".yaml")):
        return File(path, "properties", tuple(within))
    if path.endswith(".md"):
        return File(path, "docs")
    if not path.endswith(endings):
        return None
    # Generic tests are macros, and stand in a folder of that name.
    return File(path, "macro" if kind == "test" and within[:1] == ["generic"] else kind, tuple(within))


def _listed(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.isdir(directory) else []


def _walk(top: str) -> Iterator[str]:
    for directory, names, files in os.walk(top, followlinks=True):
        names.sort()
        yield from (os.path.join(directory, file) for file in sorted(files))
