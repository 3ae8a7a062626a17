"""Which names of Cascade and Dagster declare something, and what a module calls them."""

from __future__ import annotations

import ast
import re

INGESTION = "cascade_ingestion"

# Decorators of Dagster that help to write a definition and are none. All others count, those of later versions and of
# Dagster's integration packages too: to load a module too many costs less than to lose an asset.
_HELPERS = frozenset(
    {
        "config_mapping",
        "dagster_type_loader",
        "deprecated",
        "executor",
        "failure_hook",
        "io_manager",
        "logger",
        "public",
        "resource",
        "run_config",
        "success_hook",
        "type_check",
        "usable_as_dagster_type",
        "daily_partitioned_config",
        "dynamic_partitioned_config",
        "hourly_partitioned_config",
        "monthly_partitioned_config",
        "static_partitioned_config",
        "weekly_partitioned_config",
    }
)

# Classes and functions of Dagster whose result, assigned in a module, is a definition.
_DEFINITIONS = frozenset(
    {
        "AssetCheckSpec",
        "AssetChecksDefinition",
        "AssetSensorDefinition",
        "AssetSpec",
        "AssetsDefinition",
        "AutomationConditionSensorDefinition",
        "DbtProjectComponent",
        "Definitions",
        "GraphDefinition",
        "JobDefinition",
        "MultiAssetSensorDefinition",
        "OpDefinition",
        "PartitionedScheduleDefinition",
        "RepositoryDefinition",
        "RunFailureSensorDefinition",
        "RunStatusSensorDefinition",
        "ScheduleDefinition",
        "SensorDefinition",
        "SourceAsset",
        "UnresolvedAssetJobDefinition",
        "define_asset_job",
        "external_asset_from_spec",
        "external_assets_from_specs",
        "graph_from_op",
        "load_definitions_from_module",
        "load_defs",
    }
)
_BUILDERS = re.compile(
    r"(build|make)_\w*(check|schedule|sensor|job|definition|defs)\w*(?<!_context)"
    r"|load_(assets|asset_checks|definitions)_from_\w+"
)

# Decorators that are known by name: those that may be called in an assignment, `x = dg.asset(function)`, and those that
# are taken for Dagster's after `from dagster import *`, where any other name may be the module's own.
_DECORATORS = frozenset(
    {
        "asset",
        "asset_check",
        "asset_sensor",
        "graph",
        "graph_asset",
        "graph_multi_asset",
        "job",
        "multi_asset",
        "multi_asset_check",
        "multi_asset_sensor",
        "observable_source_asset",
        "op",
        "run_failure_sensor",
        "run_status_sensor",
        "schedule",
        "sensor",
    }
)


class Names:
    """What the imports of one module call things."""

    def __init__(self) -> None:
        self._origins: dict[str, str] = {}
        self._stars_of_dagster = False

    def add_import(self, statement: str) -> None:
        """Take in one `import` or `from ... import` statement. What is none is left out."""
        try:
            nodes = ast.parse(statement).body
        except (SyntaxError, ValueError):
            return
        for node in nodes:
            self._add(node)

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname is None:
                    root = alias.name.partition(".")[0]
                    self._origins[root] = root
                else:
                    self._origins[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name == "*":
                    self._stars_of_dagster = self._stars_of_dagster or module == "dagster"
                else:
                    self._origins[alias.asname or alias.name] = f"{module}.{alias.name}"

    def origin(self, written: str) -> str:
        """Turn a name as written, such as `dg.asset`, into where it comes from, such as `dagster.asset`."""
        first, dot, rest = written.partition(".")
        if first in self._origins:
            return f"{self._origins[first]}{dot}{rest}"
        if self._stars_of_dagster and not dot and (written in _DECORATORS or written in _DEFINITIONS):
            return f"dagster.{written}"
        return written


def is_ingestion(origin: str) -> bool:
    """Whether a name is `cascade_ingestion`. A module of the repository may pass it on under the same name."""
    return _last(origin) == INGESTION


def is_decorator(origin: str) -> bool:
    """Whether a name, used as a decorator, declares something."""
    if _is_cascade(origin):
        return True
    return _is_dagster(origin) and _last(origin)[:1].islower() and _last(origin) not in _HELPERS


def is_definition(origin: str) -> bool:
    """Whether a name, called in an assignment, gives a definition of Dagster or Cascade."""
    if _is_cascade(origin):
        return True
    last = _last(origin)
    return _is_dagster(origin) and (last in _DEFINITIONS or last in _DECORATORS or bool(_BUILDERS.fullmatch(last)))


def _is_cascade(origin: str) -> bool:
    return is_ingestion(origin) or (origin.startswith("cascade.") and _last(origin).startswith("cascade_"))


def _is_dagster(origin: str) -> bool:
    package, dot, _ = origin.partition(".")
    return bool(dot) and (package == "dagster" or package.startswith("dagster_"))


def _last(origin: str) -> str:
    return origin.rpartition(".")[2]
