"""The arguments of a decorator: how each is checked, and the errors for unknown and missing names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from cascade.spelling import did_you_mean, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance  # pants: no-infer-dep

_KEY = "cascade_argument"


@dataclass(frozen=True)
class Argument:
    """How one argument of a decorator is checked.

    Args:
        check: takes the value and returns it in the form that a declaration keeps; raises ValueError with one sentence
            that contains the value given and the value expected.
        required: whether the decorator needs it.
        may_be_none: whether None is allowed. It is kept without a check.
    """

    check: Callable[[Any], object]
    required: bool = False
    may_be_none: bool = False

    def checked(self, value: object) -> object:
        """Return a value in the form that a declaration keeps.

        Raises:
            ValueError: the value is wrong; the message is one sentence.
        """
        return None if value is None and self.may_be_none else self.check(value)


def argument(
    check: Callable[[Any], object], *, required: bool = False, may_be_none: bool = False
) -> Mapping[str, Argument]:
    """Mark a field of a declaration as an argument of its decorator, as the `metadata` of the field.

    Args:
        check: see `Argument`.
        required: whether the decorator needs the argument.
        may_be_none: whether None is allowed.
    """
    return {_KEY: Argument(check, required, may_be_none)}


def arguments_of(declaration: type[DataclassInstance]) -> dict[str, Argument]:
    """Return the arguments of a decorator by name: the marked fields of the declaration it records."""
    return {field.name: field.metadata[_KEY] for field in fields(declaration) if _KEY in field.metadata}


def wrong_names(given: Iterable[str], arguments: Mapping[str, Argument], required: Iterable[str]) -> list[str]:
    """Return one sentence for each unknown argument and for each required one that is missing.

    Args:
        given: the names that were given.
        arguments: the arguments of the decorator, by name.
        required: the names of those that it needs.
    """
    given = tuple(given)
    missing = [name for name in required if name not in given]
    sentences = []
    for name in given:
        if name in arguments:
            continue
        # A misspelt required argument is one mistake, not two.
        meant = nearest(name, missing)
        if meant:
            missing.remove(meant)
        sentences.append(f'there is no argument "{name}".{did_you_mean(name, [meant] if meant else arguments)}')
    return sentences + [f'the required argument "{name}" is missing.' for name in missing]
