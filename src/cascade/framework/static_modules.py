"""Modules whose import would do nothing but declare, as far as their source shows.

Such a module consists of imports, constants, functions, and workflows with arguments that the reader knows. Classes and
any other statement may do anything, so a module with one of those is imported.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType

from cascade.declarations.declaration import CONTEXT
from cascade.declarations.ingestion import PARTITION_PARAMETERS
from cascade.reader.declarations import Declaration
from cascade.reader.modules import read_module
from cascade.reader.names import INGESTION, absolute

_BUILT_IN = frozenset(dir(builtins))
# A larger module is data, and reading it takes as long as importing it.
_MOST_BYTES = 200_000


@dataclass(frozen=True)
class StaticWorkflow:
    """A workflow of a static module.

    Args:
        declaration: the arguments of its decorator.
        function: the decorated function.
    """

    declaration: Declaration
    function: ast.FunctionDef

    def stub(self, module: str, file: str) -> FunctionType:
        """Return a function with the name, the parameters, the docstring and the place of the decorated one."""
        given = self.function.args
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        for argument in named:
            argument.annotation = None
        given.defaults = [ast.Constant(None) for _ in given.defaults]
        given.kw_defaults = [default and ast.Constant(None) for default in given.kw_defaults]
        bare = ast.parse(f"def {self.function.name}(): pass")
        bare.body[0].args = given  # type: ignore[attr-defined]
        namespace: dict[str, FunctionType] = {}
        exec(compile(ast.fix_missing_locations(bare), file, "exec"), {"__name__": module}, namespace)
        stub = namespace[self.function.name]
        stub.__code__ = stub.__code__.replace(co_firstlineno=self.declaration.line)
        stub.__doc__ = ast.get_docstring(self.function, clean=False)
        return stub


@dataclass(frozen=True)
class StaticModule:
    """A module that need not be imported.

    Args:
        imports: the modules that it imports, each with the name that it takes from there, or None.
        workflows: its workflows.
    """

    imports: tuple[tuple[str, str | None], ...] = ()
    workflows: tuple[StaticWorkflow, ...] = ()


def static_module(content: bytes, name: str, *, is_package: bool) -> StaticModule | None:
    """Read a module, or return None if only an import shows what it does.

    Args:
        content: its source.
        name: its full name.
        is_package: whether it is a package's `__init__.py`.
    """
    if len(content) > _MOST_BYTES:
        return None
    try:
        tree = ast.parse(content)
        if any(isinstance(statement, ast.ClassDef) for statement in tree.body):
            return None
        return _Reading(content, name, is_package).read(tree)
    except (_NotStaticError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _NotStaticError(Exception):
    pass


class _Reading:
    def __init__(self, content: bytes, name: str, is_package: bool) -> None:
        module = read_module(content)
        self._declared = {one.line: one for one in module.declarations if not one.in_factory}
        if any(one.call != INGESTION or one.assigned or one.unread for one in self._declared.values()):
            raise _NotStaticError
        self._name = name
        self._is_package = is_package
        self._imports: list[tuple[str, str | None]] = []
        self._workflows: list[StaticWorkflow] = []
        self._known: set[str] = {"__name__", "__file__"}
        self._postponed = False

    def read(self, tree: ast.Module) -> StaticModule:
        for statement in tree.body:
            self._read(statement)
        if len(self._workflows) != len(self._declared):
            raise _NotStaticError
        return StaticModule(tuple(dict.fromkeys(self._imports)), tuple(self._workflows))

    def _read(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                self._imports.append((alias.name, None))
                self._known.add(alias.asname or alias.name.partition(".")[0])
        elif isinstance(statement, ast.ImportFrom):
            self._read_import_from(statement)
        elif isinstance(statement, ast.FunctionDef):
            self._read_function(statement)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            self._read_assignment(statement)
        elif not (_is_text(statement) or isinstance(statement, ast.Pass) or _is_for_type_checkers(statement)):
            raise _NotStaticError

    def _read_import_from(self, statement: ast.ImportFrom) -> None:
        written = "." * statement.level + (statement.module or "")
        module = absolute(written, self._name, is_package=self._is_package)
        if module == "__future__":
            self._postponed = self._postponed or any(alias.name == "annotations" for alias in statement.names)
        for alias in statement.names:
            if alias.name == "*":
                raise _NotStaticError
            self._imports.append((module, alias.name))
            self._known.add(alias.asname or alias.name)

    def _read_function(self, function: ast.FunctionDef) -> None:
        given = function.args
        defaults = [default for default in (*given.defaults, *given.kw_defaults) if default is not None]
        if not all(isinstance(default, ast.Constant) for default in defaults):
            raise _NotStaticError
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        self._check_annotations([argument.annotation for argument in named] + [function.returns])
        self._known.add(function.name)
        if not function.decorator_list:
            return
        declaration = self._declared.get(function.decorator_list[0].lineno)
        positional = [*given.posonlyargs, *given.args]
        required = {argument.arg for argument in positional[: len(positional) - len(given.defaults)]}
        required |= {a.arg for a, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None}
        # Any other parameter is a resource, whose class decides.
        if declaration is None or len(function.decorator_list) > 1 or required - {*PARTITION_PARAMETERS, CONTEXT}:
            raise _NotStaticError
        self._workflows.append(StaticWorkflow(declaration, function))

    def _read_assignment(self, statement: ast.Assign | ast.AnnAssign) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if isinstance(statement, ast.AnnAssign):
            self._check_annotations([statement.annotation])
        if statement.value is not None:
            self._check_value(statement.value)
        for target in targets:
            if not isinstance(target, ast.Name):
                raise _NotStaticError
            self._known.add(target.id)

    def _check_value(self, value: ast.expr) -> None:
        call_of_logger = isinstance(value, ast.Call) and ast.unparse(value) == "logging.getLogger(__name__)"
        if call_of_logger and "logging" in self._known:
            return
        plain = (
            ast.Constant,
            ast.List,
            ast.Tuple,
            ast.Set,
            ast.Dict,
            ast.expr_context,
            ast.UnaryOp,
            ast.USub,
            ast.Name,
        )
        if not all(isinstance(node, plain) for node in ast.walk(value)) or not set(_names(value)) <= self._known:
            raise _NotStaticError

    def _check_annotations(self, annotations: list[ast.expr | None]) -> None:
        """Raise if an annotation is evaluated and may fail, as that of an unknown name does."""
        if self._postponed:
            return
        for annotation in filter(None, annotations):
            plain = all(isinstance(node, (ast.Constant, ast.Name, ast.expr_context)) for node in ast.walk(annotation))
            if not plain or not set(_names(annotation)) <= self._known | _BUILT_IN:
                raise _NotStaticError


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_for_type_checkers(statement: ast.stmt) -> bool:
    """Return whether a statement only imports for type checkers, which never runs."""
    return (
        isinstance(statement, ast.If)
        and ast.unparse(statement.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        and not statement.orelse
        and all(isinstance(inner, (ast.Import, ast.ImportFrom)) for inner in statement.body)
    )


def _names(node: ast.expr) -> Iterator[str]:
    return (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
