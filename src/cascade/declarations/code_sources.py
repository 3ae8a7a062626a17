"""A project's own modules: what each imports, and which files they read."""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cascade.legacy.active import active_project
from cascade.reader.contract_files import contract_table
from cascade.reader.fingerprint import TEST_DATA, fingerprint, fingerprint_of_data, fingerprint_of_tree, parsed
from cascade.reader.names import absolute

# Those of the field `data` of a `cascade_workflow`, which the Pants backend packs.
DATA = frozenset(
    {".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".toml", ".xml", ".graphql", ".avsc"}
    | {".sql", ".jinja", ".jinja2", ".j2", ".tmpl", ".tpl", ".html", ".txt"}
    | {".csv", ".tsv", ".parquet"}
)
_NOT_DATA = frozenset({"pyproject.toml", "dg.toml"})
_RUNTIME = "cascade"


@lru_cache(maxsize=8192)
def _read(path: str, size: int, modified: int, module: str) -> tuple[str, tuple[str, ...]]:
    if not path.endswith(".py"):
        with open(path, "rb") as file:
            return fingerprint_of_data(file), ()
    content = Path(path).read_bytes()
    tree = parsed(content)
    if tree is None:
        return fingerprint(content, is_python=True), ()
    names = imported_names(tree, module, is_package=os.path.basename(path) == "__init__.py")
    return fingerprint_of_tree(tree), tuple(names)


def read_file(path: str, module: str = "") -> tuple[str, tuple[str, ...]]:
    """Return the fingerprint of a file and the full names that it imports. It is read again only after a change.

    Args:
        path: the file.
        module: the name of the module that it is, if it is one.

    Raises:
        OSError: the file cannot be read.
    """
    status = os.stat(path)
    return _read(path, status.st_size, status.st_mtime_ns, module)


def imported_names(tree: ast.Module, module: str, *, is_package: bool) -> list[str]:
    """Return the full names that a module imports when it runs.

    Args:
        tree: the module.
        module: its name.
        is_package: whether it is a package's `__init__.py`.

    Returns:
        Names of modules, and of what is taken from them, which may be modules too.
    """
    names: dict[str, None] = {}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names.update((one.name, None) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = absolute("." * node.level + (node.module or ""), module, is_package=is_package)
            names.update((home if one.name == "*" else f"{home}.{one.name}", None) for one in node.names)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.expr):
            waiting += ast.iter_child_nodes(node)
    return [name for name in names if name]


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


@dataclass
class OwnModules:
    """The modules of a project, found by name in its directories, and not among the installed distributions.

    Args:
        roots: directories of the import path.
        top: the only package whose modules are the project's own; None if every module in `roots` is.
    """

    roots: Sequence[str]
    top: str | None = None
    _files: dict[str, str | None] = field(default_factory=dict)
    _own: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def beside(cls, module: str, file: Path) -> OwnModules:
        """Return the modules that belong to the same project as one of them.

        Args:
            module: the name of the module.
            file: its file.
        """
        legacy = active_project()
        if legacy is not None and file.is_relative_to(legacy.package):
            return cls([str(legacy.package.parent)], _RUNTIME)
        roots = [entry for entry in map(os.path.abspath, sys.path) if not _is_installed(entry)]
        root = root_of(module, file)
        if root is None:
            return cls(roots)
        if _is_installed(str(root)):
            # An installed project, or one in a PEX, shares its directory with the distributions that it needs.
            return cls([str(root)], module.partition(".")[0])
        return cls([*dict.fromkeys([str(root), *roots])])

    def is_own(self, top: str) -> bool:
        """Return whether a package or module outside of any package is the project's own."""
        # A project in the layout from before version 1.0 has a package of the same name as Cascade.
        if (is_given(top) and top != self.top) or self.top not in (None, top):
            return False
        if top not in self._own:
            # A directory without an `__init__.py` is a package only if there are modules in it.
            below = (next(Path(root, top).rglob("*.py"), None) for root in self.roots)
            self._own[top] = self.find(top) is not None or any(below)
        return self._own[top]

    def find(self, name: str) -> str | None:
        """Return the file of a module or package, or None if it has none."""
        if name not in self._files:
            places = [os.path.join(root, *name.split(".")) for root in self.roots]
            files = (file for place in places for file in (os.path.join(place, "__init__.py"), f"{place}.py"))
            self._files[name] = next(filter(os.path.isfile, files), None)
        return self._files[name]


def is_given(top: str) -> bool:
    """Return whether a package belongs to Python or is Cascade, whose versions do not count."""
    return top == _RUNTIME or top in sys.stdlib_module_names


def root_of(module: str, file: Path) -> Path | None:
    """Return the directory of the import path that a module comes from, or None if its name says nothing of it."""
    parts = [*module.split("."), "__init__"] if file.name == "__init__.py" else module.split(".")
    if [*file.parts[-len(parts) : -1], file.stem] != parts or len(file.parts) <= len(parts):
        return None
    return file.parents[len(parts) - 1]


@dataclass(frozen=True)
class Code:
    """What decides what some modules do.

    Args:
        modules: the files of these modules, and of those of the project that they import, by name.
        data: the files that these may read, by what tells them apart in any directory.
        packages: the packages that they import and that are not the project's own.
    """

    modules: Mapping[str, str]
    data: Mapping[str, str]
    packages: frozenset[str]


def code_of(starts: Mapping[str, Path]) -> Code:
    """Return what decides what some modules do.

    Args:
        starts: the files of these modules by name.

    Raises:
        OSError: a file cannot be read.
    """
    modules, packages = closure_of(starts)
    files = {}
    for name, file in modules.items():
        directory, base = os.path.split(file)
        is_package = base == "__init__.py"
        if is_package and name not in starts:
            # An import of a module below it only passes through.
            continue
        for data in data_beside(directory, is_package=is_package or "." in name):
            files[f"{name.rpartition('.')[0]}/{data.removeprefix(directory)}"] = data
    return Code(modules, files, frozenset(packages))


def closure_of(starts: Mapping[str, Path]) -> tuple[dict[str, str], set[str]]:
    """Return the files of the project's modules that some modules import, and the packages that are not its own.

    Args:
        starts: the files of these modules by name. They are part of the result.

    Raises:
        OSError: a file cannot be read.
    """
    own = OwnModules.beside(*list(starts.items())[-1])
    modules: dict[str, str] = {}
    packages: set[str] = set()
    waiting = [(name, str(file)) for name, file in starts.items()]
    while waiting:
        name, file = waiting.pop()
        if name in modules:
            continue
        modules[name] = file
        imported = read_file(file, name)[1]
        inside = own.is_own(name.partition(".")[0])
        waiting += _own_modules([name, *imported] if inside else imported, own, packages)
    return modules, packages


def _own_modules(names: Iterable[str], own: OwnModules, packages: set[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        top, *rest = name.split(".")
        if not own.is_own(top):
            packages.update([top] if not is_given(top) else [])
            continue
        for count in range(len(rest) + 1):
            # An import runs the packages above a module. The last part may be a name inside one.
            module = ".".join([top, *rest[:count]])
            file = own.find(module)
            if file is not None:
                found.append((module, file))
    return found


def data_beside(directory: str, *, is_package: bool) -> Iterator[str]:
    """Yield the data files that a module may read: in its directory, and in those below that contain no module.

    Args:
        directory: the directory of the module.
        is_package: whether it is the directory of a package. That of a project holds much else, so nothing below it
            counts.
    """
    waiting = [directory]
    while waiting:
        place = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            continue
        if place != directory and any(entry.name.endswith(".py") for entry in entries):
            continue
        for entry in entries:
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting += [entry.path] if is_package and entry.name != TEST_DATA else []
            elif _is_data(entry):
                yield entry.path


def _is_data(entry: os.DirEntry[str]) -> bool:
    if os.path.splitext(entry.name)[1] not in DATA or entry.name in _NOT_DATA:
        return False
    # A contract says what a table is, and the code does not read it.
    return contract_table(Path(entry.path).as_posix()) is None and entry.is_file()


@lru_cache(maxsize=1)
def _installed() -> frozenset[Path]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return frozenset(Path(path).resolve() for name in names if (path := sysconfig.get_path(name)))


@lru_cache(maxsize=256)
def _is_installed(directory: str) -> bool:
    place = Path(directory)
    if place.name in ("site-packages", "dist-packages") or place.is_file():
        return True
    return not _installed().isdisjoint((resolved := place.resolve(), *resolved.parents))
