"""A PEX on a server without Pants, pip or variables, and a second project with only its own workflows."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.conftest import Repository

SECOND = "deploy/weather"


def test_the_pex_ingests_january_in_an_empty_environment(repository: Repository, tmp_path: Path) -> None:
    repository.pants("package", ":dev").ok()
    pex = str(repository.root / "dist" / "dev.pex")
    first = repository.isolated(tmp_path, pex, "--help").ok()
    assert "materialize" in first.out
    assert first.err == "Unpacking dev.pex, once. This can take a minute.\n"
    listed = repository.isolated(tmp_path, pex, "list").ok()
    assert "weather_observations" in listed.out
    assert "Unpacking" not in listed.err
    january = repository.isolated(
        tmp_path, pex, "materialize", "flights", "--partition-range", "2013-01-01...2013-01-31"
    ).ok()
    assert "rows in 27004, rows good 27004, rows refused 0" in january.out
    shown = repository.isolated(tmp_path, pex, "table", "show", "flights", "--limit", "1").ok()
    assert "1 of 27004 rows" in shown.out + shown.err
    assert (tmp_path / ".cascade").is_dir()


def test_a_second_project_packages_only_its_own_workflows(repository: Repository, server: Path) -> None:
    repository.write(f"{SECOND}/BUILD", 'cascade_project(name="station", workflows=["src/workflows/nyc_weather"])\n')
    repository.pants("package", f"{SECOND}:station").ok()
    (pex,) = (repository.root / "dist").rglob("station.pex")
    with zipfile.ZipFile(pex) as archive:
        names = archive.namelist()
    assert "workflows/nyc_weather/observations.py" in names
    assert "workflows/nyc_weather/data/weather.parquet" in names
    assert not [name for name in names if "nyc_flights" in name]
    assert not [name for name in names if name.rsplit("/", 1)[-1].startswith("test_") and name.startswith("workflows")]
    listed = repository.isolated(server, str(pex), "list").ok().out
    assert "weather_observations" in listed
    assert "flights" not in listed
    ran = repository.pants("run", f"{SECOND}:station", "--", "materialize", "flights", "--partition", "2013-01-01")
    assert ran.code == 2, str(ran)
    # The state of a project is in its own directory.
    repository.pants(
        "run", f"{SECOND}:station", "--", "materialize", "weather_observations", "--partition", "2013-01-15"
    ).ok()
    assert (repository.root / SECOND / ".cascade").is_dir()


def test_the_same_inputs_give_the_same_bytes(repository: Repository) -> None:
    repository.write(f"{SECOND}/BUILD", 'cascade_project(name="station", workflows=["src/workflows/nyc_weather"])\n')
    digests = []
    # The second build does not use Pants' cache, so every step runs again.
    for options in ((), ("--no-local-cache", "--no-pantsd")):
        repository.pants(*options, "package", f"{SECOND}:station").ok()
        (pex,) = (repository.root / "dist").rglob("station.pex")
        digests.append(hashlib.sha256(pex.read_bytes()).hexdigest())
        pex.unlink()
    assert digests[0] == digests[1]
