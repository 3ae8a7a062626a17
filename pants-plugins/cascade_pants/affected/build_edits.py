"""Which targets an edit of a BUILD file concerns. Pure."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass

REQUIREMENTS = frozenset(
    {"python_requirement", "python_requirements", "poetry_requirements", "pipenv_requirements", "uv_requirements"}
)
"""The functions of targets that provide modules which no file of the repository does."""

# Arguments that decide which modules or files a target provides, and to whom.
_NARROWING = frozenset(
    {
        "sources",
        "source",
        "overrides",
        "resolve",
        "modules",
        "module_mapping",
        "type_stubs_module_mapping",
        "type_stub_modules",
    }
)


@dataclass(frozen=True)
class BuildEdit:
    """What an edit of a BUILD file concerns.

    Args:
        everything: whether all targets of the file are concerned.
        below: whether the targets of directories below are concerned too, because defaults changed.
        names: the names of the targets concerned, if not all are. None stands for the name of the directory.
        removed: the functions of the targets that are gone.
        narrowed: the functions of targets that may provide less than before, those that are gone included.
    """

    everything: bool = False
    below: bool = False
    names: frozenset[str | None] = frozenset()
    removed: frozenset[str] = frozenset()
    narrowed: frozenset[str] = frozenset()

    @property
    def concerns_nothing(self) -> bool:
        """Whether only comments or spaces differ."""
        return not (self.everything or self.below or self.names or self.removed)


def compare(before: bytes | None, after: bytes | None) -> BuildEdit:
    """Compare two versions of a BUILD file.

    Args:
        before: the file at the base, or None if there was none.
        after: the file now, or None if there is none.

    Returns:
        What the edit concerns. Whatever cannot be told apart is concerned.
    """
    try:
        old, new = _statements(before), _statements(after)
    except (SyntaxError, ValueError):
        return BuildEdit(everything=True, below=True, removed=REQUIREMENTS, narrowed=REQUIREMENTS)
    if old == new:
        return BuildEdit()
    changed = [statement for statement in (*(old - new), *(new - old))]
    kept = {_key(one): _provided(one) for one in new}
    gone = frozenset(_function(one) for one in old - new if _key(one) not in kept)
    narrowed = frozenset(_function(one) for one in old - new if kept.get(_key(one)) != _provided(one))
    if any(_key(one) is None for one in changed):
        # An assignment may be used anywhere below it, and `__defaults__` in other directories.
        return BuildEdit(
            everything=True,
            below=any(_function(one).startswith("__") for one in changed),
            removed=gone,
            narrowed=narrowed,
        )
    names = frozenset(key[1] for key in map(_key, changed) if key is not None)
    return BuildEdit(names=names, removed=gone, narrowed=narrowed)


def _statements(content: bytes | None) -> Counter[str]:
    """Return the statements of a file, each in one form however it is written."""
    if content is None:
        return Counter()
    return Counter(ast.unparse(statement) for statement in ast.parse(content).body)


def _call(statement: str) -> ast.Call | None:
    (node,) = ast.parse(statement).body
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
        return node.value
    return None


def _function(statement: str) -> str:
    call = _call(statement)
    return call.func.id if call is not None and isinstance(call.func, ast.Name) else ""


def _key(statement: str) -> tuple[str, str | None] | None:
    """Return the function and the name of a target, or None for any other statement."""
    call = _call(statement)
    if call is None or _function(statement).startswith("__") or any(one.arg is None for one in call.keywords):
        return None
    given = [one.value for one in call.keywords if one.arg == "name"]
    if not given:
        # A macro may take the name as its first argument.
        return None if call.args else (_function(statement), None)
    name = given[0].value if isinstance(given[0], ast.Constant) else None
    return (_function(statement), name) if isinstance(name, str) else None


def _provided(statement: str) -> str:
    """Return the arguments of a target that decide what it provides."""
    call = _call(statement)
    if call is None:
        return statement
    return repr(sorted((one.arg, ast.unparse(one.value)) for one in call.keywords if one.arg in _NARROWING))
