"""Land batches that do not fit in memory.

The rows of a large batch stay in files on local disk, and are read one chunk at a time. DuckDB sorts them, and spills
to disk. What a plan holds for each row is a few bits, and for each row that it replaces a few bytes.
"""

from __future__ import annotations

from cascade.iceberg.large.rows import LARGE_BYTES, LargeRows
from cascade.iceberg.large.spool import Spool

__all__ = ["LARGE_BYTES", "LargeRows", "Spool"]
