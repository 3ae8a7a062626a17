"""Models without rules: the names, aliases, defaults and types of a schema, for conversion to the types alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pydantic
from pydantic.fields import FieldInfo

from cascade.schemas.kinds import Member

_NAMING = ("validate_by_name", "validate_by_alias", "populate_by_name")


def bare_model(model: type[pydantic.BaseModel] | str, members: Sequence[Member]) -> type[pydantic.BaseModel]:
    """A pydantic model with the names, aliases, defaults and types of `members` and none of the rules.

    Args:
        model: the model to take aliases and defaults from; or a name, for members that are all optional.
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
    # Of a field that is named like a method of pydantic's, such as `json`, the model itself has warned already.
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
