"""Turn the targets that a change reaches into the items of the report."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pants.core.goals.package import OutputPathField, PackageFieldSet
from pants.engine.addresses import Address
from pants.engine.target import SourcesField, Target, TargetGenerator

from cascade_pants.affected.causes import Causes
from cascade_pants.affected.closure import Closure
from cascade_pants.affected.dbt_names import TEST, kind_of, paths_of_kinds
from cascade_pants.affected.kinds import is_made_by, is_test
from cascade_pants.affected.report import Item, Step
from cascade_pants.affected.repository_graph import RepositoryGraph
from cascade_pants.reader.contract_files import contract_table
from cascade_pants.reader.declarations import Declaration
from cascade_pants.reader.names import CHECKS
from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectManifestField, CascadeWorkflowSourceField
from cascade_pants.target_types.dbt import CascadeDbtSourceField
from cascade_pants.target_types.image import CascadeImageBaseField
from cascade_pants.util_rules.dbt_graph import PROJECT_FILE, spec_of
from cascade_pants.util_rules.table_map import LocatedDeclaration, located_declarations


class Items:
    """Makes items of what a change reaches.

    Args:
        graph: what Pants knows.
        causes: what the change touches directly.
        closure: everything that it reaches.
    """

    def __init__(self, graph: RepositoryGraph, causes: Causes, closure: Closure) -> None:
        self._graph = graph
        self._causes = causes
        self._closure = closure
        self._projects = graph.projects_of_files.by_address
        self._dbt_paths: dict[str, dict[str, tuple[str, ...]]] = {}
        self._project_of_dbt = {
            spec_of(one, project.address.spec_path): project.address
            for project in graph.projects
            for one in project[CascadeProjectDbtField].value or ()
        }

    def all(self) -> dict[str, tuple[Item, ...]]:
        """Return the items by kind, sorted by name."""
        assets = list(self._assets())
        found = {
            "projects": list(self._of_projects()),
            "assets": assets,
            "models": [item for kind, item in self._of_dbt() if kind != TEST],
            "checks": [
                *self._checks({item.fields["table"]: item for item in assets if item.fields["table"]}),
                *self._contracts({item.fields["table"]: item for item in assets if item.fields["table"]}),
                *(item for kind, item in self._of_dbt() if kind == TEST),
            ],
            "tests": list(self._of_tests()),
            "artifacts": list(self._artifacts()),
        }
        return {kind: tuple(sorted(items, key=lambda item: item.name)) for kind, items in found.items()}

    def names(self) -> set[str]:
        """Return the names of everything in the repository that a change may touch."""
        names = {target.address.spec for target in self._graph.all_targets}
        for one in self._declarations():
            names.update(_names(one.declaration))
            names.update(filter(None, (one.declaration.name,)))
        names.update(name for _, _, name, _ in self._dbt_files())
        return names

    def _steps(self, address: Address) -> tuple[Step, ...] | None:
        """Return the path to a target, or None if the change does not reach it."""
        if address in self._closure:
            cause, through = self._closure.path(address)
            steps = [Step(cause.path, cause.status), Step(through[0].spec, cause.why)]
            steps += [Step(one.spec, self._how(one, before)) for before, one in zip(through, through[1:])]
            return tuple(steps)
        targets = self._graph.owners.targets
        held_by: tuple[Address, ...]
        if targets[address].has_field(CascadeDbtSourceField):
            found = self._project_of_dbt.get(address.maybe_convert_to_target_generator().spec)
            held_by = () if found is None else (found,)
        else:
            held_by = self._projects.get(address, ())
        for project in held_by:
            changed = self._causes.settings.get(project)
            if changed is not None:
                settings = (Step(changed.path, changed.status), Step(project.spec, changed.why))
                return (*settings, Step(address.spec, "runs with these settings"))
        return None

    def _how(self, target: Address, dependency: Address) -> str:
        targets = self._graph.owners.targets
        if target not in targets or dependency not in targets:
            return "depends on it"
        if targets[target].has_field(CascadeProjectManifestField):
            return "loads it" if dependency in self._projects else "contains it"
        if targets[target].has_field(CascadeDbtSourceField) and targets[dependency].has_field(
            CascadeWorkflowSourceField
        ):
            return "reads its table"
        return "generates it" if dependency.maybe_convert_to_target_generator() == target else "depends on it"

    def _of_projects(self) -> Iterator[Item]:
        for project in self._graph.projects:
            steps = self._steps(project.address)
            if steps is not None:
                fields = {"address": project.address.spec, "name": project.address.target_name}
                yield Item(project.address.spec, steps, {**fields, "pex": self._output(project)})

    def _output(self, target: Target) -> str | None:
        if not target.has_field(OutputPathField):
            return None
        endings = ((CascadeProjectManifestField, "pex"), (CascadeImageBaseField, "oci"))
        ending = next((ending for field, ending in endings if target.has_field(field)), None)
        if ending is None and not target[OutputPathField].value:
            # Each type of target has an ending of its own.
            return None
        return os.path.join(self._graph.dist, target[OutputPathField].value_or_default(file_ending=ending))

    def _declarations(self) -> Iterator[LocatedDeclaration]:
        for workflow, facts in zip(self._graph.workflows, self._graph.facts):
            yield from located_declarations(workflow, facts.by_file, self._projects)

    def _assets(self) -> Iterator[Item]:
        for one in self._declarations():
            names = _names(one.declaration)
            steps = self._steps(one.address) if names else None
            if steps is not None:
                yield Item(names[0], steps, {**_fields(one), "key": _key(one.declaration)}, also=tuple(names[1:]))

    def _checks(self, touched: dict[str, Item]) -> Iterator[Item]:
        for one in self._declarations():
            if one.declaration.call not in CHECKS:
                continue
            table = one.declaration.checked_table
            steps = self._steps(one.address)
            if steps is None and table in touched:
                steps = (*touched[table].steps, Step(one.address.spec, f"checks {table}"))
            if steps is not None:
                fields = {**_fields(one), "table": table, "name": one.declaration.name}
                yield Item(one.declaration.name or table or one.place, steps, fields)

    def _contracts(self, touched: dict[str, Item]) -> Iterator[Item]:
        """Yield the contracts to compare: those that changed, and those of tables whose workflow did."""
        for workflow in self._graph.workflows:
            for file in workflow.contracts:
                table = contract_table(file.path)
                steps = self._steps(file.address)
                if steps is None and table in touched:
                    steps = (*touched[table].steps, Step(file.address.spec, f"is the contract of {table}"))
                if steps is not None:
                    projects = {one for each in workflow.files for one in self._projects.get(each.address, ())}
                    fields = {
                        "table": table,
                        "place": f"{file.path}:1",
                        "address": file.address.spec,
                        "projects": [project.spec for project in sorted(projects)],
                        "name": None,
                    }
                    yield Item(f"contract of {table}", steps, fields, also=(file.path, file.address.spec))

    def _dbt_files(self) -> Iterator[tuple[Target, str, str, str]]:
        """Yield the models, seeds, snapshots and tests: target, kind, name, path."""
        for target in self._graph.all_targets:
            if target.has_field(CascadeDbtSourceField) and target.address.is_generated_target:
                directory, path = target.address.spec_path, target.address.filename
                if directory not in self._dbt_paths:
                    self._dbt_paths[directory] = paths_of_kinds(self._read(os.path.join(directory, PROJECT_FILE)))
                kind = kind_of(os.path.relpath(path, directory or "."), self._dbt_paths[directory])
                if kind is not None:
                    yield target, kind, os.path.splitext(os.path.basename(path))[0], path

    def _of_dbt(self) -> Iterator[tuple[str, Item]]:
        for target, kind, name, path in self._dbt_files():
            steps = self._steps(target.address)
            if steps is not None:
                fields = {"name": name, "kind": kind, "path": path, "address": target.address.spec}
                yield kind, Item(name, steps, fields, also=(path, target.address.spec))

    def _of_tests(self) -> Iterator[Item]:
        for target in self._graph.all_targets:
            if not isinstance(target, TargetGenerator) and is_test(target, self._graph.unions):
                steps = self._steps(target.address)
                if steps is not None:
                    path = target.address.filename if target.address.relative_file_path is not None else None
                    yield Item(target.address.spec, steps, {"address": target.address.spec, "path": path})

    def _artifacts(self) -> Iterator[Item]:
        for target in self._graph.all_targets:
            if target.address in self._closure and is_made_by(PackageFieldSet, target, self._graph.unions):
                steps = self._steps(target.address)
                if steps is not None and not (target.has_field(SourcesField) and is_test(target, self._graph.unions)):
                    fields = {"address": target.address.spec, "type": target.alias, "output": self._output(target)}
                    yield Item(target.address.spec, steps, fields)

    def _read(self, path: str) -> bytes:
        try:
            with open(os.path.join(self._graph.directory, path), "rb") as stream:
                return stream.read()
        except OSError:
            return b""


def _fields(one: LocatedDeclaration) -> dict[str, object]:
    return {
        "table": one.declaration.table,
        "place": one.place,
        "address": one.address.spec,
        "projects": [project.spec for project in one.projects],
    }


def _key(declaration: Declaration) -> str | None:
    key = declaration.asset_key
    return "/".join(key) if key else None


def _names(declaration: Declaration) -> list[str]:
    """Return the names of an asset, the best known one first; none if the declaration is no asset that can be named."""
    names = [declaration.table, _key(declaration)]
    if not any(names) and declaration.unread_table:
        # The source does not show the table, but the function has a name.
        names.append(declaration.name)
    return [name for name in dict.fromkeys(names) if name]
