"""The models of a branch on Trino: how they differ from those of `main`, and how their schemas are dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cascade.dbt.model_difference import DIGITS, ModelDifference, Relation, compared
from cascade.dbt.profile import runs_on_trino
from cascade.dbt.trino_schema import branch_schema, ci_branch_of, is_within
from cascade.iceberg.sql_text import sql_name, sql_text
from cascade.iceberg.trino_server import Rows, TrinoServer
from cascade.table_ref import CI_SECONDS, ci_branch_age

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_FLOATING = ("real", "double")
_REQUEST_SECONDS = 10.0

Columns = Mapping[tuple[str, str], dict[str, str]]


def trino_differences(config: CascadeConfig) -> Iterator[ModelDifference]:
    """Compare the models that a branch has built on Trino with those of `main`.

    Args:
        config: the settings, which name the branch.

    Yields:
        One difference for each model, also if nothing differs.

    Raises:
        CascadeError: Trino cannot compare.
    """
    own = branch_schema(config, config.branch)
    main = config.trino_schema.lower()
    schemas = {schema: main + schema.removeprefix(own) for schema in _schemas(config) if is_within(schema, own)}
    found = _columns(config, [*schemas, *schemas.values()])
    for (schema, name), columns in sorted(found.items()):
        if schema not in schemas:
            continue
        before = found.get((schemas[schema], name))
        yield compared(
            lambda query: int(_rows(config, query)[0][0]),
            f"{schemas[schema]}.{name}",
            Relation(_place(config, schema, name), columns),
            None if before is None else Relation(_place(config, schemas[schema], name), before),
            _comparable,
        )


def drop_schemas(config: CascadeConfig, branch: str) -> Sequence[str]:
    """Drop the schemas of a branch with the models in them.

    Args:
        config: the settings, which name the server.
        branch: name of the branch.

    Returns:
        What was dropped; nothing if dbt does not run on Trino.

    Raises:
        CascadeError: Trino does not answer or refuses.
    """
    if not runs_on_trino(config):
        return []
    own = branch_schema(config, branch)
    return _drop(config, [schema for schema in _schemas(config) if is_within(schema, own)])


def drop_overdue_schemas(config: CascadeConfig, now: float) -> Mapping[str, Sequence[str]]:
    """Drop the schemas of runs of CI that began more than a day ago, on whatever machine.

    Args:
        config: the settings, which name the server.
        now: seconds since the epoch.

    Returns:
        What was dropped, by the branch in small letters; nothing if dbt does not run on Trino.

    Raises:
        CascadeError: Trino does not answer or refuses.
    """
    overdue: dict[str, list[str]] = {}
    for schema in _schemas(config) if runs_on_trino(config) else ():
        branch = ci_branch_of(config, schema)
        age = ci_branch_age(branch, now) if branch else None
        if branch and age is not None and age > CI_SECONDS:
            overdue.setdefault(branch, []).append(schema)
    return {branch: _drop(config, schemas) for branch, schemas in overdue.items()}


def _drop(config: CascadeConfig, schemas: Sequence[str]) -> Sequence[str]:
    for schema in schemas:
        _rows(config, f"DROP SCHEMA IF EXISTS {sql_name(config.trino_catalog)}.{sql_name(schema)} CASCADE")
    return schemas


def _schemas(config: CascadeConfig) -> list[str]:
    return sorted(str(name) for (name,) in _rows(config, f"SHOW SCHEMAS FROM {sql_name(config.trino_catalog)}"))


def _columns(config: CascadeConfig, schemas: Sequence[str]) -> Columns:
    """Return the columns of all tables and views of some schemas, with their types."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    if schemas:
        query = (
            f"SELECT table_schema, table_name, column_name, data_type FROM {sql_name(config.trino_catalog)}"
            f".information_schema.columns WHERE table_schema IN ({', '.join(map(sql_text, schemas))}) "
            "ORDER BY table_schema, table_name, ordinal_position"
        )
        for schema, name, column, kind in _rows(config, query):
            found.setdefault((schema, name), {})[column] = kind
    return found


def _comparable(column: str, kinds: tuple[str, str]) -> str:
    """Return the SQL of a column, in which floating numbers have the digits that do not depend on the order of rows."""
    name = sql_name(column)
    if not set(_FLOATING).intersection(kinds):
        return name
    # Adding zero takes the sign from a negative zero.
    return f"format('%.{DIGITS - 1}e', CAST({name} AS double) + 0e0) AS {name}"


def _place(config: CascadeConfig, schema: str, name: str) -> str:
    return ".".join(map(sql_name, (config.trino_catalog, schema, name)))


def _rows(config: CascadeConfig, query: str) -> Rows:
    return TrinoServer.of(config).rows(query, source="cascade ci", seconds=_REQUEST_SECONDS)
