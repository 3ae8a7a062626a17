"""What `pants check` says about the dependencies of workflows on each other and on dbt models."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs
from pants.engine.target import AllTargets

from cascade_pants import engine
from cascade_pants.goals.cycles import Lineage, cycles, described
from cascade_pants.spelling import nearest
from cascade_pants.target_types.dbt import CascadeDbtSourceField
from cascade_pants.util_rules.asset_map import AssetKey, AssetMap, Need
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraphRequest, dbt_graph, path_of
from cascade_pants.util_rules.table_map import LocatedDeclaration, ProjectsOfFiles, TableMap

_BUILT = (".sql", ".py", ".csv")
_NAMING = (".yml", ".yaml")


def dbt_files(targets: AllTargets) -> list[str]:
    """Return the paths of the files of all dbt projects, sorted."""
    found = (path_of(target) for target in targets if target.has_field(CascadeDbtSourceField))
    return sorted(path for path in found if path)


def files_by_model(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the files that build models, seeds or snapshots, by the name that dbt gives them.

    Args:
        paths: the files of dbt projects.
    """
    found = defaultdict(list)
    for path in paths:
        stem, ending = os.path.splitext(os.path.basename(path))
        if ending in _BUILT:
            found[stem].append(path)
    return dict(found)


def unloaded(
    needs: Iterable[tuple[LocatedDeclaration, Need]], assets: AssetMap, projects: ProjectsOfFiles
) -> list[str]:
    """Report each dependency on an asset that no project loads.

    Args:
        needs: what the checked declarations need.
        assets: the assets of the repository.
        projects: the projects of the repository. If it has none, nothing is reported.
    """
    lines = []
    for one, need in needs if projects.by_address else ():
        places = assets.by_key.get(need.key, ())
        if places and not any(place.projects for place in places):
            lines.append(
                f"{_place(one, need)} no cascade_project loads the asset {_written(need.key)}, which {places[0]} "
                "declares, so nothing would materialize it. Add its workflow to the field `workflows` of a project."
            )
    return lines


def unknown(
    needs: Iterable[tuple[LocatedDeclaration, Need]],
    assets: AssetMap,
    models: Iterable[str],
    text: str,
) -> list[str]:
    """Report each dependency on an asset that no workflow and no dbt project declares.

    Args:
        needs: what the checked declarations need and no declaration has as its key.
        assets: the assets of the repository.
        models: the names of dbt models.
        text: the text of files that may declare assets whose keys cannot be read. A key whose last part is in it is
            left alone.
    """
    words = set(re.findall(r"\w+", text))
    known = [*assets.names, *models]
    lines = []
    for one, need in needs:
        if need.key[-1] in words:
            continue
        meant = nearest(_written(need.key), known)
        lines.append(
            f"{_place(one, need)} no workflow and no dbt project of this repository declares the asset "
            f"{_written(need.key)}. "
            + (f"Did you mean {meant!r}? " if meant else "")
            + f"If something else does, add {_written(need.key)!r} to the option `[cascade].external_assets`."
        )
    return lines


def _place(one: LocatedDeclaration, need: Need) -> str:
    return f"{one.path}:{need.line}: @{one.declaration.call}: deps:"


def _written(key: AssetKey) -> str:
    return "/".join(key)


async def texts_of(assets: AssetMap, files: Iterable[str]) -> str:
    """Return the text of all files that may declare assets whose keys cannot be read.

    Args:
        assets: the assets of the repository.
        files: the files of dbt projects, whose YAML may name assets.
    """
    named = [*assets.unread, *(path for path in files if path.endswith(_NAMING))]
    globs = [
        *map(glob.escape, named),
        *(f"{glob.escape(folder)}/**/*.{ending}" for folder in assets.folders for ending in ("py", "yaml", "yml")),
    ]
    contents = await engine.path_globs_contents(
        PathGlobs(globs, glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
    )
    return "\n".join(file.content.decode(errors="replace") for file in contents)


async def repository_lineage(
    targets: AllTargets, python_setup: PythonSetup, assets: AssetMap, tables: TableMap
) -> Lineage:
    """Find what is built from what. The graphs of dbt projects are read only if a workflow depends on a model.

    Args:
        targets: all targets of the repository.
        python_setup: the options of `[python]`.
        assets: the assets that workflows declare.
        tables: the tables that workflows fill.
    """
    models = files_by_model(dbt_files(targets))
    if not any(need.key not in assets.by_key and need.key[-1] in models for need in _all_needs(assets)):
        return Lineage(assets, tables, {}, {})
    requests = {
        DbtGraphRequest.of(DbtFileFieldSet.create(target), python_setup)
        for target in targets
        if target.has_field(CascadeDbtSourceField)
    }
    graphs = await engine.concurrently(
        dbt_graph(request) for request in sorted(requests, key=lambda one: one.address.spec)
    )
    return Lineage(assets, tables, models, {file: both for graph in graphs for file, both in graph.built_from.items()})


async def dependency_problems(
    declared: Iterable[Iterable[LocatedDeclaration]],
    assets: AssetMap,
    tables: TableMap,
    projects: ProjectsOfFiles,
    targets: AllTargets,
    python_setup: PythonSetup,
    external: Iterable[str],
) -> list[str]:
    """Report what is wrong with the dependencies of checked workflows.

    Args:
        declared: the declarations of each process that checks workflows.
        assets: the assets of the repository.
        tables: the tables of the repository.
        projects: the projects of the repository.
        targets: all targets of the repository.
        python_setup: the options of `[python]`.
        external: the option `[cascade].external_assets`.
    """
    groups = [list(group) for group in declared]
    needs = [(one, need) for group in groups for one in group for need in assets.needs(one)]
    if not needs:
        return []
    patterns = tuple(external)
    files = dbt_files(targets)
    models = files_by_model(files)
    missing = [
        (one, need)
        for one, need in needs
        if need.key not in assets.by_key
        and need.key[-1] not in models
        and not any(fnmatchcase(_written(need.key), pattern) for pattern in patterns)
    ]
    lines = unloaded(needs, assets, projects)
    if missing:
        lines += unknown(missing, assets, models, await texts_of(assets, files))
    lineage = await repository_lineage(targets, python_setup, assets, tables)
    # A process reports the cycles among its own workflows.
    group_of: dict[Address, int] = {one.address: number for number, group in enumerate(groups) for one in group}
    for cycle in cycles(lineage, (one.declaration.asset_key for group in groups for one in group)):
        places = [assets.by_key[node][0] for node in cycle if isinstance(node, tuple)]
        processes = {group_of.get(place.address) for place in places}
        if len(places) < len(cycle) or len(processes) > 1:
            checked = [place for place in places if place.address in group_of]
            lines.append(described(cycle, lineage, min(checked, key=lambda one: one.path)))
    return sorted(lines)


def _all_needs(assets: AssetMap) -> Iterable[Need]:
    return (need for places in assets.by_key.values() for one in places for need in assets.needs(one))
