"""Run dbt in this process: parse once, build, then test, so that no failed test hides another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.dbt.start import add_macros
from cascade.exceptions import CascadeError
from cascade.testing.dbt_batch.selection import BUILT, Selection, select

if TYPE_CHECKING:
    from cascade.testing.dbt_batch.request import Request

_PACKAGES = "dbt_packages"
_PACKAGE_FILES = ("packages.yml", "dependencies.yml")
_QUIET = ("--quiet", "--no-use-colors", "--no-print", "--log-level", "none", "--log-level-file", "none")


class Dbt:
    """The dbt project of a request. The environment names its directories.

    Args:
        request: what to test.
        directory: the copy of the dbt project that dbt reads.
    """

    def __init__(self, request: Request, directory: Path) -> None:
        add_macros()
        self._options = ["--vars", json.dumps(request.variables)] if request.variables else []
        self._threads = ["--threads", str(request.threads)] if request.threads else []
        if _lacks_local_packages(directory):
            installed = self._invoke("deps")
            if not installed.success:
                raise CascadeError(f"dbt cannot find the packages of the project: {installed.exception}")
        parsed = self._invoke("parse", *self._options)
        if parsed.exception is not None or parsed.result is None:
            raise CascadeError(f"dbt cannot parse the project: {parsed.exception}")
        self._manifest = parsed.result
        self.nodes: Mapping[str, Any] = {**self._manifest.nodes, **self._manifest.unit_tests}
        package = str(self._manifest.metadata.project_name)
        self.selection: Selection = select(
            self.nodes,
            package,
            request.directory,
            request.tested,
            request.source_tests,
            _seeds_of_sources(self._manifest),
        )

    def run(self) -> list[Any]:
        """Build all that is selected, and run the tests.

        Returns:
            dbt's result of each node. The tests of a model that could not be built have none.
        """
        # `dbt build` would not build what selects from a model with a failed test, nor run unit tests on their own.
        kinds = [word for kind in BUILT for word in ("--resource-type", kind)]
        first = self.selection.first
        built = [*self._run("build", first, *kinds), *self._run("build", self.selection.built - first, *kinds)]
        failed = {one.node.unique_id for one in built if str(one.status) != "success"}
        ready = {one for one in self.selection.tests if failed.isdisjoint(self.nodes[one].depends_on.nodes)}
        return [*built, *self._run("test", frozenset(ready))]

    def _run(self, command: str, selected: frozenset[str], *options: str) -> list[Any]:
        words = [_selector(self.nodes[one]) for one in sorted(selected)]
        if not words:
            return []
        exactly = ("--select", *words, "--indirect-selection", "empty")
        done = self._invoke(command, *exactly, *options, *self._threads, *self._options)
        if done.exception is not None or done.result is None:
            raise CascadeError(f"dbt cannot {command} the project: {done.exception}")
        # A name may be that of a folder too, whose nodes dbt selects as well.
        return [one for one in done.result if one.node.unique_id in selected]

    def _invoke(self, command: str, *words: str) -> Any:
        from dbt.cli.main import dbtRunner  # pants: no-infer-dep

        runner = dbtRunner(manifest=getattr(self, "_manifest", None))
        return runner.invoke([*_QUIET, command, *words])


def _seeds_of_sources(manifest: Any) -> dict[str, str]:
    """Return the seed that has the table of a source, by the unique ids of both. dbt knows no edge between them."""
    seeds = {
        (node.schema, node.alias or node.name): unique_id
        for unique_id, node in manifest.nodes.items()
        if node.resource_type == "seed"
    }
    tables = {unique_id: (one.schema, one.identifier) for unique_id, one in manifest.sources.items()}
    return {unique_id: seeds[table] for unique_id, table in tables.items() if table in seeds}


def _lacks_local_packages(directory: Path) -> bool:
    """Return whether a project has local packages only, to which `dbt deps` makes links. It would download others."""
    if (directory / _PACKAGES).exists():
        return False
    entries = [entry for name in _PACKAGE_FILES for entry in _packages_in(directory / name)]
    return bool(entries) and all(isinstance(entry, Mapping) and "local" in entry for entry in entries)


def _packages_in(file: Path) -> list[Any]:
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        # dbt reports a file that it cannot read.
        return []
    listed = document.get("packages") if isinstance(document, Mapping) else None
    return listed if isinstance(listed, list) else []


def _selector(node: Any) -> str:
    if node.resource_type == "unit_test":
        return f"unit_test:{node.package_name}.{node.name}"
    return f"fqn:{'.'.join(node.fqn)}"
