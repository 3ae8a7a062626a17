"""Publish models: test their rows, and copy those of the models that passed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from cascade.dbt.manifest import current_manifest
from cascade.dbt.mart_rows import not_built, rows_of, snapshots_of, state_of_rows, unbuilt
from cascade.dbt.mart_tests import failed_tests
from cascade.dbt.marts import Mart, read_marts
from cascade.exceptions import CascadeError, UsageError
from cascade.marts.publishing import Published, publish
from cascade.marts.server import check_settings, connected
from cascade.program import typed
from cascade.spelling import did_you_mean

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


def marts_named(config: CascadeConfig, models: Sequence[str]) -> tuple[Mart, ...]:
    """Return the marts of some models, or all marts of the dbt project.

    Args:
        config: the settings.
        models: the names of the models; none for all marts.

    Raises:
        UsageError: a name is not that of a mart, or a model says in a wrong way that it is published.
        CascadeError: dbt cannot parse the project.
    """
    manifest = json.loads(current_manifest(config).read_bytes())
    marts = {mart.model: mart for mart in read_marts(manifest, config.dbt_project_directory)}
    for name in models:
        if name not in marts:
            known = f" The marts are {', '.join(marts)}." if marts else ""
            raise UsageError(
                f'"{name}" is not a model that is published.{did_you_mean(name, list(marts)) or known}',
                hint="To publish a model, write in its YAML: config: {meta: {cascade: {publish: postgres}}}",
            )
    return tuple(marts[name] for name in dict.fromkeys(models)) if models else tuple(marts.values())


def publish_marts(
    config: CascadeConfig,
    marts: Sequence[Mart],
    say: Callable[[str], None],
    *,
    manifest_file: Path | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[Mart, Published | CascadeError]]:
    """Publish marts one after the other. One that fails does not stop the others.

    Args:
        config: the settings.
        marts: the marts.
        say: called with sentences about the progress.
        manifest_file: dbt's manifest; the current one by default.
        variables: the variables to pass to the tests.

    Yields:
        Each mart, with what publishing it changed, or why it was not published.

    Raises:
        UsageError: the settings name no server, or its driver is not installed.
        CascadeError: dbt cannot run the tests, or the server cannot be reached.
    """
    check_settings(config)
    if not marts:
        return
    with connected(config) as connection:
        missing = unbuilt(config, marts)
        built = [mart for mart in marts if mart not in missing]
        snapshots = snapshots_of(config, built)
        failed = failed_tests(config, built, manifest_file or current_manifest(config), variables)
        tested = state_of_rows(config)
        for mart in marts:
            if mart in missing:
                yield mart, not_built(mart)
                continue
            try:
                tests = failed.get(mart.unique_id)
                if tests:
                    raise _failed(mart, tests)
                yield mart, publish(connection, mart.table, rows_of(config, mart, tested, snapshots), say)
            except CascadeError as error:
                yield mart, error


def _failed(mart: Mart, tests: Sequence[str]) -> CascadeError:
    return CascadeError(
        f"{mart.table.full_name} was not published, because tests of {mart.model} failed: {', '.join(sorted(tests))}.",
        hint=f"The mart is as it was. See what failed: {typed(f'dbt test --select {mart.model}')}",
    )
