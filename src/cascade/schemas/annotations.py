"""Reading the annotations of pydantic models."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo


def unwrapped(annotation: Any, metadata: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Strip Annotated, type aliases and NewTypes, and collect the metadata on the way."""
    while True:
        if get_origin(annotation) is Annotated:
            metadata = (*metadata, *annotation.__metadata__)
            annotation = annotation.__origin__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif _is_alias(annotation):
            annotation = annotation.__value__
        elif _is_alias(get_origin(annotation)):
            annotation = get_origin(annotation).__value__[get_args(annotation)]
        elif get_origin(annotation) is typing.Final:
            annotation = get_args(annotation)[0]
        else:
            return annotation, metadata


def _is_alias(annotation: Any) -> bool:
    """Whether it was made by `type X = ...`, or by TypeAliasType of either typing module, which are two classes."""
    return type(annotation).__name__ == "TypeAliasType"


def constraint(metadata: Iterable[Any], name: str) -> int | None:
    """The value of a constraint, the outermost one if it is given more than once."""
    for item in metadata:
        inner = isinstance(item, FieldInfo)
        found = constraint(item.metadata, name) if inner else getattr(item, name, None)
        if found is not None:
            return int(found)
    return None


def is_a(annotation: Any, origin: Any, classes: tuple[Any, ...]) -> bool:
    """Whether an annotation, or what it is a parametrised form of, is a class of one of `classes`."""
    for candidate in (annotation, origin):
        if isinstance(candidate, type) and any(isinstance(k, type) and issubclass(candidate, k) for k in classes):
            return True
    return False


def name_of(annotation: Any) -> str:
    """An annotation as a user would write it."""
    if get_origin(annotation) is Annotated:
        return name_of(annotation.__origin__)
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("collections.abc.", "")
