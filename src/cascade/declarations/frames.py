"""The kinds of frames that a function can take, recognized by annotation without importing a library."""

from __future__ import annotations

from typing import Literal

Frame = Literal["arrow", "polars", "duckdb"]

_FRAMES: dict[tuple[str, str], Frame] = {
    ("pyarrow", "Table"): "arrow",
    ("pa", "Table"): "arrow",
    ("polars", "DataFrame"): "polars",
    ("pl", "DataFrame"): "polars",
    ("duckdb", "DuckDBPyRelation"): "duckdb",
}


def frame_of(annotation: object) -> Frame | None:
    """Return which kind of frame an annotation stands for.

    Args:
        annotation: a class, or a string such as `pa.Table` for a class that is imported under `TYPE_CHECKING`.

    Returns:
        The kind; None for any other annotation.
    """
    if isinstance(annotation, type):
        return _FRAMES.get((annotation.__module__.partition(".")[0].lstrip("_"), annotation.__name__))
    if not isinstance(annotation, str):
        return None
    module, _, name = annotation.strip("'\" ").rpartition(".")
    if module:
        return _FRAMES.get((module, name))
    return next((frame for (_, known), frame in _FRAMES.items() if known == name), None)
