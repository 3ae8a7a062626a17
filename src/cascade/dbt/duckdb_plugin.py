"""A plugin of dbt-duckdb, through which dbt sees the tables of the lakehouse.

The generated profile lists it. A profile of the user's own lists it in the same way:

    plugins:
      - module: cascade.dbt.duckdb_plugin
"""

from __future__ import annotations

from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials  # pants: no-infer-dep
from dbt.adapters.duckdb.plugins import BasePlugin  # pants: no-infer-dep
from dbt.adapters.duckdb.utils import TargetConfig  # pants: no-infer-dep
from dbt_common.exceptions import DbtRuntimeError  # pants: no-infer-dep

from cascade.dbt.waiting import open_when_free, tell
from cascade.exceptions import CascadeError
from cascade.table_ref import TableRef


class Plugin(BasePlugin):
    """Opens the DuckDB file as soon as no other process has it, and brings the views of the tables up to date."""

    _held: duckdb.DuckDBPyConnection | None = None
    _read_only = False
    _connection: duckdb.DuckDBPyConnection | None = None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Wait for the file, which dbt opens next."""
        self._read_only = str(config.get("access_mode", "")).upper() == "READ_ONLY"
        if not creds.path.startswith((":memory:", "md:", "motherduck:", "ducklake:")):
            # dbt gets the same open file, so that no other process can come between.
            self._held = open_when_free(creds.path, config)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Bring the views up to date, unless the connection can only read."""
        if self._held is not None:
            self._held.close()
            self._held = None
        self._connection = conn
        if self._read_only:
            return
        from cascade.config import CascadeConfig
        from cascade.dbt.branch_models import show_main_models
        from cascade.dbt.fillers import read_fillers
        from cascade.iceberg import open_lakehouse
        from cascade.iceberg.duckdb_views import update_views

        config = CascadeConfig.from_user_config()
        declared = {place: filler.schema for place, filler in read_fillers(config).items()}
        update_views(conn, open_lakehouse(config), _warn, declared)
        show_main_models(conn, config, _warn)

    def store(self, target_config: TargetConfig) -> None:
        """Publish the rows of a model that is materialized as `iceberg`; see `macros/`."""
        from cascade.config import CascadeConfig
        from cascade.dbt.iceberg_model import IcebergModel, publish_model
        from cascade.iceberg import open_lakehouse

        assert self._connection is not None and target_config.location is not None
        relation, settings = target_config.relation, target_config.config
        key = settings["unique_key"] or ()
        model = IcebergModel(
            unique_id=settings["model"],
            ref=TableRef(str(relation.schema), str(relation.identifier)),
            staged=target_config.location.path,
            key=(key,) if isinstance(key, str) else tuple(key),
            full_refresh=bool(settings["full_refresh"]),
            run_id=settings["invocation"],
        )
        try:
            with self._connection.cursor() as cursor:
                publish_model(cursor, open_lakehouse(CascadeConfig.from_user_config()), model, _warn)
        except CascadeError as error:
            # dbt shows its own errors without a traceback.
            raise DbtRuntimeError(str(error)) from error


def _warn(text: str) -> None:
    tell(f"warning: {text}")
