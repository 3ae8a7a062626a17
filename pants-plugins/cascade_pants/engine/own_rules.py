"""Calls of the plugin's own rules on Pants 2.17 that compute each result once.

Awaiting such a rule like any coroutine works on 2.17, but runs it again for every caller.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pants.engine.rules import Get

Request = TypeVar("Request")
Result = TypeVar("Result")


def own_rule(result: type[Result], request: type[Request]) -> Callable[[Request], Coroutine[Any, Any, Result]]:
    """Create the accessor of a rule, for the branch of a module that runs on Pants 2.17.

    Args:
        result: the type that the rule returns.
        request: the type that the rule takes. Exactly one rule takes it and returns `result`.

    Returns:
        A coroutine function. Assign it to a module-level name, because Pants follows static names only.
    """

    async def ask(value: Request) -> Result:
        return await Get(result, request, value)

    return ask
