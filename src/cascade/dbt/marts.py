"""Which models of a dbt project are published as marts.

meta: {cascade: {publish: postgres}}
meta: {cascade: {publish: {to: postgres, schema: reports, table: sales, unique_key: [id]}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cascade.dbt.meta_places import place_of_meta
from cascade.exceptions import SourceLocation, UsageError
from cascade.marts.table import MartTable
from cascade.spelling import did_you_mean

_OPTIONS = ("to", "schema", "table", "unique_key")
_SERVER = "postgres"
_DEFAULT_SCHEMA = "public"
_LONGEST_NAME = 63


@dataclass(frozen=True)
class Mart:
    """A model that is published.

    Args:
        unique_id: the model, as dbt identifies it.
        model: its name.
        fqn: what selects it.
        relation: its schema and its table, as dbt wrote it.
        table: its table in PostgreSQL.
    """

    unique_id: str
    model: str
    fqn: str
    relation: tuple[str, str]
    table: MartTable

    @property
    def asset_key(self) -> tuple[str, str, str]:
        """The key of the asset of the table in PostgreSQL."""
        return (_SERVER, self.table.schema, self.table.name)


def read_marts(manifest: Mapping[str, Any], project: Path) -> tuple[Mart, ...]:
    """Find the marts of a dbt project, sorted by the names of their models.

    Args:
        manifest: dbt's manifest.
        project: the directory of the dbt project, for errors.

    Raises:
        UsageError: a model says in a wrong way that it is published, or two models have one table.
    """
    marts: dict[tuple[str, str], Mart] = {}
    for node in manifest["nodes"].values():
        wanted = _wanted(node)
        if wanted is None:
            continue
        location = place_of_meta(node, project, "publish")
        mart = _mart(node, wanted, location)
        other = marts.setdefault((mart.table.schema, mart.table.name), mart)
        if other is not mart:
            raise UsageError(
                f"The models {other.model} and {mart.model} are both published as {mart.table.full_name}.",
                location=location,
                hint="Name another table in one of them: meta: {cascade: {publish: {to: postgres, table: ...}}}",
            )
    return tuple(sorted(marts.values(), key=lambda mart: mart.model))


def publishing_error(node: Mapping[str, Any], project: Path) -> UsageError | None:
    """Return what is wrong with what a model says about publishing.

    Args:
        node: the model in dbt's manifest.
        project: the directory of the dbt project.
    """
    wanted = _wanted(node)
    try:
        if wanted is not None:
            _mart(node, wanted, place_of_meta(node, project, "publish"))
    except UsageError as error:
        return error
    return None


def _wanted(node: Mapping[str, Any]) -> Any:
    for meta in ((node.get("config") or {}).get("meta"), node.get("meta")):
        cascade = (meta or {}).get("cascade")
        if isinstance(cascade, Mapping) and cascade.get("publish") is not None:
            return cascade["publish"]
    return None


def _mart(node: Mapping[str, Any], wanted: Any, location: SourceLocation) -> Mart:
    name, config = str(node["name"]), node["config"]

    def wrong(problem: str) -> UsageError:
        return UsageError(
            f"meta.cascade.publish of the model {name}: {problem}",
            location=location,
            hint="Write publish: postgres, or publish: {to: postgres, schema: ..., table: ..., unique_key: ...}",
        )

    options = wanted if isinstance(wanted, Mapping) else {"to": wanted}
    for option in options:
        if option not in _OPTIONS:
            raise wrong(f'"{option}" is not an option.{did_you_mean(str(option), _OPTIONS)}')
    if options.get("to", _SERVER) != _SERVER:
        raise wrong(f'"{options["to"]}" is not a place to publish to. The only one is "{_SERVER}".')
    if config.get("materialized") == "ephemeral":
        raise wrong("an ephemeral model has no rows of its own. Materialize it as a table or as a view.")
    schema = options.get("schema") or config.get("schema") or _DEFAULT_SCHEMA
    table = options.get("table") or name
    for each in (schema, table):
        if not isinstance(each, str) or not 0 < len(each.encode()) <= _LONGEST_NAME or "\0" in each:
            raise wrong(f"{each!r} is not a name in PostgreSQL, which has 1 to {_LONGEST_NAME} bytes.")
    return Mart(
        unique_id=str(node["unique_id"]),
        model=name,
        fqn=".".join(map(str, node["fqn"])),
        relation=(str(node["schema"]), str(node.get("alias") or name)),
        table=MartTable(schema, table, _key(options.get("unique_key", config.get("unique_key")), wrong), _about(node)),
    )


def _key(value: Any, wrong: Any) -> tuple[str, ...]:
    names: Sequence[Any] = [value] if isinstance(value, str) else value or ()
    if not isinstance(names, Sequence) or not all(isinstance(name, str) and name for name in names):
        raise wrong(f"unique_key is {value!r}, which is not a column or a list of columns.")
    return tuple(dict.fromkeys(names))


def _about(node: Mapping[str, Any]) -> str:
    return str(node.get("description") or f"The dbt model {node['name']}.")
