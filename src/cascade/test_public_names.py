"""What users import. A name that leaves one of these lists breaks somebody's code: deprecate it first."""

from __future__ import annotations

import importlib
import inspect

import pytest

from cascade import exceptions

LISTED = {
    "cascade": [
        "CascadeConfig",
        "CascadeError",
        "IngestionWorkflow",
        "__version__",
        "build_definitions",
        "cascade_ingestion",
    ],
    "cascade.config": ["CascadeConfig", "ConfigWarning", "DescribedSetting", "find_project_root", "settings_table"],
    "cascade.framework.definitions": ["assemble", "build_definitions", "defs"],
    "cascade.iceberg": [
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
    "cascade.ingestion": ["IngestionWorkflow", "cascade_ingestion"],
    "cascade.schemas.converter": ["Column", "DeclaredSchema", "declared_schema", "to_iceberg_schema"],
    "cascade.testing": ["WorkflowResult", "test_workflow", "throwaway_lakehouse"],
}
NAMED = [
    ("cascade.config", "CascadeConfig.from_user_config"),
    ("cascade.framework.discovery", "discover_user_workflows"),
    ("cascade.framework.resources", "build_resources"),
    ("cascade.framework.resources", "build_test_resources"),
    ("cascade.partitions", "PartitionWindow"),
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


@pytest.mark.parametrize("module", LISTED)
def test_a_module_exports_exactly_its_listed_names(module: str) -> None:
    assert sorted(importlib.import_module(module).__all__) == LISTED[module]


@pytest.mark.parametrize("module", [module for module in LISTED if module != "cascade.framework.definitions"])
def test_every_listed_name_is_there(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in LISTED[module] if not hasattr(found, name)] == []


@pytest.mark.parametrize(("module", "path"), NAMED)
def test_documented_names_are_there_with_a_docstring(module: str, path: str) -> None:
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    assert inspect.getdoc(found)


def test_the_tree_of_errors_is_as_drawn() -> None:
    classes = [name for name, value in vars(exceptions).items() if inspect.isclass(value)]
    assert sorted(classes) == ERRORS
    drawn = exceptions.__doc__ or ""
    assert [name for name in ERRORS if name not in drawn] == ["SourceLocation"]
