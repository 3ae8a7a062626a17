"""The names of Cascade and Dagster that declare something, and the names that a module imports them under."""

from __future__ import annotations

import ast

from .aliases import Alias, Reexports, portable
from .dagster_names import BUILDERS, DECORATORS, DEFINITIONS, HELPERS
from .syntax import parsed_statement

INGESTION = "cascade_ingestion"
CHECKS = frozenset({"cascade_check", "cascade_quality"})


class Names:
    """The names that the imports of one module define.

    Args:
        reexports: finds what names of other modules stand for.
    """

    def __init__(self, reexports: Reexports | None = None) -> None:
        self._reexports = reexports
        self._aliases: dict[str, Alias] = {}
        self._stars: list[str] = []
        self._origins: dict[str, str] = {}
        self._modules: dict[str, None] = {}
        self._stars_of_dagster = False

    def add_import(self, statement: str) -> None:
        """Record an `import` or `from ... import` statement. Anything else is ignored."""
        tree = parsed_statement(statement)
        for node in tree.body if tree is not None else ():
            self._add(node)

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._modules[alias.name] = None
                if alias.asname is None:
                    root = alias.name.partition(".")[0]
                    self._origins[root] = root
                else:
                    self._origins[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            self._modules[module] = None
            for alias in node.names:
                if alias.name == "*":
                    self._stars_of_dagster = self._stars_of_dagster or module == "dagster"
                    self._stars.append(module)
                else:
                    origin = _joined(module, alias.name)
                    self._modules[origin] = None
                    self._origins[alias.asname or alias.name] = origin

    @property
    def modules(self) -> tuple[str, ...]:
        """Everything imported that may be a module, as written: a relative import keeps its leading dots."""
        return tuple(self._modules)

    def is_imported(self, name: str) -> bool:
        """Return whether an import of the module assigns a name."""
        return name in self._origins

    def origin(self, written: str) -> str:
        """Resolve a name as written, such as `dg.asset`, to where it comes from, such as `dagster.asset`.

        Args:
            written: a dotted name.

        Returns:
            The name at its origin. A relative import keeps its leading dots, and a name that is not imported does not
            change.
        """
        first, dot, rest = written.partition(".")
        if self._reexports is None and not self._aliases and first in self._origins:
            return f"{self._origins[first]}{dot}{rest}"
        return self.meaning(written).origin

    def meaning(self, written: str) -> Alias:
        """Resolve a name like `origin`, with the arguments that an alias gives already."""
        first, dot, rest = written.partition(".")
        if written in self._aliases:
            return self._aliases[written]
        if first in self._origins:
            origin = f"{self._origins[first]}{dot}{rest}"
            return self._reexported(origin) or Alias(origin)
        if self._stars_of_dagster and not dot and (written in DECORATORS or written in DEFINITIONS):
            return Alias(f"dagster.{written}")
        for module in self._stars if not dot else ():
            found = self._reexported(_joined(module, written))
            if found is not None:
                return found
        return Alias(written)

    def _reexported(self, origin: str) -> Alias | None:
        return self._reexports(origin) if self._reexports is not None else None

    def assign(self, name: str, alias: Alias | None) -> None:
        """Record that an assignment makes a name stand for a decorator, or for something else."""
        if alias is None:
            self._aliases.pop(name, None)
        else:
            self._aliases[name] = alias

    @property
    def exports(self) -> dict[str, Alias]:
        """The names that other modules can import, and that stand for a decorator or a definition."""
        meanings = {name: self.meaning(name) for name in (*self._origins, *self._aliases)}
        return {
            name: portable(meaning)
            for name, meaning in meanings.items()
            if is_decorator(meaning.origin) or is_definition(meaning.origin)
        }


def absolute(origin: str, module: str, *, is_package: bool = False) -> str:
    """Resolve the leading dots of a relative import.

    Args:
        origin: a name as `Names` returns it, such as `.schema.Row`.
        module: the module that has the import, such as `workflows.weather.observations`.
        is_package: whether that module is a package's `__init__.py`.

    Returns:
        The absolute name, such as `workflows.weather.schema.Row`.
    """
    name = origin.lstrip(".")
    level = len(origin) - len(name)
    if level == 0:
        return origin
    parents = module.split(".")
    kept = len(parents) - level + is_package
    return ".".join([*parents[: max(kept, 0)], *([name] if name else [])])


def is_ingestion(origin: str) -> bool:
    """Return whether a name is `cascade_ingestion`, which a module of the repository may re-export."""
    return last_part(origin) == INGESTION


def is_asset(origin: str) -> bool:
    """Return whether a name is Dagster's `asset`."""
    return _is_dagster(origin) and last_part(origin) == "asset"


def is_cascade(origin: str) -> bool:
    """Return whether a name is a decorator of Cascade."""
    return is_ingestion(origin) or (origin.startswith("cascade.") and last_part(origin).startswith("cascade_"))


def is_decorator(origin: str) -> bool:
    """Return whether a name declares something when it is used as a decorator."""
    if is_cascade(origin):
        return True
    return _is_dagster(origin) and last_part(origin)[:1].islower() and last_part(origin) not in HELPERS


def is_definition(origin: str) -> bool:
    """Return whether a name, called in an assignment, returns a definition of Dagster or Cascade."""
    if is_cascade(origin):
        return True
    if not _is_dagster(origin):
        return False
    above, last = origin.split(".")[-2:]
    # Such as `Definitions.merge`.
    return last in DEFINITIONS or last in DECORATORS or above in DEFINITIONS or bool(BUILDERS.fullmatch(last))


def may_define(origin: str) -> bool:
    """Return whether a name, called in an assignment, may return a definition that only an import shows."""
    return _is_dagster(origin) and last_part(origin)[:1].islower() and last_part(origin) not in HELPERS


def is_asset_key(origin: str) -> bool:
    """Return whether a name is Dagster's `AssetKey`."""
    return _is_dagster(origin) and last_part(origin) == "AssetKey"


def last_part(origin: str) -> str:
    """Return the part of a dotted name after its last dot."""
    return origin.rpartition(".")[2]


def dotted_name(node: ast.expr) -> str:
    """Return the dotted name in an expression, or an empty string if the expression is not a name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def root_name(node: ast.expr) -> str:
    """Return the name at the root of `name`, `name.attribute`, `name[index]` and `*name`, or an empty string."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _joined(module: str, name: str) -> str:
    return f"{module}{name}" if module.endswith(".") else f"{module}.{name}"


def _is_dagster(origin: str) -> bool:
    package, dot, _ = origin.partition(".")
    return bool(dot) and (package in ("dagster", "dagstermill") or package.startswith("dagster_"))
