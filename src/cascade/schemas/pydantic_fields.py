"""The fields of a pydantic model: those that are stored, and the names that they have in the source."""

from __future__ import annotations

from collections.abc import Iterable

import pydantic
from pydantic.fields import FieldInfo

from cascade.schemas.columns import conversion_error


def stored_fields(model: type[pydantic.BaseModel]) -> Iterable[tuple[str, FieldInfo]]:
    """The fields of a model that have a column, by their names, in order."""
    return ((name, field) for name, field in model.model_fields.items() if field.exclude is not True)


def source_names(model: type[pydantic.BaseModel], name: str, field: FieldInfo) -> tuple[str, ...]:
    """The fields of a source row that the model's field `name` may be read from, in pydantic's order of preference."""
    config = model.model_config
    names: list[str] = []
    alias = field.validation_alias if field.validation_alias is not None else field.alias
    by_alias = config.get("validate_by_alias", True) is not False
    if alias is not None and by_alias:
        choices = alias.choices if isinstance(alias, pydantic.AliasChoices) else [alias]
        names += [str(c.path[0]) if isinstance(c, pydantic.AliasPath) else c for c in choices]
    by_name = config.get("validate_by_name") or config.get("populate_by_name")
    if alias is None or by_name or not by_alias:
        names.append(name)
    return tuple(dict.fromkeys(names))


def complete(model: type[pydantic.BaseModel], root: type[pydantic.BaseModel], path: tuple[str, ...] = ()) -> None:
    """Resolve the annotations of `model` that name classes defined after it.

    Raises:
        SchemaConversionError: an annotation names something that does not exist.
    """
    if model.__pydantic_complete__:
        return
    try:
        model.model_rebuild(raise_errors=True)
    except pydantic.errors.PydanticUndefinedAnnotation as error:
        raise conversion_error(
            root, (*path, "*"), f"the annotation names {error.name!r}, which is not defined"
        ) from None
