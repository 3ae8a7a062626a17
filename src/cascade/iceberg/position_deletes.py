"""Position delete files, which say which rows of a data file are deleted.

Cascade writes one delete file for each data file, whose bounds of `file_path` are equal: readers then open it only with
that data file. A later merge replaces it by one that lists all deleted positions.
Source of the file format: the Iceberg table specification, "Position Delete Files".
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

_PATH_ID = 2147483546
_POSITION_ID = 2147483545
_SCHEMA = pa.schema(
    [
        pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": str(_PATH_ID)}),
        pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": str(_POSITION_ID)}),
    ]
)
# Sorted positions differ by small steps.
_ENCODING = {"pos": "DELTA_BINARY_PACKED"}


def deleted_positions(table: Table, task: FileScanTask) -> np.ndarray[Any, Any]:
    """Return the positions of the deleted rows of a data file, sorted, each once.

    Args:
        table: the table, for its storage.
        task: the data file and its delete files.
    """
    import numpy as np

    found = [_positions(table, file, task.file.file_path) for file in task.delete_files]
    if len(found) == 1:
        return found[0]
    together = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))
    first: np.ndarray[Any, Any] = together[np.append(True, together[1:] != together[:-1])[: len(together)]]
    return first


def is_deleted(positions: np.ndarray[Any, Any], deleted: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a boolean for each position: whether it is deleted.

    Args:
        positions: positions in a file.
        deleted: the deleted positions, sorted.
    """
    import numpy as np

    if not len(deleted):
        return np.zeros(len(positions), dtype=bool)
    nearest = np.minimum(np.searchsorted(deleted, positions), len(deleted) - 1)
    return np.asarray(deleted[nearest] == positions)


def own_delete_files(task: FileScanTask) -> list[DataFile]:
    """Return the delete files that concern no other data file.

    Args:
        task: the data file and its delete files.
    """
    return [file for file in task.delete_files if _concerns_only(file, task.file.file_path)]


def write_position_deletes(table: Table, file: DataFile, positions: np.ndarray[Any, Any]) -> DataFile:
    """Write a delete file that no snapshot refers to yet.

    Args:
        table: the table, for its storage.
        file: the data file.
        positions: the deleted positions, sorted; at least one.
    """
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.table.locations import load_location_provider

    locations = load_location_provider(table.location(), table.properties)
    path = locations.new_data_location(f"{uuid.uuid4()}-deletes.parquet")
    paths = pa.DictionaryArray.from_arrays(pa.nulls(len(positions), pa.int32()).fill_null(0), [file.file_path])
    rows = pa.Table.from_arrays([paths.cast(pa.string()), pa.array(positions, pa.int64())], schema=_SCHEMA)
    output = table.io.new_output(path)
    with output.create() as stream:
        pq.write_table(rows, stream, compression="zstd", use_dictionary=["file_path"], column_encoding=_ENCODING)
    least, most = (int(positions[at]).to_bytes(8, "little", signed=True) for at in (0, -1))
    target = file.file_path.encode()
    deletes: DataFile = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        record_count=len(positions),
        file_size_in_bytes=len(output),
        column_sizes={},
        value_counts=dict.fromkeys((_PATH_ID, _POSITION_ID), len(positions)),
        null_value_counts=dict.fromkeys((_PATH_ID, _POSITION_ID), 0),
        nan_value_counts={},
        lower_bounds={_PATH_ID: target, _POSITION_ID: least},
        upper_bounds={_PATH_ID: target, _POSITION_ID: most},
        sort_order_id=None,
        equality_ids=None,
        key_metadata=None,
        split_offsets=None,
    )
    # The constructor ignores it. Without it, the file would be listed under the table's default layout.
    deletes.spec_id = file.spec_id
    return deletes


def _positions(table: Table, file: DataFile, path: str) -> np.ndarray[Any, Any]:
    """Return the positions that one delete file lists for a data file, sorted."""
    import numpy as np
    from pyiceberg.io.pyarrow import _read_deletes
    from pyiceberg.manifest import FileFormat

    if file.file_format == FileFormat.PARQUET and _concerns_only(file, path):
        with table.io.new_input(file.file_path).open() as opened:
            return np.sort(pq.read_table(opened, columns=["pos"])["pos"].to_numpy())
    return np.sort(np.asarray(_read_deletes(table.io, file).get(path, []), dtype=np.int64))


def _concerns_only(file: DataFile, path: str) -> bool:
    bounds = ((found or {}).get(_PATH_ID) for found in (file.lower_bounds, file.upper_bounds))
    return all(bound == path.encode() for bound in bounds)
