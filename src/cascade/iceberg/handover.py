"""Which merges Trino carries out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from cascade.exceptions import ConfigError
from cascade.iceberg.trino_server import TrinoServer

if TYPE_CHECKING:
    from cascade.table_ref import TableRef


@dataclass(frozen=True)
class Handover:
    """Which merges Trino carries out.

    Args:
        server: the server.
        tables: full names of tables whose merges it carries out whatever their size, or patterns such as `raw.*`.
        rows: the number of rows from which it carries out the merges of every table.
    """

    server: TrinoServer
    tables: tuple[str, ...]
    rows: int

    @classmethod
    def of(cls, config: Any) -> Handover | None:
        """Return what the settings say; None if Cascade carries out all merges itself.

        Args:
            config: the settings; those that it lacks count as unset.

        Raises:
            ConfigError: there is no Trino server.
        """
        if getattr(config, "merge_engine", "cascade") != "trino":
            return None
        if not config.trino_host:
            raise ConfigError(
                'merge_engine is "trino", but trino_host is not set.',
                hint="Set CASCADE_TRINO_HOST to the host of the Trino server.",
            )
        tables = tuple(re.split(r"[\s,]+", config.trino_merge_tables.strip())) if config.trino_merge_tables else ()
        return cls(TrinoServer.of(config), tables, config.trino_merge_rows)

    def takes(self, ref: TableRef, rows: int) -> bool:
        """Return whether Trino carries out a merge.

        Args:
            ref: the table.
            rows: number of rows of the batch.
        """
        return rows >= self.rows or any(fnmatchcase(ref.full_name, pattern) for pattern in self.tables)
