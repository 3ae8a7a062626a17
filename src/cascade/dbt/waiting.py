"""Open a DuckDB file as soon as no other process has it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_BUSY = "Could not set lock on file"
_PROCESS = re.compile(r"\(PID (\d+)\)")
_PAUSE = 0.1
_TOLD_AFTER = 1.0
_LONGEST = 3600.0


def open_when_free(path: str, config: Mapping[str, Any]) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, which one process can write to at a time. Wait while another one has it.

    Args:
        path: the file.
        config: the options of the connection.

    Raises:
        duckdb.IOException: another process still has the file after an hour.
    """
    import duckdb

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
                tell(f"waiting for {path}, which {f'process {process[1]}' if process else 'another process'} has open")
                told = True
            time.sleep(_PAUSE)


def tell(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr, flush=True)
