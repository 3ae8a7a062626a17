"""What the object of a plugin must have, by its kind. The kinds that are not here are classes of other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from cascade.declarations.checks import Check
    from cascade.declarations.ingestion import IngestionDeclaration


@dataclass(frozen=True)
class SourceRequest:
    """The workflow whose code a `SourcePlugin` writes.

    Args:
        domain: its subject, such as `weather`.
        asset: the name of its function, and of the module of the function.
        table: the name of its table.
        unique_key: the columns that identify a row.
        asset_module: the module to write, such as `workflows.weather.observations`.
        schema_module: the module of the schema, which Cascade writes.
        schema: the name of the schema's class, a pydantic model.
        day_column: the column of the schema that has the day of a row.
        first_day: the first partition, as an ISO date.
        rows: example rows of the first partition, which the schema accepts.
        decorator: the text of `@cascade_ingestion(...)` with all its arguments. `cascade_ingestion` and the schema must
            be imported.
        first_party: the names of the packages of the same repository, whose imports come last.
    """

    domain: str
    asset: str
    table: str
    unique_key: tuple[str, ...]
    asset_module: str
    schema_module: str
    schema: str
    day_column: str
    first_day: str
    rows: tuple[Mapping[str, int | float | str | None], ...]
    decorator: str
    first_party: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SourceFiles:
    """What a `SourcePlugin` writes.

    Args:
        asset: the text of the module of the function.
        test: the text of its test, which must pass as it is, without a network.
        data: the text of further files by their paths, relative to the directory of the workflow.
    """

    asset: str
    test: str
    data: Mapping[str, str] = field(default_factory=dict)


class SourcePlugin(Protocol):
    """A source for `cascade create-workflow --source` and `pants cascade-scaffold --type`, named as the entry point is.

    The entry point names an object with these members, or a class without arguments. Its module is imported to write a
    workflow, where only Cascade's `cascade.plugins`, jinja2 and the requirements of the plugin are certainly installed.
    """

    description: str
    """What it reads, in a few words, such as `topics of Kafka`."""

    def render(self, request: SourceRequest) -> SourceFiles:
        """Write the code of a workflow.

        Args:
            request: the workflow.

        Returns:
            The function and its test. Cascade writes the schema and the packages.
        """
        ...


class QualityPlugin(Protocol):
    """Checks of the tables of a project, without a line in its workflows.

    The entry point names an object with these members, or a class without arguments. The checks are named
    `<entry point>__<check>` in Dagster.
    """

    blocking: bool
    """Whether a failure keeps the rows of a run from being published. If not, it is a warning."""

    def checks(self, table: IngestionDeclaration) -> Iterable[Check]:
        """Return the checks of one table, of `cascade.quality`, such as `NotNull("id")`. None is fine.

        Args:
            table: the arguments of its `@cascade_ingestion`, such as `table_name`, `unique_key`, `validation_schema`,
                `group`, `owners` and `tags`.
        """
        ...


class CatalogPlugin(Protocol):
    """A function that opens the catalogs of one URI scheme, which is the name of the entry point."""

    def __call__(self, name: str, properties: Mapping[str, str]) -> Catalog:
        """Open a catalog.

        Args:
            name: the name of the catalog.
            properties: its `uri`, the setting `iceberg_catalog`; its `warehouse`, the setting `iceberg_warehouse`, if
                that is set; and those of the object store, such as `s3.endpoint`. They contain secrets.
        """
        ...
