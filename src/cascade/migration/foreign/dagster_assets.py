"""The `@asset` functions of a Dagster project, and what keeps one from becoming a workflow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cascade.migration.foreign.columns import columns_of_rows
from cascade.migration.foreign.dagster_partitions import Partitions, partitions_of
from cascade.migration.foreign.found import Column
from cascade.migration.foreign.local_code import LocalCode
from cascade.migration.foreign.source_code import Function, SourceCode, Unknown, arguments_of, assignments

_TAKEN_OVER = frozenset(
    {
        *("name", "key_prefix", "group_name", "deps", "description", "owners", "tags", "partitions_def"),
        *("freshness_policy", "automation_condition", "auto_materialize_policy", "retry_policy"),
    }
)
_LEFT_OUT = frozenset(
    {
        "io_manager_key",
        "metadata",
        "kinds",
        "compute_kind",
        "code_version",
        "dagster_type",
        "op_tags",
        "output_required",
    }
)
_ROWS = re.compile(
    r"(?:pd|pandas|pl|polars|pa|pyarrow)\.(?:DataFrame|LazyFrame|Table|RecordBatchReader)|DataFrame|LazyFrame"
    r"|(?:list|List|Iterator|Iterable|Generator|Sequence|typing\.\w+)\[(?:dict|Dict|Mapping|dict\[.*|Dict\[.*)\b.*"
    r"|DltSource|DltResource"
)
_MAKES_ROWS = re.compile(
    r"(?:pandas|polars|pyarrow(?:\.\w+)?)\.(?:DataFrame|read_\w+|from_\w+|Table\.\w+|scan_\w+|concat)"
)
_RESOURCE_BASES = ("ConfigurableResource", "ConfigurableIOManager", "ConfigurableResourceFactory")
_COLUMN_KINDS = {
    **dict.fromkeys(("int", "integer", "bigint", "int64", "long", "int32"), "int"),
    **dict.fromkeys(("float", "double", "number", "float64", "real"), "float"),
    **dict.fromkeys(("string", "str", "text", "varchar", "utf8"), "str"),
    **dict.fromkeys(("bool", "boolean"), "bool"),
    "date": "date",
    **dict.fromkeys(("timestamp", "timestamptz"), "instant"),
}


@dataclass(frozen=True)
class Asset:
    """An `@asset` function.

    Args:
        source: the file.
        function: the function.
        decorator: the decorator.
        arguments: its arguments.
    """

    source: SourceCode
    function: Function
    decorator: ast.expr
    arguments: Mapping[str, ast.expr]

    @property
    def name(self) -> str:
        """The last part of the asset's key."""
        value = self.source.constant(self.arguments.get("name")) if "name" in self.arguments else None
        return value if isinstance(value, str) else self.function.name

    @property
    def prefix(self) -> Any:
        """The other parts of the key, as a list; `UNKNOWN` if they are not constant."""
        if "key_prefix" not in self.arguments:
            return []
        value = self.source.constant(self.arguments["key_prefix"])
        return [value] if isinstance(value, str) else value

    @property
    def parameters(self) -> list[ast.arg]:
        """The parameters of the function."""
        given = self.function.args
        return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def assets_of(source: SourceCode) -> Iterator[Asset]:
    """Yield the `@asset` functions at the top level of a file."""
    for function in source.functions.values():
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if source.full_name(called) == "dagster.asset" and len(function.decorator_list) == 1:
                given = arguments_of(decorator) if isinstance(decorator, ast.Call) else {}
                yield Asset(source, function, decorator, given)


def other_assets_of(source: SourceCode) -> Iterator[tuple[Function, str]]:
    """Yield the functions of a file that declare assets in another way, and what that is."""
    simple = {id(asset.function) for asset in assets_of(source)}
    for node in ast.walk(source.tree):
        if not isinstance(node, Function) or id(node) in simple:
            continue
        for decorator in node.decorator_list:
            name = source.full_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name in ("dagster.multi_asset", "dagster.graph_asset", "dagster.graph_multi_asset"):
                yield node, f"is declared by @{name.removeprefix('dagster.')}"
            elif name == "dagster.asset":
                several = len(node.decorator_list) > 1
                yield node, "has other decorators" if several else "is declared inside of other code"


def read_names(source: SourceCode) -> set[str]:
    """Return the assets whose values other functions of a file take as arguments, from an I/O manager."""
    names: set[str] = set()
    for function in source.functions.values():
        if not function.decorator_list:
            continue
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if source.full_name(called).startswith("dagster."):
                given = function.args
                names |= {each.arg for each in [*given.posonlyargs, *given.args, *given.kwonlyargs]}
                names |= {
                    node.value
                    for node in ast.walk(decorator)
                    if isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and "ins" in (arguments_of(decorator) if isinstance(decorator, ast.Call) else {})
                }
    return names


def obstacle(asset: Asset, code: LocalCode, read: set[str]) -> str | None:
    """Return why an asset stays as it is, in one sentence without its subject; None if it becomes a workflow.

    Args:
        asset: the asset.
        code: the files of the project.
        read: the names of the assets whose values other assets take.
    """
    if isinstance(asset.function, ast.AsyncFunctionDef):
        return "is async, and a workflow is a plain function"
    unknown = sorted(set(asset.arguments) - _TAKEN_OVER - _LEFT_OUT)
    if unknown:
        return f"has the argument {', '.join(unknown)}, which a workflow does not take"
    if isinstance(asset.prefix, Unknown) or len(asset.prefix) > 1:
        return "has a key of more than two parts, or one that is not constant"
    if not re.fullmatch(r"[A-Za-z0-9_]+", asset.name):
        return "has a name that cannot be that of a table"
    for parameter in asset.parameters:
        reason = _parameter_obstacle(parameter, asset, code)
        if reason:
            return reason
    if asset.name in read:
        return "is read by another asset through an I/O manager. To change that, read it with the resource lakehouse"
    if not returns_rows(asset):
        return "does not return rows, as far as its code shows"
    if "partitions_def" in asset.arguments:
        found = partitions_of(asset.arguments["partitions_def"], asset.source, code)
        return found if isinstance(found, str) else None
    return None


def partitions(asset: Asset, code: LocalCode) -> Partitions | None:
    """Return the partitions of an asset that becomes a workflow; None if it has none."""
    node = asset.arguments.get("partitions_def")
    found = None if node is None else partitions_of(node, asset.source, code)
    return found if isinstance(found, Partitions) else None


def returns_rows(asset: Asset) -> bool:
    """Return whether a function returns rows, by its annotation or by what it returns."""
    annotation = asset.function.returns
    if annotation is not None:
        text = ast.unparse(annotation).strip("'\"")
        if _ROWS.fullmatch(text):
            return True
        if text not in ("Any", "object", "list", "List"):
            return False
    returned = list(_returned(asset.function))
    return bool(returned) and all(_gives_rows(node, asset) for node in returned)


def known_columns(asset: Asset) -> tuple[tuple[Column, ...], bool]:
    """Return the columns that the code of an asset shows, and whether they are all.

    Args:
        asset: the asset: of its metadata `dagster/column_schema`, or of rows in the code.
    """
    metadata = asset.arguments.get("metadata")
    if isinstance(metadata, ast.Dict):
        for key, value in zip(metadata.keys, metadata.values, strict=True):
            if key is not None and asset.source.constant(key) == "dagster/column_schema":
                return _of_column_schema(value, asset.source)
    rows: list[Any] = []
    for node in _returned(asset.function):
        rows += _constant_rows(node, asset)
    if rows and all(isinstance(row, dict) for row in rows):
        columns, left = columns_of_rows(rows)
        return columns, not left
    return (), False


def _parameter_obstacle(parameter: ast.arg, asset: Asset, code: LocalCode) -> str | None:
    if parameter.arg == "context":
        return None
    if parameter.arg == "config":
        return "takes a run configuration"
    if parameter.annotation is None:
        return f"takes the value of {parameter.arg} from an I/O manager"
    text = ast.unparse(parameter.annotation).strip("'\"")
    if text.partition("[")[0].endswith("ResourceParam"):
        return None
    name = asset.source.full_name(parameter.annotation)
    if re.fullmatch(r"dagster(_\w+)?\..*(Resource|Client)", name):
        return None
    found = code.defining(asset.source, name) if isinstance(parameter.annotation, ast.Name) else None
    if found is not None and found[1] in found[0].classes:
        bases = [found[0].full_name(base).rpartition(".")[2] for base in found[0].classes[found[1]].bases]
        if any(base in _RESOURCE_BASES or base.endswith("Resource") for base in bases):
            return None
        if "Config" in bases:
            return f"takes a run configuration, {text}"
    return f"takes the value of {parameter.arg} from an I/O manager"


def _returned(function: Function) -> Iterator[ast.expr]:
    nested = {
        inner
        for node in ast.walk(function)
        if isinstance(node, (Function, ast.Lambda)) and node is not function
        for inner in ast.walk(node)
    }
    for node in ast.walk(function):
        if node not in nested and isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
            yield node.value


def _gives_rows(node: ast.expr, asset: Asset) -> bool:
    local = dict(pair for each in ast.walk(asset.function) if isinstance(each, ast.stmt) for pair in assignments(each))
    seen: set[str] = set()
    while isinstance(node, ast.Name) and node.id in local and node.id not in seen:
        seen.add(node.id)
        node = local[node.id]
    if isinstance(node, ast.Call):
        name = asset.source.full_name(node.func)
        if _MAKES_ROWS.fullmatch(name):
            return True
        return isinstance(node.func, ast.Attribute) and _gives_rows(node.func.value, asset) if name == "" else False
    rows = asset.source.constant(node)
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)


def _constant_rows(node: ast.expr, asset: Asset) -> list[Any]:
    local = dict(pair for each in asset.function.body for pair in assignments(each))
    if isinstance(node, ast.Name) and node.id in local:
        node = local[node.id]
    if isinstance(node, ast.Call) and asset.source.full_name(node.func).endswith(".DataFrame") and node.args:
        columns = asset.source.constant(node.args[0], local)
        if isinstance(columns, dict) and columns and all(isinstance(each, list) for each in columns.values()):
            longest = max(len(each) for each in columns.values())
            return [
                {name: values[n] if n < len(values) else None for name, values in columns.items()}
                for n in range(longest)
            ]
        return columns if isinstance(columns, list) else [columns]
    value = asset.source.constant(node, local)
    return value if isinstance(value, list) else [value]


def _of_column_schema(node: ast.expr, source: SourceCode) -> tuple[tuple[Column, ...], bool]:
    columns, complete = [], True
    for each in ast.walk(node):
        if not (isinstance(each, ast.Call) and source.full_name(each.func) == "dagster.TableColumn"):
            continue
        given = arguments_of(each, "name", "type", "description", "constraints")
        name = source.constant(given.get("name"))
        kind = _COLUMN_KINDS.get(str(source.constant(given.get("type", ast.Constant("string")))).lower())
        constraints = given.get("constraints")
        required = constraints is not None and "nullable=False" in ast.unparse(constraints)
        described = source.constant(given.get("description", ast.Constant("")))
        if isinstance(name, str) and kind is not None:
            columns.append(Column(name, kind, required, described if isinstance(described, str) else ""))
        else:
            complete = False
    return tuple(columns), complete and bool(columns)
