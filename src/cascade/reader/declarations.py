"""What a decorator or a Dagster class declares in a module, as far as the source shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .aliases import Alias
from .names import CHECKS, INGESTION
from .tables import DEFAULT_NAMESPACE
from .values import Key, Value


@dataclass(frozen=True)
class Argument:
    """One argument of a declaration.

    Args:
        name: its name, such as `table_name`, or `**` for arguments that are passed as a mapping.
        line: the line that it is on, from 1.
        value: its value. Lists are stored as tuples, and mappings as tuples of pairs.
        unread: the source of an argument that is computed when the module runs, such as `f"{domain}_rows"`. None if
            the value is known.
    """

    name: str
    line: int
    value: Value = None
    unread: str | None = None


@dataclass(frozen=True)
class Declaration:
    """Something that Dagster or Cascade finds in a module.

    Args:
        call: the decorator or class, without its module, such as `cascade_ingestion` or `AssetSpec`.
        line: the line that it is on, from 1.
        name: the decorated function or the assigned variable, if the source shows it.
        arguments: the arguments of a Cascade decorator, in the order of the source, or those of Dagster's `asset`
            that set its name or its dependencies. Empty for anything else.
        assigned: whether it is called in an assignment instead of used as a decorator.
        in_factory: whether it is in the body of a function, which declares it on every call.
        parameters: the parameters of the function of Dagster's `asset`, some of which name assets that it reads.
    """

    call: str
    line: int
    name: str | None = None
    arguments: tuple[Argument, ...] = ()
    assigned: bool = False
    in_factory: bool = False
    parameters: tuple[str, ...] = ()

    def argument(self, name: str) -> Argument | None:
        """Return the argument of that name, or None if it is not given."""
        return next((argument for argument in self.arguments if argument.name == name), None)

    @property
    def unread(self) -> tuple[Argument, ...]:
        """The arguments that are computed when the module runs."""
        return tuple(argument for argument in self.arguments if argument.unread is not None)

    @property
    def unread_table(self) -> tuple[Argument, ...]:
        """The arguments that decide the table of an ingestion, but are computed when the module runs.

        An unreadable `**` mapping counts as `table_name` if no `table_name` is given, because it may contain it.
        """
        if self.call != INGESTION:
            return ()
        has_table = self.argument("table_name") is not None
        named = (replace(one, name="table_name") if one.name == "**" and not has_table else one for one in self.unread)
        return tuple(argument for argument in named if argument.name in ("table_name", "namespace"))

    @property
    def table(self) -> str | None:
        """The full name of an ingestion's table, such as `raw.flights`, or None if the source does not show it."""
        name, namespace = self._text("table_name"), self._text("namespace", DEFAULT_NAMESPACE)
        known = self.call == INGESTION and name and namespace and not self.unread_table
        return f"{namespace}.{name}" if known else None

    @property
    def checked_table(self) -> str | None:
        """The full name of the table that declared checks judge; None if the source does not show a name.

        Checks that are given a workflow import it, so its table needs no name.
        """
        name = self._text("table") if self.call in CHECKS else None
        if not name:
            return None
        return name if "." in name else f"{DEFAULT_NAMESPACE}.{name}"

    @property
    def asset_key(self) -> tuple[str, ...] | None:
        """The parts of the asset key of an ingestion or of Dagster's `asset`, or None if it cannot be read."""
        if self.table is not None:
            namespace, _, name = self.table.partition(".")
            return (name,) if namespace == DEFAULT_NAMESPACE else (namespace, name)
        if self.call != "asset" or self.unread:
            return None
        if self.argument("key") is not None:
            return self._parts("key") or None
        asset = self._text("name", None if self.assigned else self.name)
        return (*self._parts("key_prefix"), asset) if asset else None

    def _text(self, name: str, default: str | None = None) -> str | None:
        argument = self.argument(name)
        value = default if argument is None else argument.value
        return value if isinstance(value, str) else None

    def _parts(self, name: str) -> tuple[str, ...]:
        argument = self.argument(name)
        value = None if argument is None else argument.value
        if isinstance(value, Key):
            return value.parts
        parts = value if isinstance(value, tuple) else (value,)
        return tuple(part for part in parts if isinstance(part, str))


@dataclass(frozen=True)
class Module:
    """What the source of one module shows.

    Args:
        declarations: in the order of the source.
        imports: everything imported that may be a module, as written: a relative import keeps its leading dots.
        has_factory: whether a function of the module declares something on every call.
        exports: the names that other modules can import, and that stand for a decorator or a Dagster definition.
        may_define: whether it assigns what a function of Dagster returns, which may be a definition.
    """

    declarations: tuple[Declaration, ...] = ()
    imports: tuple[str, ...] = ()
    has_factory: bool = False
    exports: Mapping[str, Alias] = field(default_factory=dict, compare=False)
    may_define: bool = False

    @property
    def declares_workflow(self) -> bool:
        """Whether the source shows an ingestion, other than in a factory."""
        return any(one.call == INGESTION and not one.in_factory for one in self.declarations)
