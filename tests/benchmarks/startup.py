"""How long `import cascade`, `cascade --help`, `cascade list` and `cascade materialize` take, against their limits.

    python tests/benchmarks/startup.py [--runs 10] [--json]

Run it with the interpreter of an environment in which the runtime can be imported. A copy of `src` of this repository
is put on the path, with bytecode, as an installation has it, even if PYTHONDONTWRITEBYTECODE is set. Each measurement
is the CPU time of a fresh process, and the import is the difference to a process that imports nothing. `cascade list`
lists 50 workflows, each with a pydantic model in a module of its own, that import dlt and Polars. `cascade materialize`
runs one partition in a project of `cascade init`, whose rows are new to the table. Its limit is 1.3 times the time of
its peer, a process that only imports what every such run needs: Dagster, Polars and pyiceberg. The two take turns. The
median counts. The first process, which has to compile the sources, does not.
Exit code 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"

LIMITS = {"import cascade": 0.1, "cascade --help": 0.3, "cascade list": 0.6}
WORKFLOWS = 50

MATERIALIZE = "cascade materialize"
TIMES_THE_IMPORTS = 1.3
IMPORTS = "import dagster, polars, pyiceberg.catalog.sql, pyiceberg.io.pyarrow"
ASSET, PARTITION = "air_quality_observations", "2024-01-01"

SCHEMA = '''"""The schema of domain {number}."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field


class Reading(BaseModel):
    """One reading."""

    id: int = Field(gt=0, description="Identifies the reading.")
    observed_at: AwareDatetime
    celsius: float | None = Field(default=None, lt=60)
    station: str = Field(alias="stationId")
'''
WORKFLOW = '''"""The readings of domain {number}."""

from __future__ import annotations

import dlt
import polars as pl
from cascade import cascade_ingestion

from workflows.schemas.domain_{number} import Reading


@cascade_ingestion(
    table_name="readings_{number}",
    unique_key="id",
    validation_schema=Reading,
    cron="0 6 * * *",
    partition_start="2024-01-01",
)
def readings(partition_date: str) -> pl.DataFrame:
    """Readings of one day."""
    return pl.DataFrame(list(dlt.resource([], name="readings")))
'''


@lru_cache
def _copied_sources() -> Path:
    """Return a copy of the sources that goes away with this process."""
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(shutil.copytree(SOURCES, directory / "src", ignore=shutil.ignore_patterns("__pycache__")))


def seconds_of(arguments: Sequence[str], directory: Path | None = None) -> float:
    """Measures a command of the interpreter once.

    Args:
        arguments: what follows `python`.
        directory: where to run it.

    Returns:
        Its CPU time, in seconds.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_copied_sources()), *sys.path[1:]])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        cwd=directory,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median_seconds(arguments: Sequence[str], runs: int, directory: Path | None = None) -> float:
    """Measures a command of the interpreter.

    Args:
        arguments: what follows `python`.
        runs: how many times.
        directory: where to run it.

    Returns:
        The median of the CPU time, in seconds.
    """
    return statistics.median([seconds_of(arguments, directory) for _ in range(runs + 1)][1:])


def materialize_seconds(runs: int) -> tuple[float, float]:
    """Measures `cascade materialize` and its peer in turns, and returns the medians of both, in seconds."""
    with tempfile.TemporaryDirectory() as directory:
        seconds_of(["-m", "cascade", "init", "project"], Path(directory))
        project = Path(directory, "project")
        run = ["-m", "cascade", "materialize", ASSET, "--partition", PARTITION]
        # It creates the catalog and Dagster's databases, which the measured runs find.
        seconds_of(run, project)
        ours, peers = [], []
        for _ in range(runs):
            shutil.rmtree(project / ".cascade" / "warehouse")
            (project / ".cascade" / "catalog.db").unlink()
            ours.append(seconds_of(run, project))
            peers.append(seconds_of(["-c", IMPORTS]))
        return statistics.median(ours), statistics.median(peers)


def write_project(directory: Path) -> None:
    """Write a project with many workflows."""
    (directory / "pyproject.toml").write_text("[tool.cascade]\n")
    (directory / "workflows" / "schemas").mkdir(parents=True)
    for number in range(WORKFLOWS):
        (directory / "workflows" / "schemas" / f"domain_{number}.py").write_text(SCHEMA.format(number=number))
        home = directory / "workflows" / "ingestion" / f"domain_{number}"
        home.mkdir(parents=True)
        (home / "readings.py").write_text(WORKFLOW.format(number=number))


def measure(runs: int) -> dict[str, float]:
    """Measures everything that has a limit."""
    bare = median_seconds(["-c", "pass"], runs)
    with tempfile.TemporaryDirectory() as directory:
        write_project(Path(directory))
        return {
            "import cascade": max(0.0, median_seconds(["-c", "import cascade"], runs) - bare),
            "cascade --help": median_seconds(["-m", "cascade", "--help"], runs),
            "cascade list": median_seconds(["-m", "cascade", "list"], runs, Path(directory)),
        }


def main() -> int:
    """Print the measurements and compare them with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=10, help="processes for each measurement, 10 by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    measured, limits = measure(options.runs), dict(LIMITS)
    measured[MATERIALIZE], imports = materialize_seconds(options.runs)
    limits[MATERIALIZE] = TIMES_THE_IMPORTS * imports
    if options.json:
        print(
            json.dumps(
                {name: {"seconds": round(s, 4), "limit": round(limits[name], 4)} for name, s in measured.items()}
            )
        )
    else:
        for name, seconds in measured.items():
            print(f"{name:20} {seconds:7.3f} s  (limit {limits[name]:.3g} s)")
        print(
            f"{MATERIALIZE} takes {measured[MATERIALIZE] / imports:.2f} times its imports, which take {imports:.3f} s."
        )
    return int(any(seconds > limits[name] for name, seconds in measured.items()))


if __name__ == "__main__":
    sys.exit(main())
