"""The names of Dagster and its integrations that declare something."""

from __future__ import annotations

import re

# Decorators of Dagster that declare nothing by themselves. Every other decorator counts, including those of later
# versions and of Dagster's integration packages: loading an extra module costs less than losing an asset.
HELPERS = frozenset(
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

# Classes and functions of Dagster whose result is a definition when a module assigns it.
DEFINITIONS = frozenset(
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
        "create_repository_using_definitions_args",
        "define_asset_job",
        "external_asset_from_spec",
        "external_assets_from_specs",
        "graph_from_op",
        "load_definitions_from_module",
        "load_defs",
        "load_from_defs_folder",
    }
)
BUILDERS = re.compile(
    r"(build|make)_\w*(asset|check|schedule|sensor|job|definition|defs)\w*(?<!_context)"
    r"|load_(assets|asset_checks|definitions)_from_\w+"
    # Of the integrations, such as `load_powerbi_asset_specs` and `define_dagstermill_asset`.
    r"|load_\w+_(assets?|specs|defs|definitions)"
    r"|define_\w+_(asset|job|op)"
)

METHODS = frozenset({"build_defs", "to_job"})
"""Methods that return a definition, whatever they belong to."""

# Decorators that are known by name: those that may be called in an assignment, `x = dg.asset(function)`, and those that
# are taken for Dagster's after `from dagster import *`, where any other name may be the module's own.
DECORATORS = frozenset(
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
        # Methods that are called like one of these: of a graph, and of the workspace of an integration.
        *METHODS,
    }
)
