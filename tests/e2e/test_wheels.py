"""Another monorepo, which gets Cascade from the two wheels."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import REPOSITORY, Repository, stop_daemon
from processes import run

# docs/guides/pants.md shows these settings.
PANTS_TOML = """\
[GLOBAL]
pants_version = "2.17.1"
plugins = ["cascade-pants-plugin=={plugin}"]
backend_packages = ["pants.backend.python"]
pants_ignore.add = [".cascade/"]

[source]
root_patterns = ["/src"]

[python]
interpreter_constraints = ["CPython==3.11.*"]
enable_resolves = true
default_resolve = "default"
resolves_generate_lockfiles = false
pip_version = "23.1.2"
tailor_source_targets = false

[python.resolves]
default = "3rdparty/default.lock"
pytest = "3rdparty/pytest.lock"

[python-infer]
use_rust_parser = false

[python-repos]
find_links = ["file://{wheels}"]

[pytest]
install_from_resolve = "pytest"
"""
REQUIREMENTS = """\
python_requirements(
    source="requirements.txt", resolve="default", module_mapping={"cascade-workflows": ["cascade"]}
)

python_requirements(name="pytest", source="pytest.txt", resolve="pytest")
"""


@pytest.fixture(scope="module")
def wheels(copy: Repository) -> Path:
    """Build both wheels and return their directory."""
    copy.restore()
    copy.pants("package", "//:cascade-workflows", "pants-plugins:cascade-pants-plugin").ok()
    return copy.root / "dist"


@pytest.fixture(scope="module")
def other(wheels: Path, copy: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Create a repository that gets Cascade from the wheels. The launcher of this repository starts Pants there."""
    repository = Repository(tmp_path_factory.mktemp("other") / "repository", str(copy.root / "pants"))
    runtime, plugin = _version(wheels, "cascade_workflows"), _version(wheels, "cascade_pants_plugin")
    locks = REPOSITORY / "3rdparty" / "python"
    repository.write("pants.toml", PANTS_TOML.format(plugin=plugin, wheels=wheels))
    repository.write("BUILD", 'cascade_project(name="dev")\n')
    repository.write("3rdparty/BUILD", REQUIREMENTS)
    repository.write(
        "3rdparty/requirements.txt", f"cascade-workflows=={runtime}\ndlt\npolars\npydantic\npytest\nresponses\n"
    )
    options = (
        "--quiet",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-header",
        "--no-emit-index-url",
    )
    uv = (str(REPOSITORY / "scripts" / "uv"), "pip", "compile", *options)
    # With the versions that all other tests use.
    wanted = ("--find-links", str(wheels), "--constraints", str(locks / "runtime.lock"), "3rdparty/requirements.txt")
    run([*uv, *wanted, "--output-file", "3rdparty/default.lock"], repository.root, repository.environment).ok()
    for name in ("pytest.txt", "pytest.lock"):
        shutil.copy2(locks / name, repository.root / "3rdparty" / name)
    repository.write(".gitignore", ".cascade/\n.pants.d/\n.pids/\ndist/\n")
    repository.begin("Another repository")
    try:
        yield repository
    finally:
        stop_daemon(repository.root)


def _version(wheels: Path, name: str) -> str:
    (wheel,) = wheels.glob(f"{name}-*.whl")
    return wheel.name.split("-")[1]


def test_a_first_workflow_and_a_project_created_by_init_work_with_every_goal(other: Repository, server: Path) -> None:
    written = other.pants("cascade-scaffold", "src/workflows/weather").ok()
    assert other.changes() == ["src/"]
    other.pants("check", "::").ok()
    proposed = re.search(r"run (\S+) -- (materialize .+)", written.out)
    assert proposed is not None, written.out
    ran = other.pants("run", proposed[1], "--", *shlex.split(proposed[2])).ok()
    assert "rows in 2, rows good 2, rows refused 0" in ran.out, ran.out
    other.pants("package", "::").ok()
    pex = str(other.root / "dist" / "dev.pex")
    shipped = other.isolated(server, pex, *shlex.split(proposed[2])).ok()
    assert "rows in 2, rows good 2, rows refused 0" in shipped.out

    # After the one change that `init` asks for, the commands it prints work.
    here = {**other.environment, "PYTHONPATH": str(REPOSITORY / "src")}
    made = run([sys.executable, "-m", "cascade", "init", "air"], other.root, here).ok()
    roots = re.search(r"^ *(root_patterns = .*)$", made.out, re.MULTILINE)
    assert roots is not None, made.out
    other.replace("pants.toml", 'root_patterns = ["/src"]', roots[1])
    proposed = re.search(r"run (air:dev) -- (materialize .+)", made.out)
    assert proposed is not None, made.out
    ran = other.pants("run", proposed[1], "--", *shlex.split(proposed[2])).ok()
    assert re.search(r"rows in [1-9]\d*, rows good [1-9]\d*, rows refused 0", ran.out), ran.out
    other.pants("check", "air::").ok()

    # The tests and BUILD files of both.
    other.pants("test", "::").ok()
    other.pants("tailor", "--check", "::").ok()
