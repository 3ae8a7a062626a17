"""Workflows from the extractors of a Meltano project."""

from __future__ import annotations

import shlex
from pathlib import Path

from cascade.exceptions import UsageError
from cascade.migration.foreign.domain_files import DomainFiles
from cascade.migration.foreign.found import Remark, Workflows
from cascade.migration.foreign.meltano_project import read_meltano_project
from cascade.migration.foreign.meltano_taps import about_other_plugins, read_tap
from cascade.migration.foreign.place import Place
from cascade.scaffold.names import good_domain


def workflows_from_meltano(path: Path, place: Place) -> Workflows:
    """Write a workflow for each stream that the extractors of a Meltano project select.

    No plugin is started. CSV files and databases are read by Cascade and dlt, and every other tap by Meltano itself.

    Args:
        path: the directory of the project, or its `meltano.yml`.
        place: the project that the workflows are written into.

    Raises:
        UsageError: the path has no Meltano project with extractors, or a file cannot be read.
    """
    project = read_meltano_project(path)
    extractors = project.plugins.get("extractors", [])
    if not extractors:
        raise UsageError(f"{project.root} is a Meltano project without extractors, so there is nothing to migrate.")
    found = Workflows(remarks=[*project.remarks, *about_other_plugins(project.plugins)])
    for plugin in extractors:
        domain = place.domain(good_domain(plugin.name.removeprefix("tap-")), plugin.path / plugin.name)
        crons = project.crons.get(plugin.name, [])
        tap = read_tap(plugin, project.root, domain, crons[0] if crons else None)
        if len(set(crons)) > 1:
            others = ", ".join(repr(each) for each in dict.fromkeys(crons[1:]))
            tap.remark(f"{plugin.name} has several schedules. The workflows have the first one, and not {others}.")
        catalog = shlex.quote(f"{plugin.name}.catalog.json")
        advice = (
            "The catalog of the tap has them: remove the new files, type `meltano invoke "
            f"{shlex.quote(plugin.name)} --discover >{catalog}` in the Meltano project, and try again."
        )
        files = DomainFiles(place, "Meltano", domain, advice=advice)
        for table, body in tap.tables:
            files.add(table, body)
        files.finish()
        found.remarks += [*tap.remarks, *files.remarks]
        if not files.tables:
            continue
        directory = f"{place.directory}/ingestion/{domain}"
        found.files |= {name: text.encode() for name, text in place.complete(files.files).items()}
        for name, source in tap.data.items():
            found.files[f"{directory}/{name}"] = source.read_bytes()
        found.tables += files.tables
    for name in ("transform/dbt_project.yml",):
        if (project.root / name).is_file():
            text = "Copy this dbt project to transforms/dbt, and name the assets of its sources: see the guide to dbt."
            found.remarks.append(Remark(project.root / name, 0, text))
    return found
