"""What users import. A name that leaves one of these lists breaks somebody's code: deprecate it first."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import cascade
from cascade import config, exceptions, iceberg, ingestion, partitions, testing
from cascade.framework import definitions, discovery, resources
from cascade.schemas import converter

LISTED: dict[ModuleType, list[str]] = {
    cascade: [
        "CascadeConfig",
        "CascadeError",
        "IngestionWorkflow",
        "__version__",
        "build_definitions",
        "cascade_ingestion",
    ],
    config: ["CascadeConfig", "ConfigWarning", "DescribedSetting", "find_project_root", "settings_table"],
    definitions: ["assemble", "build_definitions", "defs"],
    iceberg: [
        "Committed",
        "Lakehouse",
        "MergePlan",
        "check_drift",
        "ensure_table",
        "merge_rows",
        "open_lakehouse",
        "plan_merge",
        "replace_quarantine",
    ],
    ingestion: ["IngestionWorkflow", "cascade_ingestion"],
    converter: ["Column", "DeclaredSchema", "declared_schema", "to_iceberg_schema"],
    testing: ["WorkflowResult", "parse_dbt_project", "test_workflow", "throwaway_lakehouse"],
}
NAMED = [
    (config, "CascadeConfig.from_user_config"),
    (discovery, "discover_user_workflows"),
    (resources, "build_resources"),
    (resources, "build_test_resources"),
    (partitions, "PartitionWindow"),
]
ERRORS = [
    "CascadeError",
    "CommitError",
    "ConfigError",
    "DataError",
    "DeclarationError",
    "DiscoveryError",
    "MissingColumnError",
    "PartitionError",
    "RowsRefusedError",
    "RunTooLongError",
    "SchemaConversionError",
    "SchemaDriftError",
    "SchemaError",
    "SourceError",
    "SourceLocation",
    "UsageError",
]


@pytest.mark.parametrize("module", LISTED, ids=lambda module: module.__name__)
def test_a_module_exports_exactly_its_listed_names(module: ModuleType) -> None:
    assert sorted(module.__all__) == LISTED[module]


@pytest.mark.parametrize("module", LISTED, ids=lambda module: module.__name__)
def test_every_listed_name_is_there(module: ModuleType) -> None:
    # `defs` is built from the settings of a project, and there is none here.
    assert [name for name in LISTED[module] if name != "defs" and not hasattr(module, name)] == []


@pytest.mark.parametrize(("module", "path"), NAMED)
def test_documented_names_are_there_with_a_docstring(module: ModuleType, path: str) -> None:
    found: object = module
    for name in path.split("."):
        found = getattr(found, name)
    assert inspect.getdoc(found)


def test_the_tree_of_errors_is_as_drawn() -> None:
    classes = [name for name, value in vars(exceptions).items() if inspect.isclass(value)]
    assert sorted(classes) == ERRORS
    drawn = exceptions.__doc__ or ""
    assert [name for name in ERRORS if name not in drawn] == ["SourceLocation"]
