"""What users import. A name that leaves one of these lists breaks somebody's code: deprecate it first."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import cascade
from cascade import config, exceptions, iceberg, ingestion, partitions, plugins, quality, testing
from cascade.framework import definitions, discovery, resources
from cascade.schemas import converter
from cascade.sources import files

PAGE = (Path(__file__).parents[2] / "docs/reference/python.md").read_text(encoding="utf-8")
PUBLIC: dict[str, list[str]] = {
    "cascade": [
        "CascadeConfig",
        "CascadeError",
        "IngestionWorkflow",
        "Lakehouse",
        "PartitionWindow",
        "Sensitive",
        "__version__",
        "build_definitions",
        "cascade_check",
        "cascade_ingestion",
        "cascade_quality",
    ],
    "cascade.contributor": ["Contribution", "Contributor", "LoadedProject", "Problem"],
    "cascade.exceptions": ["CascadeError"],
    "cascade.framework.definitions": ["build_definitions", "defs"],
    "cascade.plugins": [
        "CatalogPlugin",
        "Check",
        "IngestionDeclaration",
        "PluginError",
        "QualityPlugin",
        "SourceFiles",
        "SourcePlugin",
        "SourceRequest",
    ],
    "cascade.quality": [
        "CheckResult",
        "Drift",
        "ForeignKey",
        "Freshness",
        "HasSchema",
        "Length",
        "MatchesSchema",
        "NotNull",
        "OneOf",
        "Pattern",
        "QualityChecks",
        "Range",
        "Reconcile",
        "RowCount",
        "RowCountChange",
        "Sql",
        "Subject",
        "TableCheck",
        "Unique",
        "cascade_check",
        "cascade_quality",
        "judge",
    ],
    "cascade.sources.files": ["read_csv", "read_jsonl", "read_parquet"],
    "cascade.sources.singer": ["read_singer"],
    "cascade.testing": [
        "FaultPoint",
        "SimulatedCrash",
        "WorkflowResult",
        "fault_point_armed",
        "judge_rows",
        "parse_dbt_project",
        "test_workflow",
        "throwaway_lakehouse",
    ],
    "cascade.testing.conformance": [
        "Conformance",
        "TestG1Idempotent",
        "TestG2CrashSafe",
        "TestG3Concurrent",
        "TestG4Drift",
        "TestG5Quarantine",
        "TestG6Publish",
        "TestG9State",
    ],
    "cascade.testing.plugin": ["lakehouse", "offline_http"],
}
"""What the page lists. It lists the errors by their base class."""

EXPORTED: dict[ModuleType, list[str]] = {
    cascade: PUBLIC["cascade"],
    config: ["CascadeConfig", "ConfigWarning", "DescribedSetting", "find_project_root", "settings_table"],
    definitions: ["build_definitions", "defs"],
    iceberg: [
        "Committed",
        "Lakehouse",
        "MergePlan",
        "add_to_quarantine",
        "check_drift",
        "clear_quarantine",
        "ensure_table",
        "merge_rows",
        "open_lakehouse",
        "plan_merge",
    ],
    ingestion: ["IngestionWorkflow", "cascade_ingestion"],
    converter: ["Column", "DeclaredSchema", "declared_schema", "to_iceberg_schema"],
    files: PUBLIC["cascade.sources.files"],
    plugins: [*PUBLIC["cascade.plugins"], "GROUPS", "Kind", "Plugin", "find_plugins", "has_plugins", "unknown_groups"],
    quality: PUBLIC["cascade.quality"],
    testing: PUBLIC["cascade.testing"],
}
"""What the packages export to each other, too."""

NAMED = [
    (config, "CascadeConfig.from_user_config"),
    (discovery, "discover_user_workflows"),
    (resources, "build_resources"),
    (resources, "build_test_resources"),
    (partitions, "PartitionWindow"),
]
ERRORS = [
    "CascadeError",
    "ChecksFailedError",
    "CommitError",
    "CommitRefusedError",
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
    "SourceUnreachableError",
    "UsageError",
]


def listed() -> dict[str, list[str]]:
    """Read the table of the page."""
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    return {module: sorted(re.findall(r"`(\w+)`", names)) for module, names in rows}


def documented() -> list[str]:
    """Read the names that the page renders docstrings of."""
    return re.findall(r"^\.\. auto(?:class|function|module):: ([\w.]+)", PAGE, re.MULTILINE)


def test_the_page_lists_the_public_names() -> None:
    assert listed() == PUBLIC


def test_the_page_documents_what_it_lists() -> None:
    missing = [name for name in PUBLIC["cascade"] if f"cascade.{name}" not in documented()]
    assert missing == ["CascadeError", "__version__"]
    assert "cascade.exceptions" in documented()
    for module in (
        "cascade.contributor",
        "cascade.plugins",
        "cascade.quality",
        "cascade.sources.files",
        "cascade.testing",
    ):
        own = [name for name in PUBLIC[module] if name not in PUBLIC["cascade"]]
        assert {f"{module}.{name}" for name in own} <= set(documented())


@pytest.mark.parametrize("path", documented())
def test_every_documented_object_exists_and_has_a_docstring(path: str) -> None:
    module, _, name = path.rpartition(".")
    found = import_module(path) if path == "cascade.exceptions" else getattr(import_module(module), name)
    assert inspect.getdoc(found)


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_exists(module: str) -> None:
    # `defs` is built from the settings of a project, and there is no project here.
    assert [name for name in PUBLIC[module] if name != "defs" and not hasattr(import_module(module), name)] == []


@pytest.mark.parametrize("module", EXPORTED, ids=lambda module: module.__name__)
def test_a_module_exports_exactly_its_listed_names(module: ModuleType) -> None:
    assert sorted(module.__all__) == sorted(EXPORTED[module])


@pytest.mark.parametrize("module", EXPORTED, ids=lambda module: module.__name__)
def test_every_exported_name_exists(module: ModuleType) -> None:
    assert [name for name in EXPORTED[module] if name != "defs" and not hasattr(module, name)] == []


@pytest.mark.parametrize(("module", "path"), NAMED)
def test_documented_names_exist_and_have_a_docstring(module: ModuleType, path: str) -> None:
    found: object = module
    for name in path.split("."):
        found = getattr(found, name)
    assert inspect.getdoc(found)


def test_the_tree_of_errors_is_as_drawn() -> None:
    classes = [name for name, value in vars(exceptions).items() if inspect.isclass(value)]
    assert sorted(classes) == ERRORS
    drawn = exceptions.__doc__ or ""
    assert [name for name in ERRORS if name not in drawn] == ["SourceLocation"]
