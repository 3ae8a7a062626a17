"""What can be read from a function without calling it: its location and its parameters."""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cascade.exceptions import SourceLocation


@dataclass(frozen=True)
class Parameter:
    """A parameter of a decorated function, other than `*args` and `**kwargs`.

    Args:
        name: its name.
        required: whether it has no default.
        annotation: the annotated type; None without an annotation. A string is an annotation that cannot be resolved
            yet, or ever: for example, of a class that is imported under `TYPE_CHECKING`.
        by_name: whether it can be passed by name.
    """

    name: str
    required: bool
    annotation: object = None
    by_name: bool = True

    @property
    def is_resource(self) -> bool:
        """Whether Dagster passes a resource for it, by the rules of its own `@asset`, also if None is allowed."""
        return self.resource is not None

    @property
    def resource(self) -> object:
        """The annotation of a resource, without `| None`; None for any other parameter."""
        return _resource_in(self.annotation)


def _resource_in(annotation: object) -> object:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        if "resource_param" in getattr(annotation, "__metadata__", ()):
            return annotation
        return _resource_in(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        members = [each for each in typing.get_args(annotation) if each is not types.NoneType]
        if not members or not all(_resource_in(each) is not None for each in members):
            return None
        return _resource_in(members[0]) if len(members) == 1 else annotation
    return annotation if isinstance(annotation, type) and is_resource_type(annotation) else None


# The second is the base of ConfigurableResource and of the I/O managers, the third that of the Pipes clients.
_RESOURCES = ("ResourceDefinition", "ConfigurableResourceFactory", "TreatAsResourceParam")


def is_resource_type(kind: type) -> bool:
    """Return whether a class is one of Dagster's kinds of resources."""
    # Recognized by name, because a declaration must not import Dagster to find out.
    return any(base.__name__ in _RESOURCES and base.__module__.startswith("dagster") for base in kind.__mro__)


def importing_module() -> str | None:
    """Return the name of the module whose import calls this function, however many functions are between.

    Returns:
        None if no import does.
    """
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    if frame is None:
        return None
    # What Python itself goes by to tell whether a module is still being imported.
    is_importing = getattr(frame.f_globals.get("__spec__"), "_initializing", False)
    return frame.f_globals.get("__name__") if is_importing else None


def location_of(function: object) -> SourceLocation | None:
    """Return file and line of a function with its decorators, or None for an object without code."""
    written = as_written(function)
    if callable(written) and not hasattr(written, "__code__"):
        written = type(written).__call__
    code = getattr(written, "__code__", None)
    return SourceLocation(code.co_filename, code.co_firstlineno) if code is not None else None


def calling_location(depth: int) -> SourceLocation:
    """Return file and line of a caller: 0 is the caller of this function, 1 the one above, and so on."""
    frame = sys._getframe(depth + 1)
    return SourceLocation(frame.f_code.co_filename, frame.f_lineno)


def parameters_of(function: object) -> dict[str, Parameter]:
    """Return the parameters of a function by name, other than `*args` and `**kwargs`."""
    return {parameter.name: parameter for parameter in _parameters(function)}


def _parameters(function: object) -> Iterator[Parameter]:
    named = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    )
    try:
        signature = _signature(function)
    except (TypeError, ValueError):
        return
    for item in signature.parameters.values():
        if item.kind in named:
            annotation = _resolved(item.annotation, function)
            by_name = item.kind is not inspect.Parameter.POSITIONAL_ONLY
            yield Parameter(item.name, item.default is item.empty, annotation, by_name)


def _signature(function: object) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        from annotationlib import Format  # pants: no-infer-dep

        # A name that is imported under TYPE_CHECKING raises in the default format.
        return inspect.signature(function, annotation_format=Format.FORWARDREF)  # type: ignore[arg-type]
    return inspect.signature(function)  # type: ignore[arg-type]


def _resolved(annotation: object, function: object) -> object:
    if annotation is inspect.Parameter.empty:
        return None
    text = getattr(annotation, "__forward_arg__", annotation)
    if not isinstance(text, str):
        return annotation
    try:
        return eval(text, getattr(as_written(function), "__globals__", {}))
    except Exception:
        # Its names may be defined later in the module, or for type checkers only.
        return text


def as_written(function: object) -> object:
    """Return the function itself, without the partial applications and the decorators around it."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function) if callable(function) else function


def domain_of(location: SourceLocation) -> str | None:
    """Return the domain of a workflow: the name of the directory of its file, as Dagster accepts it as a group.

    Returns:
        For example `my_data` for `workflows/my-data/rows.py`, or None for code that is not in a file.
    """
    if location.file.startswith("<"):
        return None
    return re.sub(r"[^A-Za-z0-9_]+", "_", Path(location.file).absolute().parent.name).strip("_") or None
