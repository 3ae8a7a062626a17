"""Compile a pydantic model to a mask: a rule for each field that has one, and a validator of the other fields.

It reads the schema of pydantic-core, which is what pydantic itself validates with. Every key that is not known here
makes its field, or the model, one that pydantic decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pydantic
from pydantic_core import SchemaValidator

from cascade.schemas.columns import Column
from cascade.schemas.mask import decimals, numbers, texts, times
from cascade.schemas.mask.plan import Rule
from cascade.schemas.pydantic_fields import source_names

_RULES: dict[str, Callable[[Mapping[str, Any]], Rule | None]] = {
    "int": numbers.integer,
    "float": numbers.floating,
    "bool": numbers.boolean,
    "str": texts.text,
    "bytes": texts.binary,
    "uuid": texts.uuid,
    "literal": texts.literal,
    "enum": texts.enumeration,
    "date": times.calendar_date,
    "datetime": times.timestamp,
    "time": times.clock_time,
    "decimal": decimals.decimal,
}
_DECIDES_NOTHING = frozenset({"metadata", "ref", "serialization"})
# Settings of a model that change how fields of a type are validated, as the field's own constraints.
_SETTINGS = {
    "str": {
        "str_max_length": "max_length",
        "str_min_length": "min_length",
        "str_strip_whitespace": "strip_whitespace",
        "str_to_lower": "to_lower",
        "str_to_upper": "to_upper",
        "regex_engine": "regex_engine",
    },
    "float": {"allow_inf_nan": "allow_inf_nan"},
}
_KNOWN_SETTINGS = frozenset(
    {
        *(name for settings in _SETTINGS.values() for name in settings),
        *("title", "strict", "extra_fields_behavior", "from_attributes", "loc_by_alias", "revalidate_instances"),
        *(
            "validate_default",
            "hide_input_in_errors",
            "cache_strings",
            "validate_by_alias",
            "validate_by_name",
            "serialize_by_alias",
        ),
        *("coerce_numbers_to_str", "ser_json_timedelta", "ser_json_temporal", "ser_json_bytes", "ser_json_inf_nan"),
        *("val_json_bytes", "val_temporal_unit", "validation_error_cause", "url_preserve_empty_path"),
    }
)
_KNOWN_OF_MODEL = frozenset(
    {"type", "cls", "schema", "custom_init", "root_model", "config", "strict", "frozen", "extra_behavior"}
    | {"generic_origin", "revalidate_instances"}
    | _DECIDES_NOTHING
)
_KNOWN_OF_DEFAULT = frozenset(
    {"type", "schema", "default", "default_factory", "default_factory_takes_data", "copy_default", "validate_default"}
    | _DECIDES_NOTHING
)


class Unset(Enum):
    """Stands for a default that does not exist, where None is a default."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True)
class MaskedField:
    """A field that the mask can clear.

    Args:
        name: its name.
        column: its column, or None if it is only validated.
        sources: the source fields that it is read from, the preferred one first.
        rule: its rule.
        nullable: whether it may be null.
        strict: whether it is strict.
        required: whether it has no default.
        default: its default; `UNSET` if it has none that is one constant, which pydantic would not change.
    """

    name: str
    column: Column | None
    sources: tuple[str, ...]
    rule: Rule
    nullable: bool
    strict: bool
    required: bool
    default: object


@dataclass(frozen=True)
class Others:
    """The fields that pydantic decides.

    Args:
        columns: their columns.
        sources: the source fields that they are read from.
        validate: validates these fields of a row, and returns their values by name.
    """

    columns: tuple[Column, ...]
    sources: frozenset[str]
    validate: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class CompiledMask:
    """A mask.

    Args:
        fields: the fields that it can clear.
        others: the fields that pydantic decides, or None if there are none.
    """

    fields: tuple[MaskedField, ...]
    others: Others | None


def compile_mask(
    model: type[pydantic.BaseModel], columns: Sequence[Column], leave: frozenset[str] = frozenset()
) -> CompiledMask | None:
    """Compile a model to a mask, or return None if pydantic must decide every row.

    It must if the rules concern the whole row, such as those of a model validator, or if no field can be cleared.

    Args:
        model: the model, with all its annotations resolved.
        columns: its columns.
        leave: names of fields that the mask leaves to pydantic, even if it could clear them.
    """
    if not has_only_fields(model):
        return None
    top, definitions = _top(model)
    settings = top.get("config", {})
    if not settings.keys() <= _KNOWN_SETTINGS:
        return None
    inner = top["schema"]
    by_name = {column.name: column for column in columns}
    masked: list[MaskedField] = []
    rest: dict[str, Any] = {}
    for name, field in inner["fields"].items():
        found = None if name in leave else _masked(model, name, field, settings, by_name.get(name))
        if found is None:
            rest[name] = field
        else:
            masked.append(found)
    if not masked or any(_needs_row(field) for field in rest.values()):
        return None
    return CompiledMask(tuple(masked), _others(model, inner, rest, settings, definitions, by_name) if rest else None)


def has_only_fields(model: type[pydantic.BaseModel]) -> bool:
    """Return whether a model has no rule for a whole row, such as a model validator."""
    top, _ = _top(model)
    if top["type"] != "model" or top["custom_init"] or top["root_model"] or not top.keys() <= _KNOWN_OF_MODEL:
        return False
    inner = top["schema"]
    known = {"type", "fields", "model_name", "computed_fields", *_DECIDES_NOTHING}
    return inner["type"] == "model-fields" and inner.keys() <= known and model.__new__ is object.__new__


def _top(model: type[pydantic.BaseModel]) -> tuple[Any, list[Any]]:
    """Return the schema of a model, and the definitions that it refers to."""
    top: Any = model.__pydantic_core_schema__
    return (top["schema"], top["definitions"]) if top["type"] == "definitions" else (top, [])


def _masked(
    model: type[pydantic.BaseModel],
    name: str,
    field: Mapping[str, Any],
    settings: Mapping[str, Any],
    column: Column | None,
) -> MaskedField | None:
    if not field.keys() <= {
        *("type", "schema", "validation_alias", "serialization_alias", "serialization_exclude", "frozen"),
        *_DECIDES_NOTHING,
    } or not isinstance(field.get("validation_alias", ""), str):
        return None
    default: object = UNSET
    schema = field["schema"]
    required = schema["type"] != "default"
    if not required:
        if not schema.keys() <= _KNOWN_OF_DEFAULT:
            return None
        if not schema.get("validate_default", settings.get("validate_default")):
            default = schema.get("default", UNSET)
        schema = schema["schema"]
    nullable = False
    if schema["type"] == "nullable":
        if not schema.keys() <= {"type", "schema", *_DECIDES_NOTHING}:
            return None
        nullable, schema = True, schema["schema"]
    if schema["type"] not in _RULES:
        return None
    if schema["type"] == "literal" and None in schema["expected"]:
        nullable = True
    constraints = _constraints(schema, settings)
    if schema["type"] == "datetime" and column is not None and "tz_constraint" not in constraints:
        # The column refuses what a plain datetime of pydantic accepts.
        constraints["tz_constraint"] = "aware" if column.type.tz else "naive"
    rule = _RULES[schema["type"]](constraints)
    if rule is None:
        return None
    sources = source_names(model, name, model.model_fields[name])
    strict = constraints.get("strict", settings.get("strict", False))
    return MaskedField(name, column, sources, rule, nullable, bool(strict), required, default)


def _constraints(schema: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    of_model = {
        key: settings[setting]
        for setting, key in _SETTINGS.get(schema["type"], {}).items()
        if settings.get(setting) is not None
    }
    own = {key: value for key, value in schema.items() if key not in _DECIDES_NOTHING and value is not None}
    return {**of_model, **own}


def _needs_row(part: object) -> bool:
    """Return whether a rule may read the fields before it, which a validator of a part of the fields does not have."""
    if isinstance(part, Mapping):
        if part.get("type") == "with-info" or part.get("default_factory_takes_data"):
            return True
        return any(_needs_row(inner) for key, inner in part.items() if key not in _DECIDES_NOTHING)
    return isinstance(part, (list, tuple)) and any(map(_needs_row, part))


def _others(
    model: type[pydantic.BaseModel],
    inner: Mapping[str, Any],
    fields: dict[str, Any],
    settings: Mapping[str, Any],
    definitions: list[Any],
    by_name: Mapping[str, Column],
) -> Others:
    schema: Any = {"type": "model-fields", "fields": fields, "model_name": inner.get("model_name", model.__name__)}
    schema["extra_behavior"] = "ignore"
    if definitions:
        schema = {"type": "definitions", "schema": schema, "definitions": definitions}
    validator = SchemaValidator(schema, config=dict(settings))  # type: ignore[arg-type]

    def validate(row: Any) -> dict[str, Any]:
        values: dict[str, Any] = validator.validate_python(row)[0]
        return values

    sources = {source for name in fields for source in source_names(model, name, model.model_fields[name])}
    columns = tuple(column for name, column in by_name.items() if name in fields)
    return Others(columns, frozenset(sources), validate)
