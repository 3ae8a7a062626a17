"""What dbt found in a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cascade.dbt.problems import DbtProblem


@dataclass(frozen=True)
class DbtModel:
    """A model.

    Args:
        name: its name, as `ref()` takes it.
        file: its path from the directory of the dbt project.
        depends_on: what it selects from, sorted: models, seeds and snapshots by name, sources as `<source>.<table>`.
        tests: the names of its data tests, such as `not_null_weather_daily_observed_on`, sorted.
    """

    name: str
    file: str
    depends_on: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class DbtSource:
    """A table that dbt reads and something else fills.

    Args:
        name: `<source>.<table>`, such as `raw.weather_observations`.
        file: the path of the YAML file that declares it, from the directory of the dbt project.
        asset_key: the Dagster asset that fills it, from `config.meta.dagster.asset_key`; None where it names none.
    """

    name: str
    file: str
    asset_key: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DbtProject:
    """A dbt project as dbt parsed it.

    Args:
        models: the models by name.
        sources: the sources by `<source>.<table>`.
        problems: what is wrong. dbt stops at its first error, and then there are no models and no sources.
    """

    models: Mapping[str, DbtModel] = field(default_factory=dict)
    sources: Mapping[str, DbtSource] = field(default_factory=dict)
    problems: tuple[DbtProblem, ...] = ()


def read_manifest(manifest: Mapping[str, Any], problems: tuple[DbtProblem, ...] = ()) -> DbtProject:
    """Take what is of use here out of dbt's `manifest.json`.

    Args:
        manifest: the document.
        problems: what dbt complained of beside it.
    """
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    sources: Mapping[str, Mapping[str, Any]] = manifest["sources"]
    names = {unique_id: str(node["name"]) for unique_id, node in nodes.items()}
    names |= {unique_id: f"{source['source_name']}.{source['name']}" for unique_id, source in sources.items()}
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
        sources={
            names[unique_id]: DbtSource(
                names[unique_id], str(source["original_file_path"]), _asset_key(source.get("config", {}))
            )
            for unique_id, source in sources.items()
        },
        problems=problems,
    )


def _asset_key(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    dagster = (config.get("meta") or {}).get("dagster") or {}
    key = dagster.get("asset_key") if isinstance(dagster, Mapping) else None
    return tuple(map(str, key)) if isinstance(key, list) else None
