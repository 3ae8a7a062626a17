"""Read the layout of a dbt project from its files, without dbt, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT_FILE = "dbt_project.yml"
"""The file that makes a directory a dbt project."""

DEFAULT_PROFILE = "cascade"
"""The profile of a project that does not set one."""


@dataclass(frozen=True)
class DbtLayout:
    """The location of models and sources in a dbt project.

    Args:
        exists: whether there is a `dbt_project.yml`.
        model_directory: the first directory of models, relative to the project.
        models: the file of each model, relative to the project, by the name of the model.
        sources: the YAML file that declares each source, relative to the project, by `<source>.<table>`.
    """

    exists: bool = False
    model_directory: str = "models"
    models: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


def read_layout(directory: Path) -> DbtLayout:
    """Read the layout of a dbt project. Unreadable files are skipped, because dbt reports them.

    Args:
        directory: the directory of the dbt project. It may be missing.
    """
    listed = _read_yaml(directory / PROJECT_FILE).get("model-paths")
    paths = [str(path) for path in listed] if isinstance(listed, list) and listed else ["models"]
    models: dict[str, str] = {}
    sources: dict[str, str] = {}
    for path in paths:
        for file in sorted((directory / path).rglob("*")):
            shown = file.relative_to(directory).as_posix()
            if file.suffix in (".sql", ".py"):
                models.setdefault(file.stem, shown)
            elif file.suffix in (".yml", ".yaml"):
                sources.update((name, shown) for name in _declared_sources(_read_yaml(file)))
    return DbtLayout((directory / PROJECT_FILE).is_file(), paths[0], models, sources)


def read_profile_name(directory: Path) -> str:
    """Return the name of the profile that a dbt project uses.

    Args:
        directory: the directory of the dbt project.
    """
    name = _read_yaml(directory / PROJECT_FILE).get("profile")
    return name if isinstance(name, str) and name and "{" not in name else DEFAULT_PROFILE


def _declared_sources(document: Mapping[str, Any]) -> Iterator[str]:
    for source in _mappings(document.get("sources")):
        for table in _mappings(source.get("tables")):
            yield f"{source.get('name')}.{table.get('name')}"


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())


def _read_yaml(file: Path) -> Mapping[str, Any]:
    from cascade.dbt_graph.documents import read_document
    from cascade.dbt_graph.errors import DocumentError

    try:
        return read_document(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DocumentError):
        return {}
