"""A plugin that `plugin new` wrote: its wheel is built, installed, and used by a project."""

from __future__ import annotations

import json
import os
from pathlib import Path

from processes import run
from standalone.conftest import SOURCES, Project

UV = str(SOURCES.parent / "scripts/uv")
KINDS = ("source", "quality", "catalog", "command")


def test_a_project_uses_a_plugin_from_its_wheel(project: Project, tmp_path: Path) -> None:
    options = [word for kind in KINDS for word in ("--kind", kind)]
    project.types("cascade", "plugin", "new", "acme-cascade", *options, directory=tmp_path).ok()
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    run([UV, "build", "--quiet", "--wheel", "--out-dir", str(wheels)], tmp_path / "acme-cascade", dict(os.environ)).ok()
    (wheel,) = wheels.glob("*.whl")
    install = [UV, "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    run(install, tmp_path, dict(os.environ)).ok()
    variables = {"PYTHONPATH": f"{SOURCES}{os.pathsep}{site}", "CASCADE_ICEBERG_CATALOG": f"acme://{tmp_path}/lake"}

    def types(*words: str) -> str:
        return project.types("cascade", *words, directory=project.root, **variables).ok().out

    assert types("plugin", "check").endswith("4 plugins work.\n")
    assert types("acme") == f"{project.root.name} in {project.root}\n"
    types("create-workflow", "--source", "acme", "--domain", "quotes", "--key", "symbol")
    partition = ("--partition", "2024-01-01", "--json")
    (ran,) = json.loads(types("materialize", "quotes_observations", *partition))["runs"]
    assert ran["committed"]
    assert "acme__not_null_symbol" in json.dumps(ran)
    assert (tmp_path / "lake/catalog.db").is_file()
