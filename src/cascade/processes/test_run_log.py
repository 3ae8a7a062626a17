"""The lines of runs on the terminal of `dev`."""

import logging
from collections.abc import Callable

import dagster as dg
import pytest

from cascade.processes.run_log import RunLog

ADDRESS = "http://127.0.0.1:3000"


@dg.asset(name="dlt_rows")
def rows(context: dg.AssetExecutionContext) -> None:
    context.log.info("unimportant")
    context.log.warning("2 rows - refused")


@dg.asset
def down() -> None:
    raise ValueError("the source\nis down")


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
def refused() -> None:
    raise dg.Failure("flows/a.py:2: not loaded")


@dg.resource
def closed(_: dg.InitResourceContext) -> None:
    raise OSError("no lakehouse")


@dg.asset(required_resource_keys={"closed"})
def unreachable() -> None: ...


@pytest.fixture
def shown(capfd: pytest.CaptureFixture[str]) -> Callable[[dg.AssetsDefinition], list[str]]:
    """Return a function that runs an asset as a code server does, and returns what `dev` prints of it."""

    def run(asset: dg.AssetsDefinition) -> list[str]:
        definitions = dg.Definitions(assets=[asset], resources={"closed": closed})
        job = definitions.resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(instance=instance, raise_on_error=False)
        lines = capfd.readouterr().err.splitlines(keepends=True)
        assert any(" - dagster - DEBUG - " in line for line in lines)
        log = RunLog(ADDRESS)
        printed = [log(line) for line in [*lines, "warning: printed by a module\n"]]
        return "".join(filter(None, printed)).replace(result.run_id, "RUN").replace(result.run_id[:8], "R").splitlines()

    logging.disable(logging.NOTSET)
    return run


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        (rows, ["warning: rows: 2 rows - refused", "Run R of rows succeeded."]),
        (down, ["Run R of down failed: ValueError: the source", "is down", f"  See {ADDRESS}/runs/RUN"]),
        (refused, ["Run R of refused failed: flows/a.py:2: not loaded", f"  See {ADDRESS}/runs/RUN"]),
        (unreachable, ["Run R of unreachable failed: OSError: no lakehouse", f"  See {ADDRESS}/runs/RUN"]),
    ],
    ids=lambda value: value.node_def.name if isinstance(value, dg.AssetsDefinition) else "",
)
def test_a_run_is_one_line_with_its_outcome_and_no_traceback(
    shown: Callable[[dg.AssetsDefinition], list[str]], asset: dg.AssetsDefinition, expected: list[str]
) -> None:
    assert shown(asset) == [*expected, "warning: printed by a module"]


@pytest.mark.parametrize(
    "line",
    ["error: not loaded: a.py:1\n", "  File 'a.py', line 1\n", "\n", "2024-01-01 my own line - dagster - x\n"],
)
def test_other_lines_are_kept(line: str) -> None:
    assert RunLog(ADDRESS)(line) == line
