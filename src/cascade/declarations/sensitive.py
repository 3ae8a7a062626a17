"""The columns whose values are shown to nobody: in no quarantine, preview, sample or difference.

A schema marks them:

    class Patient(BaseModel):
        id: int
        name: Annotated[str, Sensitive]
        email: str = Field(json_schema_extra={"sensitive": True})

    class Patients(pa.DataFrameModel):
        id: int
        name: str = pa.Field(metadata={"sensitive": True})

A column of nested models is sensitive if one of their fields is.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from cascade.declarations.schema_fields import columns_of


class Sensitive:
    """Marks a field of a pydantic model as sensitive: `name: Annotated[str, Sensitive]`."""


@lru_cache(maxsize=512)
def sensitive_columns(schema: type) -> frozenset[str]:
    """Return the names of a schema's sensitive columns.

    Args:
        schema: a pydantic model, or a pandera DataFrameModel.
    """
    _complete(schema)
    return frozenset(name for name, column in (columns_of(schema) or {}).items() if _is_sensitive(column, frozenset()))


def _complete(schema: type) -> None:
    """Resolve the annotations of a pydantic model that refer to classes defined after it, which may be marked."""
    if getattr(schema, "__pydantic_complete__", True) is False:
        schema.model_rebuild(raise_errors=False)  # type: ignore[attr-defined]


def _is_sensitive(column: Any, seen: frozenset[type]) -> bool:
    """Return whether a pydantic FieldInfo or a pandera Column is marked, or a field of a nested model is."""
    extra = getattr(column, "json_schema_extra", None)
    if isinstance(extra, Mapping) and extra.get("sensitive"):
        return True
    metadata = getattr(column, "metadata", None)
    if isinstance(metadata, Mapping):  # pandera's
        return bool(metadata.get("sensitive"))
    annotation = getattr(column, "annotation", None)
    if any(map(_is_mark, metadata or ())) or any(map(_is_mark, _marks_in(annotation))):
        return True
    for model in _models_in(annotation):
        if model not in seen:
            _complete(model)
            if any(_is_sensitive(field, seen | {model}) for field in model.model_fields.values()):  # type: ignore[attr-defined]
                return True
    return False


def _is_mark(item: object) -> bool:
    return item is Sensitive or isinstance(item, Sensitive)


def _marks_in(annotation: Any) -> Iterator[Any]:
    """Yield what Annotated adds to a type, also inside `X | None`, lists and aliases."""
    annotation = getattr(annotation, "__value__", annotation)
    yield from getattr(annotation, "__metadata__", ())
    for inner in typing.get_args(annotation):
        if not isinstance(inner, (str, int)):
            yield from _marks_in(inner)


def _models_in(annotation: Any) -> Iterator[type]:
    annotation = getattr(annotation, "__value__", annotation)
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
