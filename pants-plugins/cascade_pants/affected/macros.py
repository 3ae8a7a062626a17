"""Macros of dbt that are called without being named. Pure."""

from __future__ import annotations

import re

_DEFINED = re.compile(rb"{%-?\s*(macro|materialization|test|data_test)\s+(\w+)")
# dbt calls `generate_schema_name` and its like for every model, and dispatches `ref_x` to `default__ref_x`.
_IMPLICIT = re.compile(
    r"generate_\w+_name|\w+__\w+|ref|source|config|statement|is_incremental|should_full_refresh|on_run_\w+"
)


def defines_macros(*versions: bytes | None) -> bool:
    """Return whether a file defines anything that others call.

    Args:
        versions: the file at the base and now; None where it does not exist.
    """
    return any(_DEFINED.search(content or b"") is not None for content in versions)


def may_replace_a_macro(*versions: bytes | None) -> bool:
    """Return whether a file defines a macro that dbt calls for models whose text does not name it.

    Args:
        versions: the file at the base and now; None where it does not exist.
    """
    return any(
        kind == b"materialization" or _IMPLICIT.fullmatch(name.decode()) is not None
        for content in versions
        for kind, name in _DEFINED.findall(content or b"")
    )
