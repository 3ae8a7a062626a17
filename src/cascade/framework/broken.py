"""The assets of modules that do not load, read from the source of the modules.

They stay in the lineage of `dev`, marked as broken, and keep the assets that depend on them linked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cascade.declarations import IngestionDeclaration
from cascade.declarations.arguments import arguments_of
from cascade.declarations.functions import domain_of
from cascade.exceptions import CascadeError, SourceLocation
from cascade.framework.declared_names import module_file
from cascade.reader.declarations import Declaration
from cascade.reader.modules import declarations_in
from cascade.reader.names import absolute
from cascade.reader.values import Key, Reference, Value

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class BrokenAsset:
    """An asset whose module does not load.

    Args:
        module: the name of the module.
        path: its file.
        declaration: what its source shows of the asset.
        failure: why the module does not load.
    """

    module: str
    path: Path
    declaration: Declaration
    failure: CascadeError

    @property
    def key(self) -> tuple[str, ...]:
        """The parts of the asset key."""
        return self.declaration.asset_key or ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a user may call it: its asset key, and its table with the namespace."""
        return tuple(name for name in ("/".join(self.key), self.declaration.table) if name)

    @property
    def location(self) -> SourceLocation:
        """The line of its decorator."""
        return SourceLocation(str(self.path), self.declaration.line)


def find_broken_assets(failed: Mapping[str, CascadeError]) -> tuple[BrokenAsset, ...]:
    """Read from their source which assets the modules that do not load declare.

    Args:
        failed: why each module does not load, by its name.

    Returns:
        The assets whose keys the source shows. A key that is computed when the module runs is unknown.
    """
    return tuple(asset for name, failure in failed.items() for asset in _assets_of(name, failure))


def _assets_of(module: str, failure: CascadeError) -> Iterator[BrokenAsset]:
    path = _file_of(module)
    try:
        content = path.read_bytes() if path is not None else b""
    except OSError:
        return
    for declaration in declarations_in(content):
        if path is not None and declaration.asset_key and not declaration.in_factory:
            yield BrokenAsset(module, path, declaration, failure)


def _file_of(module: str) -> Path | None:
    """Find the file of a module without importing the packages above it, one of which may be what fails."""
    parts = module.split(".")
    for count in range(len(parts) - 1, 0, -1):
        package = sys.modules.get(".".join(parts[:count]))
        if package is not None:
            return _file_below(getattr(package, "__path__", ()), ".".join(parts[count:]))
    spec = PathFinder.find_spec(parts[0])
    if spec is None:
        return None
    if len(parts) == 1:
        return Path(spec.origin) if spec.origin and spec.has_location else None
    return _file_below(spec.submodule_search_locations or (), ".".join(parts[1:]))


def _file_below(directories: Any, module: str) -> Path | None:
    found = (module_file(Path(directory), module) for directory in directories)
    return next((path for path in found if path is not None), None)


def stand_ins(
    broken: tuple[BrokenAsset, ...], modules: Mapping[str, ModuleType], *, linked: bool = True
) -> dict[tuple[str, ...], dg.AssetsDefinition]:
    """Build an asset that fails for each broken one.

    Args:
        broken: the broken assets.
        modules: the modules that loaded, by name, to find what the broken ones depend on.
        linked: whether they depend on what their source says.

    Returns:
        The assets by the parts of their keys. If two have the same key, the first is kept. An asset whose name is wrong
        is left out.
    """
    import dagster as dg

    from cascade.ingestion.broken import broken_asset

    keys = {(asset.module, asset.declaration.name): asset.key for asset in broken}
    found: dict[tuple[str, ...], dg.AssetsDefinition] = {}
    for asset in broken:
        deps = tuple(_deps(asset, keys, modules)) if linked else ()
        if asset.key in found:
            continue
        # Dagster may refuse the name, which may be the error itself.
        with suppress(dg.DagsterError, TypeError):
            if asset.declaration.table is None:
                found[asset.key] = broken_asset(asset.key, deps, asset.failure, asset.location)
            else:
                found[asset.key] = _broken_ingestion(asset, deps)
    return found


def _broken_ingestion(asset: BrokenAsset, deps: tuple[object, ...]) -> dg.AssetsDefinition:
    from cascade.ingestion.broken import broken_ingestion

    arguments = arguments_of(IngestionDeclaration)
    known: dict[str, Any] = {}
    for argument in asset.declaration.arguments:
        if argument.unread is None and argument.name in _SHOWN:
            value: Any = argument.value
            try:
                known[argument.name] = arguments[argument.name].checked(
                    dict(value) if argument.name == "tags" else value
                )
            except (ValueError, TypeError):
                # This may be the error itself.
                continue
    known["group"] = known.get("group") or domain_of(asset.location) or "default"
    declaration = IngestionDeclaration(
        function=_broken_ingestion,
        location=asset.location,
        unique_key=(),
        validation_schema=object,
        deps=deps,
        **known,
    )
    return broken_ingestion(declaration, asset.failure)


_SHOWN = frozenset(
    {
        *("table_name", "namespace", "group", "owners", "tags", "cron"),
        *("partitions", "partition_start", "partition_end", "partition_timezone"),
    }
)


def _deps(
    asset: BrokenAsset, keys: Mapping[tuple[str, str | None], tuple[str, ...]], modules: Mapping[str, ModuleType]
) -> Iterator[tuple[str, ...]]:
    argument = asset.declaration.argument("deps")
    values = argument.value if argument is not None and isinstance(argument.value, tuple) else ()
    for value in values:
        key = _key(value, asset, keys, modules)
        if key and key != asset.key:
            yield key


def _key(
    value: Value,
    asset: BrokenAsset,
    keys: Mapping[tuple[str, str | None], tuple[str, ...]],
    modules: Mapping[str, ModuleType],
) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(value.split("/"))
    if isinstance(value, Key):
        return value.parts
    if isinstance(value, tuple):
        return tuple(part for part in value if isinstance(part, str))
    if not isinstance(value, Reference):
        return None
    origin = absolute(value.origin, asset.module, is_package=asset.path.name == "__init__.py")
    # `rows.asset` and `rows.key` name the same asset as `rows`.
    origin = origin.removesuffix(".asset").removesuffix(".key")
    module, _, name = origin.rpartition(".")
    if (module or asset.module, name) in keys:
        return keys[module or asset.module, name]
    try:
        return tuple(getattr(modules[module], name).key.path)
    except Exception:
        # It is no asset, or one with several keys.
        return None
