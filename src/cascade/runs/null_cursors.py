"""A repair of dlt 1.31: a bounded ascending cursor stops the source at a batch without cursor values (dlt #4284).

dlt compares the greatest cursor value of an Arrow batch or a frame with `end_value`. If all cursor values are null, it
takes the result, which is null, to mean that the end has been passed, and never requests the remaining rows.
"""

from __future__ import annotations

import functools
from typing import Any


def read_past_null_cursors() -> None:
    """Let dlt continue after a batch whose cursor values are all null. The second call does nothing."""
    import pyarrow as pa
    from dlt.extract.incremental.transform import ArrowIncremental

    create = ArrowIncremental.__init__
    if hasattr(create, "__wrapped__"):
        return

    @functools.wraps(create)
    def created(self: Any, *args: Any, **options: Any) -> None:
        create(self, *args, **options)
        compare = self.end_compare

        def before_end(value: Any, end: Any) -> Any:
            result = compare(value, end)
            no_value = isinstance(result, pa.Scalar) and not result.is_valid
            return pa.scalar(True) if no_value else result

        self.end_compare = before_end

    ArrowIncremental.__init__ = created  # type: ignore[method-assign]
