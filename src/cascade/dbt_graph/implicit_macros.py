"""The macros that dbt calls by itself, so that every node needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cascade.dbt_graph.calls import Surroundings
from cascade.dbt_graph.follow import Follower
from cascade.dbt_graph.packages import Package

# The names and places of relations, where tests look for rows, and materializations.
_CALLED = re.compile(r"generate_(schema|alias|database)_name|get_where_subquery|materialization_.*")


def implicit_macro_files(root: Package, surroundings: Surroundings) -> set[str]:
    """Return the files of the macros that dbt calls for every node, and of what these call.

    They are macros of the project that replace one of dbt's own, for all adapters or for one, materializations, and
    those of the hooks `on-run-start` and `on-run-end`.

    Args:
        root: the project.
        surroundings: what it offers to templates.
    """
    macros = surroundings.macros.by_package.get(root.name, {})
    follower = Follower(surroundings, root.name, root.directory)
    found = set()
    for name, macro in macros.items():
        # `duckdb__now` replaces a macro of dbt, unless `now` is one of the project, which chooses among its adapters.
        adapter, _, replaced = name.partition("__")
        dispatched = bool(adapter and replaced) and replaced not in macros and not name.startswith("dbt_snapshot__")
        if dispatched or _CALLED.fullmatch(name):
            found.add(macro.file)
            follower.string(f"{{{{ {name}() }}}}")
    for hook in _hooks(root):
        follower.string(hook)
    return found | follower.calls.macro_files


def _hooks(root: Package) -> Iterable[str]:
    for key in ("on-run-start", "on-run-end"):
        hooks = root.settings.get(key)
        yield from (hook for hook in (hooks if isinstance(hooks, list) else [hooks]) if isinstance(hook, str))
