"""What a backfill costs beyond the runs themselves, and what the state of many tables costs.

    python tests/benchmarks/backfill.py [PARTITIONS] [TABLES]

It fills 60 daily partitions of 800 rows by `run_ingestion` alone, which is the run itself, and then by `cascade
backfill` with one process and with two, each in a table of its own. Limit: the backfill takes at most one CPU second
more for each partition, with what it takes to start. Then it asks for the states of 200 tables with a year of
partitions each, of which a tenth has failed runs. Limit: one CPU second, without imports. The exit code is 1 if a limit
is exceeded. Use 365 partitions for the whole measurement.
"""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

MOST_SECONDS_PER_PARTITION = MOST_SECONDS_OF_STATES = 1.0

WORKFLOW = """
from datetime import date, datetime, timedelta

from cascade import cascade_ingestion
from pydantic import BaseModel, Field


class Flight(BaseModel):
    flight: int
    day: date
    carrier: str = Field(min_length=2)
    delay: float | None = None


def rows(day: str):
    number = date.fromisoformat(day).toordinal()
    return [
        {{"flight": i, "day": day, "carrier": f"C{{i % 16}}", "delay": None if i % 40 == 0 else (i * number) % 97 / 7}}
        for i in range(800)
    ]


for name in {names!r}:
    @cascade_ingestion(
        table_name=name, unique_key=("flight", "day"), group="flights", validation_schema=Flight, cron="5 6 * * *",
        partition_start="2013-01-01", partition_end={end!r},
    )
    def flights(partition_date):
        return rows(partition_date)

    globals()[name] = flights
"""


def main() -> None:
    """Print the numbers, and exit with 1 if a limit is exceeded."""
    partitions, tables = (int(text) for text in (sys.argv[1:] + ["60", "200"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        os.chdir(root)
        os.environ["CASCADE_PROJECT_ROOT"] = directory
        (root / "pyproject.toml").write_text('[tool.cascade]\nworkflows_path = "flows"\n')
        (root / "flows").mkdir()
        sys.path.insert(0, directory)
        end = str(date(2013, 1, 1) + timedelta(days=partitions))
        names = ["alone", "backfill1", "backfill2"]
        (root / "flows" / "flights.py").write_text(WORKFLOW.format(names=names, end=end))
        alone = _cpu(lambda: _run_alone(partitions))
        print(f"{partitions} partitions of 800 rows: the runs themselves {alone / partitions:.3f} CPU s each")
        worst = 0.0
        for processes in (1, 2):
            arguments = ["backfill", f"backfill{processes}", "--parallel", str(processes)]
            spent = _cpu(lambda arguments=arguments: _cascade(arguments))  # type: ignore[misc]
            worst = max(worst, (spent - alone) / partitions)
            print(f"cascade {' '.join(arguments)}: {spent:.1f} CPU s, {(spent - alone) / partitions:.3f} more for each")
        seconds = _states(root, tables)
        print(f"states of {tables} tables: {seconds:.2f} CPU s")
    sys.exit(worst > MOST_SECONDS_PER_PARTITION or seconds > MOST_SECONDS_OF_STATES)


def _cpu(work: Callable[[], object]) -> float:
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _run_alone(partitions: int) -> None:
    code = f"""
from datetime import date, timedelta
from cascade.config import CascadeConfig
from cascade.iceberg import open_lakehouse
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from flows.flights import alone

lakehouse = open_lakehouse(CascadeConfig.from_user_config())
for number in range({partitions}):
    window = window_for(alone.declaration, str(date(2013, 1, 1) + timedelta(days=number)))
    run_ingestion(alone.declaration, lakehouse=lakehouse, window=window, run_id=str(number))
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())


def _cascade(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "cascade", *arguments]
    subprocess.run(command, check=True, env=_environment(), stdout=subprocess.DEVNULL)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))}


def _states(root: Path, count: int) -> float:
    """Return the CPU seconds of asking for the states of many tables."""
    names = [f"table{number}" for number in range(count)]
    (root / "flows" / "many.py").write_text(WORKFLOW.format(names=names, end="2014-01-01"))

    import dagster as dg
    from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent
    from flows import many  # type: ignore[import-not-found]  # pants: no-infer-dep

    from cascade.config import CascadeConfig
    from cascade.framework.instance import open_instance
    from cascade.framework.partition_states import partition_states
    from cascade.iceberg import open_lakehouse
    from cascade.ingestion.run import run_ingestion
    from cascade.partitions import window_for

    config = CascadeConfig.from_user_config()
    lakehouse = open_lakehouse(config)
    declarations = [getattr(many, name).declaration for name in names]
    with open_instance(config) as instance:
        for number, declaration in enumerate(declarations):
            key = dg.AssetKey(list(declaration.asset_key))
            for day in ("2013-01-01", "2013-01-02", "2013-01-05"):
                window = window_for(declaration, day)
                run_ingestion(declaration, lakehouse=lakehouse, window=window, run_id=day, data=many.rows(day)[:9])
                instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))
            if number % 10 == 0:
                tags = {"dagster/partition": "2013-01-03"}
                run = instance.add_run(dg.DagsterRun("__ASSET_JOB", tags=tags, asset_selection=frozenset({key})))
                data = AssetMaterializationPlannedData(key, partition="2013-01-03")
                event = DagsterEvent.build_asset_materialization_planned_event("__ASSET_JOB", "step", data)
                instance.report_dagster_event(event, run.run_id, logging.DEBUG)
                instance.report_run_failed(run)
        found: list[int] = []

        def ask() -> None:
            states = partition_states(
                declarations, lakehouse=lakehouse, instance=instance, partition_start=config.partition_start
            )
            found[:] = [sum(len(each.failed) for each in states), sum(len(each.published) for each in states)]

        seconds = min(_cpu(ask) for _ in range(3))
    assert found == [-(-count // 10), 3 * count], found
    return seconds


if __name__ == "__main__":
    main()
