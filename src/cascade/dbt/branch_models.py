"""The models of a branch: a DuckDB file of its own, which shows those of `main` that the branch has not built."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from cascade.dbt.manifest import find_manifest
from cascade.dbt.model_difference import DIGITS, ModelDifference, Relation, compared
from cascade.dbt.profile import duckdb_file, main_state_directory
from cascade.iceberg.duckdb_views import MARK
from cascade.iceberg.sql_text import sql_name, sql_text
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    import duckdb

    from cascade.config import CascadeConfig

_MAIN = "cascade_main"
_SHOWN = "Cascade shows this as it is on main."
_BUSY = "Could not set lock on file"
_LONGEST = 3600.0
_PAUSE = 0.1
# dbt writes to the tables of these, and refuses views.
_WRITTEN = ("seed", "snapshot")

Place = tuple[str, str]


def show_main_models(connection: duckdb.DuckDBPyConnection, config: CascadeConfig, warn: Callable[[str], None]) -> None:
    """Let the DuckDB file of a branch show the models of `main`, except for those that the branch has built.

    Nothing is copied, except for seeds and snapshots. Until the connection is closed, dbt on `main` waits.

    Args:
        connection: a connection that can write to the file.
        config: the settings, which name the branch.
        warn: called with a sentence for each model that cannot be shown.
    """
    if config.branch == MAIN_BRANCH or not _attach(connection, config):
        return
    present = _relations(connection, None)
    missing = {place: kind for place, kind in _relations(connection, _MAIN).items() if place not in present}
    written = _places(config, _WRITTEN)
    errors: dict[Place, str] = {}
    # A view of main may read another one, which must be there first.
    while missing:
        errors = {}
        for place in list(missing):
            name, kind = ".".join(map(sql_name, place)), "TABLE" if place in written else "VIEW"
            try:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {sql_name(place[0])}")
                connection.execute(f"CREATE {kind} {name} AS SELECT * FROM {_MAIN}.{name}")
                if kind == "VIEW":
                    connection.execute(f"COMMENT ON VIEW {name} IS {sql_text(_SHOWN)}")
            except Exception as error:
                errors[place] = str(error)
        if len(errors) == len(missing):
            break
        missing = {place: kind for place, kind in missing.items() if place in errors}
    for place, reason in errors.items():
        warn(f"{'.'.join(place)} of main cannot be shown: {reason.splitlines()[0]}")


def model_differences(config: CascadeConfig) -> Iterator[ModelDifference]:
    """Compare the models that a branch has built with those of `main`.

    Args:
        config: the settings, which name the branch.

    Yields:
        One difference for each model, also if nothing differs. Models in the lakehouse are not among them.
    """
    import duckdb

    file = duckdb_file(config)
    if not file.is_file():
        return
    with closing(duckdb.connect(str(file))) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        before = _relations(connection, _MAIN) if _attach(connection, config) else {}
        seeds = _places(config, _WRITTEN) & before.keys()
        for place, kind in sorted(_relations(connection, None).items()):
            if kind == _SHOWN:
                continue
            found = _compared(connection, place, place in before)
            # A copy of a seed that was not built again is no model of the branch.
            if place not in seeds or found.added or found.removed or found.schema_changes:
                yield found


def _compared(connection: duckdb.DuckDBPyConnection, place: Place, is_on_main: bool) -> ModelDifference:
    name = ".".join(map(sql_name, place))
    old = f"{_MAIN}.{name}"
    return compared(
        lambda query: _number(connection, query),
        ".".join(place),
        Relation(name, _columns(connection, name)),
        Relation(old, _columns(connection, old)) if is_on_main else None,
        _comparable,
    )


def _comparable(column: str, kinds: tuple[str, str]) -> str:
    """Return the SQL of a column, in which floating numbers have the digits that do not depend on the order of rows."""
    name = sql_name(column)
    if not {"FLOAT", "DOUBLE"}.intersection(kinds):
        return name
    # Adding zero takes the sign from a negative zero.
    return f"format('{{:.{DIGITS - 1}e}}', {name}::DOUBLE + 0.0) AS {name}"


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    return {column: kind for column, kind, *_ in connection.execute(f"DESCRIBE {name}").fetchall()}


def _attach(connection: duckdb.DuckDBPyConnection, config: CascadeConfig) -> bool:
    """Attach the file of `main` to a connection; return whether there is one. Wait while another process writes it."""
    file = main_state_directory(config) / duckdb_file(config).name
    if not file.is_file():
        return False
    attached = {name for (name,) in connection.execute("SELECT database_name FROM duckdb_databases()").fetchall()}
    started = time.monotonic()
    while _MAIN not in attached:
        try:
            connection.execute(f"ATTACH {sql_text(str(file))} AS {_MAIN} (READ_ONLY)")
            break
        except Exception as error:
            if _BUSY not in str(error) or time.monotonic() - started > _LONGEST:
                raise
            time.sleep(_PAUSE)
    return True


def _relations(connection: duckdb.DuckDBPyConnection, database: str | None) -> dict[Place, str]:
    """Return the tables and views of a database, each with its comment, without those of the lakehouse."""
    where = "current_database()" if database is None else sql_text(database)
    rows = connection.execute(
        f"SELECT schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal AND database_name = {where} "
        "UNION ALL SELECT schema_name, table_name, comment FROM duckdb_tables() "
        f"WHERE NOT internal AND database_name = {where}"
    )
    found = {(schema, name): comment or "" for schema, name, comment in rows.fetchall()}
    return {place: comment for place, comment in found.items() if not comment.startswith(MARK)}


def _places(config: CascadeConfig, kinds: tuple[str, ...]) -> set[Place]:
    manifest = find_manifest(config)
    if manifest is None:
        return set()
    nodes = json.loads(manifest.read_bytes())["nodes"].values()
    return {(str(node["schema"]), str(node["alias"])) for node in nodes if node["resource_type"] in kinds}
