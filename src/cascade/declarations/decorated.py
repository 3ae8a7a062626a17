"""The base of the object that a decorator returns, and the function that applies the decorator."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Generic, ParamSpec, TypeVar, cast

from cascade.declarations.declaration import Declaration
from cascade.declarations.functions import calling_location, location_of
from cascade.declarations.problems import report
from cascade.exceptions import DeclarationError

D = TypeVar("D", bound=Declaration, covariant=True)
P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")
W = TypeVar("W")


class DecoratedFunction(Generic[D, P, R]):
    """A function and its declaration. Calling it calls the function. It is frozen.

    Args:
        declaration: what the decorator recorded.
    """

    declaration: D

    def __init__(self, declaration: D) -> None:
        functools.update_wrapper(self, declaration.function)
        self.__dict__["_lock"] = threading.RLock()
        self.__dict__["_built"] = {}
        self.__dict__["declaration"] = declaration

    def __setattr__(self, name: str, value: object) -> None:
        if "declaration" not in self.__dict__:
            return super().__setattr__(name, value)
        raise AttributeError(f"{self!r} is frozen; {name!r} cannot be set.")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return cast(R, self.declaration.function(*args, **kwargs))

    def __repr__(self) -> str:
        return f"<{self.declaration} at {self.declaration.location}>"

    def _once(self, build: Callable[[D], T]) -> T:
        """Return what `build` returns for the declaration. It is called on first use, and its result is kept."""
        with self.__dict__["_lock"]:
            built = self.__dict__["_built"]
            if build not in built:
                built[build] = build(self.declaration)
            return cast(T, built[build])


def decorator_of(
    kind: type[D], wrap: Callable[[D], W], misplaced: tuple[object, ...], arguments: Mapping[str, object]
) -> Callable[[Callable[..., object]], W]:
    """Create the decorator that `@name(...)` applies. Only the function `name` calls this, so its caller is user code.

    Args:
        kind: what the decorator records.
        wrap: creates the decorated function from a declaration.
        misplaced: the positional arguments, which are an error.
        arguments: the arguments by name.

    Raises:
        DeclarationError: there are positional arguments, as in `@name` without brackets.
    """
    call = calling_location(2)
    if misplaced:
        first = misplaced[0]
        if callable(first) and not isinstance(first, type):
            problem = f"it needs arguments: {kind.example()}."
        else:
            problem = f"pass every argument by name; {first!r} has no name."
        report(DeclarationError(kind.decorator, (problem,), location=location_of(first) or call), first)
        # Reached only while problems are collected, when the value is not used.
        return cast("Callable[[Callable[..., object]], W]", first)

    def decorate(function: Callable[..., object]) -> W:
        try:
            return wrap(kind.declare(function, arguments, otherwise=call))
        except DeclarationError as error:
            report(error, function)
            # Reached only while problems are collected, when the value is not used.
            return cast(W, function)

    return decorate
