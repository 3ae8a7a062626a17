"""How Pants 2.17 calls a rule of the plugin's own, so that its result is computed once and shared.

Awaiting such a rule like any coroutine would work on 2.17, but would run it again for every caller.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pants.engine.rules import Get

Request = TypeVar("Request")
Result = TypeVar("Result")


def own_rule(result: type[Result], request: type[Request]) -> Callable[[Request], Coroutine[Any, Any, Result]]:
    """Make the accessor of a rule, for the branch of a module that runs on Pants 2.17.

    Args:
        result: the type that the rule returns.
        request: the type that the rule takes. Exactly one rule takes it and returns `result`.

    Returns:
        A coroutine function. Give it a name at the top of a module: Pants follows static names alone.
    """

    async def ask(value: Request) -> Result:
        return await Get(result, request, value)

    return ask
