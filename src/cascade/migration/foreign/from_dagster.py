"""Workflows from the assets of a Dagster project."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from cascade.exceptions import UsageError
from cascade.migration.foreign.dagster_arguments import workflow_decorator
from cascade.migration.foreign.dagster_assets import (
    Asset,
    assets_of,
    known_columns,
    obstacle,
    other_assets_of,
    partitions,
    read_names,
)
from cascade.migration.foreign.dagster_versions import gone_from_dagster
from cascade.migration.foreign.dlt_copies import missing_packages
from cascade.migration.foreign.found import Remark, Table, Workflows
from cascade.migration.foreign.local_code import (
    Edit,
    LocalCode,
    edited,
    import_edits,
    span,
)
from cascade.migration.foreign.place import Place
from cascade.migration.foreign.project_files import project_files, python_files
from cascade.migration.foreign.schema_text import FILL_IN, fill_in_line, render_schemas, schema_name
from cascade.migration.foreign.source_code import Function, SourceCode
from cascade.scaffold.names import good_domain, suggest

_DATA = frozenset({".csv", ".json", ".jsonl", ".yaml", ".yml", ".sql", ".txt", ".parquet"})
_MOST_BYTES = 1_000_000
_MOST_ROOTS = 20
_LOADERS = {"dagster.load_from_defs_folder", "dagster.load_defs", "dagster.components.load_defs"}


def workflows_from_dagster(path: Path, place: Place) -> Workflows:
    """Copy a Dagster project into the workflows of a project, and make workflows of its assets that return rows.

    Everything else of it stays as it is: Cascade loads Dagster's own assets, jobs, schedules and sensors, too.

    Args:
        path: the directory of a code location, or one of its modules.
        place: the project that the workflows are written into.

    Raises:
        UsageError: the path has no code that uses Dagster, or a file cannot be read.
    """
    found = Workflows()
    top = path if path.is_dir() else path.parent
    code = LocalCode(_root(path, place))
    sources = _dagster_sources(path, code, place, found.remarks)
    if not sources:
        raise UsageError(
            f"{path} has no code that imports dagster.",
            hint="Name the directory of a code location, such as the one with definitions.py.",
        )
    copied = [each for each in code.closure(source.path for source in sources) if each.suffix == ".py"]
    project = _Project(code, [code.source(each) for each in copied], place, good_domain(top.resolve().name))
    project.convert()
    project.write(found, top)
    found.remarks += project.remarks
    found.remarks += _about_other_files(top, project)
    return found


class _Project:
    def __init__(self, code: LocalCode, sources: Sequence[SourceCode], place: Place, domain: str) -> None:
        self.code, self.sources, self.place, self.domain = code, sources, place, place.domain(domain, code.root)
        self.remarks: list[Remark] = []
        self.converted: dict[tuple[Path, str], tuple[Asset, Table]] = {}
        tops = {each.path.relative_to(code.root).parts[0] for each in sources}
        only = next(iter(tops)) if len(tops) == 1 else ""
        self._base = place.directory if only and not only.endswith(".py") else f"{place.directory}/{self.domain}"
        self.skipped = {each.path for each in sources if _only_loads_a_folder(each)}

    def convert(self) -> None:
        assets = [asset for source in self.sources for asset in assets_of(source)]
        read = {name for source in self.sources for name in read_names(source)}
        names = [asset.name for asset in assets]
        for source in self.sources:
            for function, why in other_assets_of(source):
                said = f"{function.name} stays as it is: it {why}."
                self.remarks.append(Remark(source.path, function.lineno, said))
        for asset in assets:
            reason = obstacle(asset, self.code, read)
            if reason is None and names.count(asset.name) > 1:
                reason = "has the key of another one in this project"
            if reason is None and not self.place.claim_table(asset.name, self.destination(asset.source.path)):
                reason = "has the name of a table that another workflow fills"
            if reason is not None:
                text = f"{asset.name} stays a Dagster asset: it {reason}."
                self.remarks.append(Remark(asset.source.path, asset.function.lineno, text))
                continue
            columns, complete = known_columns(asset)
            table = Table(asset.name, asset.source.path, asset.function.lineno, columns=columns, complete=complete)
            table = replace(table, disposition="append" if partitions(asset, self.code) else "replace")
            self.converted[asset.source.path, asset.function.name] = (asset, table)

    def write(self, found: Workflows, top: Path) -> None:
        texts = {
            self.destination(source.path): self._text(source)
            for source in self.sources
            if source.path not in self.skipped
        }
        tables = [table for _, table in self.converted.values()]
        if tables:
            name = f"{self.place.directory}/schemas/{self.domain}.py"
            texts[name] = render_schemas(self.domain.replace("_", " "), tables)
            self._remark_open(name, texts[name], tables)
        found.files |= {path: text.encode() for path, text in self.place.complete(texts).items()}
        for path in _data_files(top, self.place.config.workflows_directory, self.sources):
            if path.is_relative_to(self.code.root):
                found.files[self.destination(path)] = path.read_bytes()
        found.tables += [table.name for table in tables]
        self.remarks += missing_packages(
            self.code, [source.path.relative_to(self.code.root).as_posix() for source in self.sources]
        )
        self.remarks += [remark for source in self.sources for remark in gone_from_dagster(source)]

    def destination(self, path: Path) -> str:
        parts = PurePosixPath(path.relative_to(self.code.root).as_posix()).parts
        # A directory that Python cannot import is loaded by its path, and here by its name.
        good = [suggest(part, prefix="package") if not part.isidentifier() else part for part in parts[:-1]]
        return "/".join([self._base, *good, parts[-1]])

    def _text(self, source: SourceCode) -> str:
        edits, remarks = import_edits(self.code, source)
        self.remarks += remarks
        own = [(asset, table) for (path, _), (asset, table) in self.converted.items() if path == source.path]
        for asset, table in own:
            text, more = workflow_decorator(asset, table, self.code)
            self.remarks += more
            start, end = span(source, asset.decorator)
            edits.append(Edit(start, end, text))
        inside = [(edit.start, edit.end) for edit in edits]
        edits += [
            edit for edit in self._references(source) if not any(start <= edit.start <= end for start, end in inside)
        ]
        if own:
            schemas = ", ".join(sorted(schema_name(table.name) for _, table in own))
            module = f"{self.place.package}.schemas.{self.domain}"
            where = _after_imports(source)
            lines = f"from cascade import cascade_ingestion\n\nfrom {module} import {schemas}\n"
            edits.append(Edit(where, where, lines))
        return edited(source, edits)

    def _references(self, source: SourceCode) -> Iterator[Edit]:
        """Yield the changes of names of converted assets where Dagster needs its own object: `a` becomes `a.asset`."""
        called = {id(node.func) for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
        for node in ast.walk(source.tree):
            if id(node) in called or not isinstance(getattr(node, "ctx", None), ast.Load):
                continue
            if isinstance(node, ast.Name):
                found = self.code.defining(source, node.id)
                target = (found[0].path, found[1]) if found else None
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                imported = source.imports.get(node.value.id)
                path = imported and self.code.module_file(imported.full_name, source.path)
                target = (path, node.attr) if path else None
            else:
                continue
            if target in self.converted and isinstance(node, ast.expr):
                _, end = span(source, node)
                yield Edit(end, end, ".asset")

    def _remark_open(self, name: str, text: str, tables: Sequence[Table]) -> None:
        open_tables = [table.name for table in tables if not table.complete]
        if open_tables:
            said = (
                f"The Dagster project does not declare the columns of {', '.join(open_tables)}. Replace the field "
                f"{FILL_IN} in {'its schema' if len(open_tables) == 1 else 'each schema'}: until then, runs fail and "
                "land nothing."
            )
            root = self.place.config.project_root
            self.remarks.append(Remark(root / name, fill_in_line(text, open_tables[0]), said))


def _root(path: Path, place: Place) -> Path:
    """Return the directory from which the modules of a code location are imported."""
    top = path if path.is_dir() else path.parent
    candidates = [top / "src"] if path.is_dir() and (top / "src").is_dir() else []
    candidates += [top]
    while (top / "__init__.py").is_file() and len(candidates) < 8:
        top = top.parent
        candidates.append(top)
    candidates += list(top.parents)[:4]
    files = [path] if path.is_file() else list(python_files(path, place.config.workflows_directory))
    # The working directory of a code location may be any directory of a repository.
    candidates += sorted({_outside_of_packages(each) for each in files})[:_MOST_ROOTS]

    def resolved(root: Path) -> int:
        count = 0
        for each in files:
            if not each.is_relative_to(root):
                continue
            code = LocalCode(root)
            try:
                imports = code.source(each).imports.values()
            except UsageError:
                continue
            count += sum(code.module_file(imported.module, each) is not None for imported in imports)
        return count

    return max(candidates, key=resolved)


def _outside_of_packages(path: Path) -> Path:
    place = path.parent
    while (place / "__init__.py").is_file():
        place = place.parent
    return place


def _dagster_sources(path: Path, code: LocalCode, place: Place, remarks: list[Remark]) -> list[SourceCode]:
    found = []
    for each in [path] if path.is_file() else python_files(path, place.config.workflows_directory):
        try:
            source = code.source(each)
        except UsageError as error:
            if path.is_file():
                raise
            remarks.append(Remark(each, 0, str(error)))
            continue
        if not any(imported.full_name.partition(".")[0] == "dagster" for imported in source.imports.values()):
            continue
        if each.is_relative_to(code.root):
            found.append(source)
        else:
            remarks.append(
                Remark(each, 0, f"This file was left out, because it is outside of {code.root}. Migrate it by itself.")
            )
    return found


def _only_loads_a_folder(source: SourceCode) -> bool:
    """Return whether a module only calls `load_from_defs_folder` or `load_defs`, whose folder Cascade finds itself."""
    calls = {source.full_name(node.func) for node in ast.walk(source.tree) if isinstance(node, ast.Call)}
    return bool(calls & _LOADERS) and not any(
        isinstance(node, Function) and not node.decorator_list for node in source.tree.body
    )


def _about_other_files(top: Path, project: _Project) -> Iterator[Remark]:
    for path in sorted(project.skipped):
        yield Remark(path, 0, "This file was left out: Cascade finds all definitions below its directory of workflows.")
    for path in project_files(top, project.place.config.workflows_directory):
        if path.name == "dbt_project.yml":
            yield Remark(
                path,
                0,
                "Copy this dbt project to transforms/dbt, and name the assets of its sources: see the guide to dbt.",
            )
        elif path.name in ("workspace.yaml", "dagster.yaml", "dagster_cloud.yaml"):
            yield Remark(path, 0, "Cascade has settings of its own for this. Compare it with `cascade config`.")
        elif path.name in ("defs.yaml", "component.yaml"):
            yield Remark(path, 0, "Copy this component to the folder workflows/defs, which Dagster's loader reads.")


def _data_files(top: Path, left_out: Path, sources: Sequence[SourceCode]) -> Iterator[Path]:
    """Yield the data files in the directories of the copied code and below them."""
    directories = {source.path.parent for source in sources}
    for path in project_files(top, left_out):
        if path.suffix not in _DATA or path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            continue
        if path.name in ("workspace.yaml", "dagster.yaml", "dagster_cloud.yaml", "defs.yaml", "component.yaml"):
            continue
        below = [place for place in path.parents if place in directories]
        if below and not any((place / "dbt_project.yml").is_file() for place in path.parents):
            yield path


def _after_imports(source: SourceCode) -> int:
    """Return where imports can be added: after the first block of imports, or after the docstring."""
    end = 0
    for statement in source.tree.body:
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_docstring and not isinstance(statement, (ast.Import, ast.ImportFrom)):
            break
        end = statement.end_lineno or end
    return sum(map(len, source.lines[:end]))
