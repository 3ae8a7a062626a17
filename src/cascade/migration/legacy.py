"""Migrate a project from the layout that Cascade had before version 1.0."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from cascade.legacy.layout import LegacyLayout
from cascade.legacy.project import old_partitions
from cascade.migration.imports import Rewritten, rewrite
from cascade.migration.legacy_places import WORKFLOWS, Places, module_name
from cascade.migration.legacy_settings import migrate_settings
from cascade.migration.names import Module, NewNames
from cascade.migration.tree import Tree

_MENTION = re.compile(
    r"\bsrc/cascade\b(/\w+)?|\bcascade/(defs|schemas|transforms)\b|\bcascade\.(defs|definitions|schemas\.\w+)\b"
)
_MENTIONS = 3
"""How many lines of a file are told one by one."""
_FLAT_FIELD = re.compile(r"\s+([a-z]\w*?[a-z0-9]__[a-z]\w*)\s*:")
_DOCUMENTS = frozenset({".md", ".rst", ".txt"})
_TEXTS = frozenset({".toml", ".yaml", ".yml", ".cfg", ".ini", ".sh", ".json", ".tf"})
_NAMED = frozenset({"Dockerfile", "Makefile", "Justfile", "justfile", "Procfile"})


def migrate_legacy(tree: Tree, layout: LegacyLayout, name: str | None = None) -> None:
    """Move the files of a project, and rewrite what refers to them.

    Args:
        tree: the files of the project.
        layout: what they are.
        name: the name of the migrated project; by default, the one it has.

    Raises:
        UsageError: a file is where another one would move, a link leads out of the project, or libcst is missing.
    """
    places = Places(tree, layout)
    rewritten = _rewrite_all(places, _assets(tree, layout), _partitions(layout))
    modules = {layout.root / path: rewritten[path] for path in rewritten}
    _tell_dropped(places)
    _tell_flat_fields(tree, places)
    tree.decide(
        "Fields keep the names of the source: nothing makes station_id of stationId any more. A run names the fields "
        "that the schema lacks. Give its fields these names as aliases."
    )
    places.apply()
    for file, result in modules.items():
        old = places.relative(file)
        new = places.new.get(old, old)
        tree.write(new, result.content)
        for line, text in result.unsure:
            tree.decide(text, new, line)
    _call_build_functions(tree, places)
    _add_packages(tree)
    migrate_settings(tree, layout, name)
    _tell_mentions(tree)


def _partitions(layout: LegacyLayout) -> dict[str, str]:
    """Return the arguments of the decorator that say which partitions all workflows had.

    The setting `partition_start` would say it once, but `cascade validate` reads no settings, and would find that a job
    of the project has other partitions than its workflows.
    """
    return {name: value for name, value in old_partitions(layout.package).items() if value != "UTC"}


def _rewrite_all(places: Places, assets: Mapping[str, str], arguments: Mapping[str, str]) -> dict[str, Rewritten]:
    """Rewrite all modules, and keep those of the old framework that have what others import."""
    tree = places.tree
    while True:
        names = places.names()
        paths = [path for path in tree.paths() if path.endswith(".py") and path not in places.dropped]
        found = {
            path: rewritten
            for path in paths
            if (rewritten := _rewrite(places, path, names, assets, arguments)) is not None
        }
        missing = {module for rewritten in found.values() for module, _ in rewritten.missing}
        if not any([places.keep(module) for module in sorted(missing)]):
            return found


def _rewrite(
    places: Places, path: str, names: NewNames, assets: Mapping[str, str], arguments: Mapping[str, str]
) -> Rewritten | None:
    layout, tree = places.layout, places.tree
    file = layout.root / path
    module = Module()
    if file.is_relative_to(layout.package) and path in places.new:
        is_package = file.name == "__init__.py"
        module = Module(layout.module_name(file), module_name(places.new[path]), is_package)
    try:
        return rewrite(tree.read(path), module, names, assets, arguments)
    except (SyntaxError, UnicodeDecodeError) as error:
        reason, line = (error.msg, error.lineno or 0) if isinstance(error, SyntaxError) else (error, 0)
        tree.decide(f"It is not valid Python, so it was not rewritten: {reason}.", places.new.get(path, path), line)
        return None


def _assets(tree: Tree, layout: LegacyLayout) -> dict[str, str]:
    """Return the new names of the assets that the workflows of a project declare, by the old ones."""
    tables = set()
    for file in layout.workflows:
        path = file.relative_to(layout.root).as_posix()
        if path in tree:
            tables |= set(_tables(tree.read(path)))
    return {f"dlt_{table}": table for table in tables}


def _tables(source: bytes) -> Iterator[str]:
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "table_name" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def _tell_dropped(places: Places) -> None:
    if places.dropped:
        gone = "removed" if places.tree.into == places.tree.root else "left out"
        listed = "".join(f"\n{path}" for path in sorted(places.dropped))
        places.tree.decide(
            f"The installed package replaces these files of the framework, so they are {gone}. If you have changed "
            f"one, carry the change over:{listed}"
        )


def _call_build_functions(tree: Tree, places: Places) -> None:
    """Assign what `build_defs` of a package returns, which Cascade calls in the old layout only.

    What such a function only lists is found in its modules anyway.
    """
    for file in (*places.layout.definitions, *places.layout.workflows):
        path = places.new.get(places.relative(file), "")
        text = (tree.text(path) if path in tree else None) or ""
        if "build_defs" not in text:
            continue
        try:
            module = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "build_defs"]
        if not functions or _only_lists(functions[0]):
            continue
        arguments = functions[0].args
        required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
        names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        if file.name == "__init__.py" and not required and not arguments.kwonlyargs and "defs" not in names:
            end = "\r\n" if "\r\n" in text else "\n"
            tree.write(path, f"{text.rstrip()}{end}{end}{end}defs = build_defs(){end}")
        else:
            tree.decide(
                "Nothing calls build_defs any more: Cascade collects what modules have at module level. If this makes "
                "something else, assign it below: defs = build_defs()",
                path,
                functions[0].lineno,
            )


def _tell_flat_fields(tree: Tree, places: Places) -> None:
    """Tell of the fields of schemas that dlt made of objects in rows."""
    for file in places.layout.schemas:
        path = places.relative(file)
        text = (tree.text(path) if path in tree else None) or ""
        for number, line in enumerate(text.splitlines(), 1):
            found = _FLAT_FIELD.match(line)
            if found:
                whole, inner = found[1].split("__", 1)
                tree.decide(
                    f"dlt made {found[1]} of the field {inner} in {whole}, and no longer does. Let the workflow return "
                    "rows with this name.",
                    places.new.get(path, path),
                    number,
                )


def _only_lists(function: ast.FunctionDef) -> bool:
    """Return whether a function only returns `Definitions` of what its module has."""
    statements = [
        each for each in function.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
    if (
        len(statements) != 1
        or not isinstance(statements[0], ast.Return)
        or not isinstance(statements[0].value, ast.Call)
    ):
        return False
    values = [keyword.value for keyword in statements[0].value.keywords]
    return not statements[0].value.args and all(
        isinstance(value, (ast.List, ast.Tuple)) and all(isinstance(each, ast.Name) for each in value.elts)
        for value in values
    )


def _add_packages(tree: Tree) -> None:
    """Add the `__init__.py` of each package of workflows that has none."""
    directories = {
        parent.as_posix()
        for path in tree.paths(WORKFLOWS)
        if path.endswith(".py")
        for parent in PurePosixPath(path).parents
        if parent.parts
    }
    for directory in directories:
        if f"{directory}/__init__.py" not in tree:
            tree.write(f"{directory}/__init__.py", "")


def _tell_mentions(tree: Tree) -> None:
    """Tell of files that are not Python and name the old places. Documents are told together."""
    documents = []
    for path in tree.paths():
        name = PurePosixPath(path)
        if name.suffix not in _TEXTS | _DOCUMENTS and name.name not in _NAMED:
            continue
        lines = (tree.small_text(path) or "").splitlines()
        found = [(number, match[0]) for number, line in enumerate(lines, 1) if (match := _MENTION.search(line))]
        if name.suffix in _DOCUMENTS and found:
            documents.append(
                f"\n{path}, line{'s' if len(found) > 1 else ''} {', '.join(str(each) for each, _ in found[:5])}"
                + (f" and {len(found) - 5} more" if len(found) > 5 else "")
            )
            continue
        if len(found) > _MENTIONS:
            numbers = ", ".join(str(number) for number, _ in found)
            tree.decide(f"It names places that have moved, such as {found[0][1]}, in the lines {numbers}.", path)
            continue
        for number, mention in found:
            tree.decide(f"It names {mention}, which has moved.", path, number)
    if documents:
        tree.decide("These documents name places that have moved:" + "".join(documents))
