"""Workflows from the pipeline scripts of dlt."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from cascade.exceptions import UsageError
from cascade.migration.foreign.dlt_copies import copied_files, missing_packages
from cascade.migration.foreign.dlt_hints import hinted
from cascade.migration.foreign.dlt_runs import Run, find_runs, pipeline_argument
from cascade.migration.foreign.dlt_schemas import StoredSchemas, read_stored_schemas
from cascade.migration.foreign.dlt_scope import Scope, UnreadableError
from cascade.migration.foreign.dlt_slices import Slice, slice_of
from cascade.migration.foreign.dlt_tables import decorated, tables_of
from cascade.migration.foreign.domain_files import Body, DomainFiles
from cascade.migration.foreign.found import Remark, Table, Workflows
from cascade.migration.foreign.local_code import LocalCode, local_code_of
from cascade.migration.foreign.place import Place
from cascade.migration.foreign.project_files import python_files
from cascade.migration.foreign.source_code import Function, SourceCode, arguments_of, loaded_names
from cascade.scaffold.environment import literal

COPIES = "_dlt"
"""The package for copied code, next to the workflows. Cascade does not look for workflows in it."""

_STEMS = frozenset({"pipeline", "main", "__init__", "run", "load", "app", "script", "dlt_pipeline"})


def workflows_from_dlt(path: Path, place: Place) -> Workflows:
    """Read the pipeline scripts of dlt, and write a workflow for each table that they load.

    No code of theirs is run. What the workflows need of it is copied next to them.

    Args:
        path: a script, or a directory with scripts.
        place: the project that the workflows are written into.

    Raises:
        UsageError: the path has no script that uses dlt, or a file cannot be read.
    """
    root = path if path.is_dir() else path.parent
    found = Workflows()
    stored = read_stored_schemas(root, place.config.workflows_directory)
    found.remarks += stored.remarks
    candidates = list(_scripts(path, root, place, found.remarks))
    running = [(code, source, *find_runs(source)) for code, source in candidates]
    running = [each for each in running if each[2]]
    for code, source, runs, idle in running:
        script = _Script(code, source, place, stored)
        for run in runs:
            script.add_run(run)
        for function in idle:
            text = f"The script does not call {function.name}, so its tables have no workflow. Call it, or leave it."
            script.remark(function, text)
        script.finish(found)
    if not running:
        for code, source in candidates:
            script = _Script(code, source, place, stored)
            if script.add_definitions():
                script.finish(found)
    if not found.tables and not found.remarks:
        raise UsageError(
            f"{path} has no pipeline of dlt: no call of pipeline.run, and no @dlt.source or @dlt.resource.",
            hint="Name a script that runs a pipeline, or the directory that contains it.",
        )
    found.remarks += _settings(root, place)
    return found


@dataclass
class _Script:
    code: LocalCode
    source: SourceCode
    place: Place
    stored: StoredSchemas
    remarks: list[Remark] = field(default_factory=list)
    _files: DomainFiles | None = None
    _needed: set[Path] = field(default_factory=set)
    _removed: list[ast.stmt] = field(default_factory=list)
    _seen: set[tuple[str, ...]] = field(default_factory=set)

    def remark(self, node: ast.AST, text: str) -> None:
        self.remarks.append(Remark(self.source.path, getattr(node, "lineno", 0), text))

    def add_run(self, run: Run) -> None:
        name = (
            pipeline_argument(self.source, run, "pipeline_name") if isinstance(run.call.func, ast.Attribute) else None
        )
        files = self._domain_files(name)
        try:
            made = slice_of(self.source, run)
            scope = Scope(self.code, self.source, made.local)
            tables = tables_of(run.data, scope)
            given = arguments_of(run.call, "data")
            tables = [hinted(table, given, scope) for table in tables]
            unnamed = [table for table in tables if not table.name]
            if len(tables) > 1 and any(table.resource is None and table.returned is None for table in tables):
                raise UnreadableError(self.source, run.call, "The resources are in a list that a loop makes.")
            if unnamed:
                raise UnreadableError(self.source, run.call, "The table of these rows is named when the pipeline runs.")
        except UnreadableError as error:
            self.remarks.append(
                error.remark(
                    "Write its workflow by hand: a workflow returns what pipeline.run is given, with "
                    '.with_resources("...") if that has several resources.'
                )
            )
            return
        self._removed += made.nodes
        whole = self.source.segment(run.data)
        for table in tables:
            returned = table.returned or whole
            key = (table.name, returned, *made.texts)
            if key in self._seen:
                continue
            self._seen.add(key)
            if table.resource is not None and (len(tables) > 1 or _has_several(run.data, scope)):
                returned = f"{_callable(returned)}.with_resources({literal(table.resource)})"
            self._add(files, table, returned, made)

    def add_definitions(self) -> bool:
        """Add workflows for sources and resources that no script runs; return whether there are any."""
        added = False
        for function in self.source.functions.values():
            scope = Scope(self.code, self.source)
            if decorated(function, scope, "dlt.source", "dlt.resource") is None:
                continue
            added = True
            files = self._domain_files(None)
            missing = _required(function)
            if missing:
                self.remark(
                    function,
                    f"Nothing calls {function.name}, which needs {', '.join(missing)}. Write its workflow by hand, "
                    "with these arguments.",
                )
                continue
            call = ast.Name(function.name, ast.Load(), lineno=function.lineno, col_offset=0)
            try:
                tables = tables_of(call, scope)
            except UnreadableError as error:
                self.remarks.append(error.remark("Write a workflow for each by hand."))
                continue
            for table in tables:
                returned = f"{function.name}()"
                if len(tables) > 1:
                    returned += f".with_resources({literal(table.resource)})"
                made = Slice((), (), frozenset({function.name}), {})
                self._add(files, table, returned, made)
        return added

    def finish(self, found: Workflows) -> None:
        """Add the files of the script, and copies of the code that they import."""
        found.remarks += self.remarks
        if self._files is None:
            return
        self._files.finish()
        found.remarks += self._files.remarks
        directory = f"{self.place.directory}/ingestion/{self._files.domain}/{COPIES}"
        copies, remarks = copied_files(self.code, self._needed, self.source, self._removed)
        found.remarks += [*remarks, *missing_packages(self.code, copies)]
        texts = {
            **self._files.files,
            **{f"{directory}/{path}": text for path, text in copies.items() if isinstance(text, str)},
        }
        complete = self.place.complete(texts) if self._files.tables else {}
        found.files |= {path: text.encode() for path, text in complete.items()}
        if self._files.tables:
            found.files |= {f"{directory}/{path}": data for path, data in copies.items() if isinstance(data, bytes)}
        found.tables += self._files.tables

    def _domain_files(self, pipeline: str | None) -> DomainFiles:
        if self._files is None:
            stem = self.source.path.stem
            if stem in _STEMS:
                stem = pipeline or self.source.path.resolve().parent.name
            for affix in ("_pipeline", "_dlt"):
                stem = stem.removesuffix(affix) or stem
            domain = self.place.domain(stem, self.source.path)
            name = shlex.quote(pipeline or "NAME")
            advice = (
                "If the pipeline has run, its schema has them: remove the new files, type "
                f"`dlt pipeline {name} schema --format yaml >{domain}.schema.yaml` next to the script, and try again."
            )
            self._files = DomainFiles(self.place, "dlt", domain, self._model_module, advice)
        return self._files

    def _add(self, files: DomainFiles, table: Table, returned: str, made: Slice) -> None:
        table = self.stored.complete(table)
        if table.cursor and table.disposition == "replace":
            text = (
                f"{table.name} has an incremental cursor and is replaced, which a run refuses. Remove the cursor, or "
                "choose another write_disposition."
            )
            table = replace(table, remarks=(*table.remarks, Remark(table.path, table.line, text)))
        imports = tuple(self._imports(made.outer))
        parsed = [ast.parse(text) for text in made.texts]
        inside = {node.id for tree in parsed for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names = frozenset({*made.outer, *inside, *loaded_names(ast.parse(f"({returned})"))})
        files.add(table, Body(returned, made.texts, imports, names))

    def _imports(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the imports of names of the script, and note which files they need."""
        for name in sorted(names):
            imported = self.source.imports.get(name)
            own = name in self.source.functions or name in self.source.classes or name in self.source.assigned
            if imported is None or own:
                if own:
                    self._needed.add(self.source.path)
                    yield f"from .{COPIES}.{_dotted(self.source.path, self.code.root)} import {name}"
                continue
            local = self.code.defining(self.source, name)
            if local is None or local[0] is self.source:
                files = list(self.code.imported_files(replace(self.source, tree=_import_alone(imported.statement()))))
                if not files:
                    yield imported.statement()
                    continue
                self._needed.update(files)
            else:
                self._needed.add(local[0].path)
                files = list(self.code.imported_files(replace(self.source, tree=_import_alone(imported.statement()))))
                self._needed.update(files)
            module = imported.module.lstrip(".")
            if imported.name is None:
                package, _, last = module.rpartition(".")
                alias = f" as {imported.alias}" if imported.alias != last else ""
                yield f"from .{COPIES}{'.' if package else ''}{package} import {last}{alias}"
            else:
                yield imported.statement(f".{COPIES}{'.' if module else ''}{module}")

    def _model_module(self, table: Table) -> str:
        assert table.model is not None
        self._needed.add(table.model.path)
        return f".{COPIES}.{_dotted(table.model.path, self.code.root)}"


def _scripts(path: Path, root: Path, place: Place, remarks: list[Remark]) -> Iterator[tuple[LocalCode, SourceCode]]:
    for each in [path] if path.is_file() else python_files(path, place.config.workflows_directory):
        try:
            code = local_code_of(each, root)
            source = code.source(each)
        except UsageError as error:
            if path.is_file():
                raise
            remarks.append(Remark(each, 0, str(error)))
            continue
        if any(imported.full_name.partition(".")[0] == "dlt" for imported in source.imports.values()):
            yield code, source


def _settings(root: Path, place: Place) -> Iterator[Remark]:
    """Yield what to do with the settings of dlt, whose secrets are not read."""
    directory = root / ".dlt"
    target = place.config.project_root / ".dlt"
    if directory.resolve() == target.resolve():
        return
    for name, what in (("config.toml", "settings"), ("secrets.toml", "secrets")):
        if (directory / name).is_file():
            yield Remark(
                directory / name,
                0,
                f"Copy the {what} that the sources need to {place.shown(target / name)}"
                + (", or to .env. They were not read." if name == "secrets.toml" else "."),
            )


def _dotted(path: Path, root: Path) -> str:
    parts = PurePosixPath(path.relative_to(root).as_posix()).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _import_alone(statement: str) -> ast.Module:
    return ast.parse(statement)


def _has_several(node: ast.expr, scope: Scope) -> bool:
    """Return whether an expression gives a source that may have resources besides those that were found."""
    return not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "with_resources"
    )


def _callable(expression: str) -> str:
    node = ast.parse(f"({expression})", mode="eval").body
    return expression if isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) else f"({expression})"


def _required(function: Function) -> list[str]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    names = [argument.arg for argument in positional[: len(positional) - len(given.defaults)]]
    return [
        *names,
        *(each.arg for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None),
    ]
