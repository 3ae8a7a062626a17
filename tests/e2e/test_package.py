"""A PEX on a server without Pants, pip or variables, and a second project with only its own workflows."""

from __future__ import annotations

import hashlib
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from processes import run

if TYPE_CHECKING:
    from e2e.conftest import Repository

SECOND = "deploy/weather"
SECRET = "hush-a-password"
SECRET_FILES = {
    ".env": f"CASCADE_CATALOG_TOKEN={SECRET}\nSOURCES__SHOP__PASSWORD={SECRET}\n",
    ".env.production": f"CASCADE_S3_SECRET_ACCESS_KEY={SECRET}\n",
    ".dlt/secrets.toml": f"[sources.shop]\npassword = '{SECRET}'\n",
}


def test_the_pex_ingests_two_days_in_an_empty_environment(repository: Repository, tmp_path: Path) -> None:
    repository.pants("package", ":dev").ok()
    pex = str(repository.root / "dist" / "dev.pex")
    first = repository.isolated(tmp_path, pex, "--help").ok()
    assert "materialize" in first.out
    assert first.err == "Unpacking dev.pex, once. This can take a minute.\n"
    listed = repository.isolated(tmp_path, pex, "list").ok()
    assert "weather_observations" in listed.out
    assert "Unpacking" not in listed.err
    two_days = repository.isolated(
        tmp_path, pex, "materialize", "flights", "--partition-range", "2013-01-01...2013-01-02"
    ).ok()
    assert "rows in 1785, rows good 1785, rows refused 0" in two_days.out
    shown = repository.isolated(tmp_path, pex, "table", "show", "flights", "--limit", "1").ok()
    assert "1 of 1785 rows" in shown.out + shown.err
    assert (tmp_path / ".cascade").is_dir()


def test_a_second_project_packages_only_its_own_workflows_into_the_same_bytes_each_time(
    repository: Repository, server: Path, tmp_path: Path
) -> None:
    repository.pants("cascade-scaffold", "src/workflows/rain").ok()
    workflows = ["src/workflows/nyc_weather", "src/workflows/rain"]
    repository.write(f"{SECOND}/BUILD", f'cascade_project(name="station", workflows={workflows})\n')
    # Sources that no cache has seen, so that Pants does build the PEX, in a sandbox that stays.
    source = repository.root / "src/workflows/rain/observations.py"
    source.write_text(f"{source.read_text()}\n# {uuid.uuid4()}\n")
    # Whoever has the PEX can read all of it.
    for place in (".", SECOND, "src/workflows/rain"):
        for name, text in SECRET_FILES.items():
            repository.write(f"{place}/{name}", text)
    kept = ("--no-pantsd", "--keep-sandboxes=always", f"--local-execution-root-dir={tmp_path}")
    repository.pants(*kept, "package", f"{SECOND}:station").ok()
    (pex,) = (repository.root / "dist").rglob("station.pex")
    first = _digest(pex)

    # The process that builds the PEX gives the same bytes again.
    (built,) = tmp_path.glob("pants-sandbox-*/**/station.pex")
    built.unlink()
    sandbox = tmp_path / built.relative_to(tmp_path).parts[0]
    run(["/bin/bash", str(sandbox / "__run.sh")], sandbox, repository.environment).ok()
    assert _digest(built) == first
    for sandbox in tmp_path.glob("pants-sandbox-*"):
        shutil.rmtree(sandbox, ignore_errors=True)
    # So does another Pants, which works out that process anew: a different one would not be in the cache.
    pex.unlink()
    repository.pants("package", f"{SECOND}:station").ok()
    assert _digest(pex) == first

    with zipfile.ZipFile(pex) as archive:
        names = archive.namelist()
        told = [name for name in names if SECRET.encode() in archive.read(name)]
    assert (told, [name for name in names if name.endswith(tuple(SECRET_FILES))]) == ([], [])
    assert "workflows/nyc_weather/observations.py" in names
    assert "workflows/nyc_weather/data/weather.parquet" in names
    assert "workflows/rain/observations.py" in names
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


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
