"""The Python files of a project that others of its files import, and their copies inside a package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cascade.migration.foreign.found import Remark
from cascade.migration.foreign.source_code import Imported, SourceCode, is_main_guard, read_source

_MOST_BYTES = 1_000_000
_TOOLS = frozenset({"dlt", "dagster", "cascade"})
_CODING = re.compile(r"^(\s*#.*?coding[:=]\s*)[-\w.]+")
_LEFT_OUT = frozenset({"__pycache__", "tests", "test", "node_modules", "venv", "env", "dist", "build"})


@dataclass
class LocalCode:
    """The files below a directory from which modules are imported.

    Args:
        root: the directory, which is on the import path of the project.
    """

    root: Path
    _read: dict[Path, SourceCode] = field(default_factory=dict, repr=False)

    def source(self, path: Path) -> SourceCode:
        """Return a file, parsed once.

        Raises:
            UsageError: it cannot be read, or is not Python.
        """
        if path not in self._read:
            self._read[path] = read_source(path)
        return self._read[path]

    def module_file(self, module: str, importer: Path) -> Path | None:
        """Return the file of a module, or None if it is not one of the project.

        Args:
            module: its name, with a dot for each level of a relative import.
            importer: the file that imports it.
        """
        level = len(module) - len(module.lstrip("."))
        place = importer.parent if level else self.root
        for _ in range(level - 1):
            place = place.parent
        names = [name for name in module[level:].split(".") if name]
        if not level and names and names[0] in _TOOLS:
            # Scripts of dlt are often in a directory of that name, which is not what they import.
            return None
        target = place.joinpath(*names)
        if not target.is_relative_to(self.root):
            return None
        if names and target.with_suffix(".py").is_file():
            return target.with_suffix(".py")
        return target / "__init__.py" if (target / "__init__.py").is_file() else None

    def defining(self, source: SourceCode, name: str) -> tuple[SourceCode, str] | None:
        """Follow an imported name to the file of the project that defines it.

        Args:
            source: the file that uses the name.
            name: the name.

        Returns:
            That file and the name there; None if it is not one of the project.
        """
        for _ in range(10):
            imported = source.imports.get(name)
            if name in source.functions or name in source.classes or name in source.assigned or imported is None:
                return source, name
            found = self._imported_file(imported, source.path)
            if found is None or imported.name is None or found[1] is None:
                return None
            source, name = self.source(found[0]), found[1]
        return None

    def imported_files(self, source: SourceCode) -> Iterator[Path]:
        """Yield the files of the project that a file imports."""
        for imported in source.imports.values():
            found = self._imported_file(imported, source.path)
            if found is not None:
                yield found[0]

    def closure(self, paths: Iterable[Path]) -> list[Path]:
        """Return files with all files of the project that they import, and those of their packages."""
        found: dict[Path, None] = {}
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found[path] = None
            package = path.parent
            if package != self.root and (package / "__init__.py").is_file():
                waiting.append(package / "__init__.py")
            if path.suffix == ".py":
                waiting += self.imported_files(self.source(path))
                if path.name == "__init__.py" and package != self.root:
                    waiting += _data_files(package)
        return sorted(found)

    def _imported_file(self, imported: Imported, importer: Path) -> tuple[Path, str | None] | None:
        if imported.name is not None:
            separator = "" if imported.module.endswith(".") else "."
            submodule = self.module_file(f"{imported.module}{separator}{imported.name}", importer)
            if submodule is not None:
                return submodule, None
        path = self.module_file(imported.module, importer)
        return None if path is None else (path, imported.name)


def local_code_of(script: Path, top: Path) -> LocalCode:
    """Return the project of a script: the nearest directory from which most of its imports can be found.

    Args:
        script: the file.
        top: the outermost directory that may be its import path.
    """
    nearest = script.parent
    while (nearest / "__init__.py").is_file() and nearest != top:
        nearest = nearest.parent
    roots = [nearest, *(place for place in nearest.parents if place == top or top in place.parents)]
    imports = read_source(script).imports.values()

    def found(root: Path) -> int:
        code = LocalCode(root)
        return sum(code.module_file(each.module, script) is not None for each in imports if each.module[:1] != ".")

    return LocalCode(max(roots, key=found))


@dataclass(frozen=True)
class Edit:
    """A change of the text of a file.

    Args:
        start: the first character, an index into the text.
        end: the first character after it.
        text: what is written instead.
    """

    start: int
    end: int
    text: str


def edited(source: SourceCode, edits: Iterable[Edit]) -> str:
    """Return the text of a file with changes, which must not overlap."""
    text = source.text
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    # Whatever the encoding was, the copy is written in UTF-8.
    lines = text.split("\n", 2)
    return "\n".join([*(_CODING.sub(r"\1utf-8", line) for line in lines[:2]), *lines[2:]])


def offset(source: SourceCode, line: int, column: int) -> int:
    """Return the index in the text of a position of `ast`, which counts the bytes of a line."""
    before = sum(map(len, source.lines[: line - 1]))
    return before + len(source.lines[line - 1].encode()[:column].decode())


def span(source: SourceCode, node: ast.expr | ast.stmt) -> tuple[int, int]:
    """Return where the text of a node begins and ends."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    return offset(source, node.lineno, node.col_offset), offset(source, node.end_lineno, node.end_col_offset)


def relative_module(module: str, importer: PurePosixPath) -> str:
    """Return an absolute module of the project as a relative one, as seen from a file of it.

    Args:
        module: the module, from the root of the import path.
        importer: the path of the file from there.
    """
    return "." * len(importer.parts) + module


def import_edits(code: LocalCode, source: SourceCode) -> tuple[list[Edit], list[Remark]]:
    """Make the absolute imports of a file's own project relative, so that the project can be inside a package.

    Args:
        code: the project.
        source: the file.

    Returns:
        The changes, and remarks on imports that stay as they are.
    """
    edits, remarks = [], []
    importer = PurePosixPath(source.path.relative_to(code.root).as_posix())
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if code.module_file(node.module, source.path) is None and not _is_namespace(code, node.module):
                continue
            start, _ = span(source, node)
            where = source.text.index(node.module, start + len("from"))
            edits.append(Edit(where, where + len(node.module), relative_module(node.module, importer)))
        elif isinstance(node, ast.Import):
            own = [alias for alias in node.names if code.module_file(alias.name, source.path) is not None]
            if not own:
                continue
            if len(node.names) == 1 and ("." not in own[0].name or own[0].asname):
                package, _, name = own[0].name.rpartition(".")
                alias = f" as {own[0].asname}" if own[0].asname else ""
                edits.append(
                    Edit(*span(source, node), f"from {relative_module(package, importer)} import {name}{alias}")
                )
            else:
                text = f"`{ast.unparse(node)}` imports code that was copied. Import each module with `from ... import`."
                remarks.append(Remark(source.path, node.lineno, text))
    return edits, remarks


def removal(source: SourceCode, node: ast.stmt) -> Edit:
    """Return the change that removes the lines of a statement at the top level."""
    start = offset(source, node.lineno, 0)
    assert node.end_lineno is not None
    end = sum(map(len, source.lines[: node.end_lineno]))
    return Edit(start, end, "")


def without_guard(source: SourceCode) -> list[Edit]:
    """Return the changes that remove `if __name__ == "__main__":`, which is for a script."""
    return [removal(source, node) for node in source.tree.body if is_main_guard(node)]


def _is_namespace(code: LocalCode, module: str) -> bool:
    """Return whether a module is a directory of the project without `__init__.py`."""
    if module.partition(".")[0] in _TOOLS:
        return False
    place = code.root.joinpath(*module.split("."))
    return place.is_dir() and any(place.glob("*.py"))


def _data_files(package: Path) -> Iterator[Path]:
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        hidden = any(part.startswith(".") or part in _LEFT_OUT for part in parts)
        if hidden or path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            continue
        if path.suffix in (".json", ".yaml", ".yml", ".sql", ".csv", ".txt", ".graphql", ".toml"):
            yield path
