"""Rows that the source returns as pydantic models."""

from __future__ import annotations

from typing import Any

import pydantic

from cascade.schemas.pydantic_fields import source_names


class ModelRow(dict[str, object]):
    """A row that is a pydantic model, under the names that its fields have in the source: the aliases.

    An instance of the validation schema itself was validated when it was created, and is not validated again. Any other
    model is validated like a dict.

    Args:
        model: the instance.
    """

    def __init__(self, model: pydantic.BaseModel) -> None:
        super().__init__(_fields(model))
        self.model = model


def root_of(model: pydantic.BaseModel) -> object | None:
    """Return the value inside a pydantic RootModel, such as a list of rows, or None for any other model."""
    return model.root if isinstance(model, pydantic.RootModel) else None


def _fields(model: pydantic.BaseModel) -> dict[str, object]:
    kind = type(model)
    found: dict[str, object] = {}
    for name, field in kind.model_fields.items():
        if name not in model.__dict__:
            continue
        value = _plain(model.__dict__[name])
        alias = field.validation_alias
        if (
            isinstance(alias, pydantic.AliasPath)
            and len(alias.path) > 1
            and all(isinstance(p, str) for p in alias.path)
        ):
            inner = found
            for step in map(str, alias.path[:-1]):
                inner = inner.setdefault(step, {})  # type: ignore[assignment]
            inner[str(alias.path[-1])] = value
        else:
            found[source_names(kind, name, field)[0]] = value
    return {**found, **(model.__pydantic_extra__ or {})}


def _plain(value: Any) -> Any:
    """Return a value with dicts in place of models."""
    if isinstance(value, pydantic.RootModel):
        return _plain(value.root)
    if isinstance(value, pydantic.BaseModel):
        return _fields(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
