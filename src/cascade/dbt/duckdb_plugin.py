"""A plugin of dbt-duckdb, through which dbt sees the tables of the lakehouse.

The generated profile lists it. A profile of the user's own lists it in the same way:

    plugins:
      - module: cascade.dbt.duckdb_plugin
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials  # pants: no-infer-dep
from dbt.adapters.duckdb.plugins import BasePlugin  # pants: no-infer-dep

_BUSY = "Could not set lock on file"
_PROCESS = re.compile(r"\(PID (\d+)\)")
_PAUSE = 0.1
_TOLD_AFTER = 1.0
_LONGEST = 3600.0


class Plugin(BasePlugin):
    """Opens the DuckDB file as soon as no other process has it, and brings the views of the tables up to date."""

    _held: duckdb.DuckDBPyConnection | None = None
    _read_only = False

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
        if self._read_only:
            return
        from cascade.config import CascadeConfig
        from cascade.dbt.fillers import read_fillers
        from cascade.iceberg import open_lakehouse
        from cascade.iceberg.duckdb_views import update_views

        config = CascadeConfig.from_user_config()
        declared = {place: filler.schema for place, filler in read_fillers(config).items()}
        update_views(conn, open_lakehouse(config), _warn, declared)


def open_when_free(path: str, config: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which one process can write to at a time. Wait while another one has it.

    Args:
        path: the file.
        config: the options of the connection.

    Raises:
        duckdb.IOException: another process still has the file after an hour.
    """
    started, told = time.monotonic(), False
    while True:
        try:
            return duckdb.connect(path, config=dict(config))
        except duckdb.IOException as error:
            waited = time.monotonic() - started
            if _BUSY not in str(error) or waited > _LONGEST:
                raise
            if waited > _TOLD_AFTER and not told:
                process = _PROCESS.search(str(error))
                _tell(f"waiting for {path}, which {f'process {process[1]}' if process else 'another process'} has open")
                told = True
            time.sleep(_PAUSE)


def _warn(text: str) -> None:
    _tell(f"warning: {text}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
