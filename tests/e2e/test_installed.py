"""The wheel as pip installs it: its contents, what works without extras, and an installation from a clone."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from docs.conftest import INSTALLED
from e2e.conftest import REPOSITORY, Repository
from processes import Finished, run

from cascade.scaffold.example_projects import WHEEL_DIRECTORY, example_files

EXTRAS = ("pandas", "pandera", "dbt", "pytest", "responses", "s3fs", "psycopg2", "openlineage", "prometheus_client")
EXAMPLE = f"cascade/scaffold/{WHEEL_DIRECTORY}/nyc"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, copy: Repository) -> Path:
    """Return the `bin` directory of an environment with the wheel and no extras."""
    directory = tmp_path_factory.mktemp("bare") / "environment"
    environment = copy.environment
    if INSTALLED in os.environ:
        # The wheel that is installed for the other tests has just been built.
        (wheel,) = (REPOSITORY / "dist").glob("cascade_workflows-*.whl")
        environment["CASCADE_WHEEL"] = str(wheel)
    done = run([str(REPOSITORY / "scripts" / "install-wheel"), str(directory)], REPOSITORY, environment).ok()
    return Path(done.out.strip())


@pytest.fixture
def user(bare: Path, copy: Repository, tmp_path: Path) -> _User:
    """Return a user with this environment, in an empty directory that is also the home."""
    return _User(bare, tmp_path, copy.environment)


class _User:
    def __init__(self, commands: Path, directory: Path, environment: dict[str, str]) -> None:
        self.commands = commands
        self.directory = directory
        self.environment = {**environment, "HOME": str(directory), "PATH": f"{commands}{os.pathsep}/usr/bin:/bin"}

    def types(self, *words: str) -> Finished:
        return run([str(self.commands / words[0]), *words[1:]], self.directory, self.environment)


def test_the_wheel_contains_the_sources_without_their_tests_and_the_example(bare: Path) -> None:
    (wheel,) = (REPOSITORY / "dist").glob("cascade_workflows-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("cascade/")}
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "src/cascade"]
    tracked = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [path.removeprefix("src/") for path in tracked if (REPOSITORY / path).is_file()]
    example = {f"{EXAMPLE}/{path}" for path in example_files("nyc", source=REPOSITORY / "src")}
    assert held == {path for path in paths if not _is_for_the_repository(path)} | example


def _is_for_the_repository(path: str) -> bool:
    name = path.rpartition("/")[2]
    # Tests of the mask share what they generate.
    return name in ("BUILD", "conftest.py") or (name.startswith(("test_", "adversarial_")) and name.endswith(".py"))


def test_without_extras_a_project_runs_and_names_the_missing_ones(user: _User) -> None:
    absent = f"import importlib.util as u; print([n for n in {EXTRAS!r} if u.find_spec(n)])"
    assert user.types("python", "-c", absent).ok().out == "[]\n"
    user.types("cascade", "init", "mine").ok()
    user.directory /= "mine"
    listed = json.loads(user.types("cascade", "list", "--json").ok().out)
    (name, *_) = [asset["asset"] for asset in listed["workflows"]]
    for committed in (True, False):
        ran = user.types("cascade", "materialize", name, "--partition", "2024-01-01", "--json").json()
        assert ran["runs"][0]["committed"] is committed
    checked = user.types("cascade", "validate").ok()
    assert "pip install 'cascade-workflows[dbt]'" in checked.out + checked.err
    tested = user.types("cascade", "test")
    assert tested.code == 1
    assert "pip install 'cascade-workflows[testing]'" in tested.err


def test_pip_installs_it_from_a_clone(user: _User, copy: Repository) -> None:
    clone = user.directory / "clone"
    copy.git("clone", "--quiet", str(copy.root), str(clone))
    target = user.directory / "site"
    user.types("python", "-m", "ensurepip").ok()
    user.types("python", "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(clone)).ok()
    assert (target / "cascade" / "py.typed").is_file()
    # The tests of the example are for its user.
    tests = {path.relative_to(target).as_posix() for path in target.rglob("test_*.py")}
    assert {path for path in tests if not path.startswith(f"{EXAMPLE}/")} == set()
    assert f"{EXAMPLE}/workflows/nyc_flights/test_flights.py" in tests
    user.environment["PYTHONPATH"] = str(target)
    version = user.types("python", "-c", "import cascade; print(cascade.__version__)").ok().out
    assert version.startswith("0.1.dev") or version[0].isdigit()
