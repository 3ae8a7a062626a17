"""The fields of pydantic models: which are stored, their names in the source, and models without rules."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import pydantic
from pydantic.fields import FieldInfo

from cascade.schemas.columns import conversion_error
from cascade.schemas.kinds import Member

_NAMING = ("validate_by_name", "validate_by_alias", "populate_by_name")


def stored_fields(model: type[pydantic.BaseModel]) -> Iterable[tuple[str, FieldInfo]]:
    """Return the fields of a model that have a column, with their names, in order."""
    return ((name, field) for name, field in model.model_fields.items() if field.exclude is not True)


def source_names(model: type[pydantic.BaseModel], name: str, field: FieldInfo) -> tuple[str, ...]:
    """Return the source fields that the field `name` can be read from, in pydantic's order of preference."""
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
    """Resolve the annotations of `model` that refer to classes defined after it.

    Raises:
        SchemaConversionError: an annotation refers to a name that does not exist.
    """
    if model.__pydantic_complete__:
        return
    try:
        model.model_rebuild(raise_errors=True)
    except pydantic.errors.PydanticUndefinedAnnotation as error:
        raise conversion_error(
            root, (*path, "*"), f"the annotation refers to {error.name!r}, which is not defined"
        ) from None


def bare_model(model: type[pydantic.BaseModel] | str, members: Sequence[Member]) -> type[pydantic.BaseModel]:
    """Build a pydantic model with the names, aliases, defaults and types of `members` but none of the rules.

    Args:
        model: the model to take aliases and defaults from, or a name if all members are optional.
        members: the fields.
    """
    if isinstance(model, str):
        return _create(model, {_attribute(member): _optional(member) for member in members})
    config = pydantic.ConfigDict(protected_namespaces=())
    for key in _NAMING:
        if key in model.model_config:
            config[key] = model.model_config[key]  # type: ignore[literal-required]
    fields = {member.name: _like(model.model_fields[member.name], member) for member in members}
    return _create(model.__name__, {"__config__": config, **fields})


def _create(name: str, definition: dict[str, Any]) -> type[pydantic.BaseModel]:
    # The user's own model has already warned about a field that shadows a pydantic method, such as `json`.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return pydantic.create_model(name, **definition)


def _attribute(member: Member) -> str:
    return member.attribute or member.name


def _optional(member: Member) -> tuple[Any, Any]:
    return member.value_type.annotation | None, pydantic.Field(default=None, validation_alias=member.source_name)


def _like(field: FieldInfo, member: Member) -> tuple[Any, Any]:
    annotation = member.value_type.annotation
    options: dict[str, Any] = {"validation_alias": field.validation_alias or field.alias}
    if field.default_factory is not None:
        options["default_factory"] = field.default_factory
    elif not field.is_required():
        options["default"] = field.default
    return (annotation | None if member.nullable else annotation), pydantic.Field(**options)
