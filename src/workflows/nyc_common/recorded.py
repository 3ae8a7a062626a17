"""Read the Parquet files next to the workflows, from a checkout or from a PEX."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from cascade import PartitionWindow


def read_recorded(package: str, table: str, window: PartitionWindow | None = None) -> pa.Table:
    """Read a recorded table, or only the hours that a partition covers.

    The files are sorted by `time_hour`, so the statistics of their row groups narrow a day down to one or two groups.

    Args:
        package: the Python package whose `data` directory contains the file, such as `workflows.nyc_flights`.
        table: the name of the file without `.parquet`.
        window: the partition to read; if absent, the whole table.

    Returns:
        The rows, as recorded.
    """
    import pyarrow.parquet as pq

    filters = None
    if window is not None:
        filters = [("time_hour", ">=", window.start), ("time_hour", "<", window.end)]
    with as_file(files(package) / "data" / f"{table}.parquet") as path:
        return pq.read_table(path, filters=filters)
