"""Run the tests of models once more before they are published, on exactly the rows that are copied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.dbt.marts import Mart
from cascade.dbt.parse import START
from cascade.dbt.profile import dbt_environment
from cascade.dbt.state_files import copy_partial_parse
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_GOOD = frozenset({"pass", "warn", "success", "no-op"})


def failed_tests(
    config: CascadeConfig, marts: Sequence[Mart], manifest_file: Path, variables: Mapping[str, str]
) -> dict[str, list[str]]:
    """Run the tests of models, and return those that failed. Tests of severity `warn` never fail.

    Args:
        config: the settings.
        marts: the models.
        manifest_file: dbt's manifest, next to its `partial_parse.msgpack`.
        variables: the variables to pass to dbt.

    Returns:
        The names of failed tests, by the `unique_id` of the model.

    Raises:
        CascadeError: dbt cannot run.
    """
    manifest = json.loads(manifest_file.read_bytes())
    tests = {**manifest.get("unit_tests", {}), **manifest["nodes"]}
    tests = {name: node for name, node in tests.items() if node["resource_type"] in ("test", "unit_test")}
    published = {mart.unique_id for mart in marts}
    judged = {name: found for name, node in tests.items() if (found := _judged(node) & published)}
    chosen = [mart for mart in marts if any(mart.unique_id in models for models in judged.values())]
    failed: dict[str, list[str]] = {}
    for result in _results(config, chosen, manifest_file, variables) if chosen else ():
        if result["status"] not in _GOOD:
            for model in judged.get(result["unique_id"], ()):
                failed.setdefault(model, []).append(str(tests[result["unique_id"]]["name"]))
    return failed


def _judged(test: Mapping[str, Any]) -> set[str]:
    """Return the models that a test is about. A relationship is about the model whose YAML declares it."""
    attached = test.get("attached_node")
    return {attached} if attached else set(test["depends_on"]["nodes"])


def _results(
    config: CascadeConfig, marts: Sequence[Mart], manifest_file: Path, variables: Mapping[str, str]
) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="cascade-dbt-") as name:
        target = Path(name)
        copy_partial_parse(manifest_file.parent, target)
        process = subprocess.run(
            [
                *(sys.executable, "-c", START, "--no-use-colors", "--log-level-file", "none", "test"),
                *("--target-path", name, "--select", *(f"fqn:{mart.fqn}" for mart in marts)),
                *(["--vars", json.dumps(dict(variables))] if variables else []),
            ],
            env={**os.environ, **dbt_environment(config)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        results = target / "run_results.json"
        if process.returncode not in (0, 1) or not results.is_file():
            said = process.stdout.strip() or "nothing"
            raise CascadeError(f"dbt cannot run the tests of the marts. It exited with {process.returncode}:\n{said}")
        found: list[dict[str, Any]] = json.loads(results.read_bytes())["results"]
        return found
