"""How the time of the plugin's own functions grows with a repository, without Pants' engine around them.

    "$(scripts/venv pants-plugins)/bin/python" pants-plugins/benchmarks/plugin_functions.py

It calls each with 1,000 and with 5,000 workflows, and the reader also with one module of 0.96 and of 4.8 MB. The
numbers are seconds of CPU time, the best of three calls. The last column is how many times longer the second call
takes: five times as much may take about five times as long, and above 10, the exit code is 1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pants.engine.addresses import Address

from cascade_pants.goals.check_batches import WorkflowBatch, neighbours_of, shared_tables
from cascade_pants.goals.tailor import claimed_by, workflow_directories
from cascade_pants.reader.declarations import Argument, Declaration
from cascade_pants.reader.packages import declarations_in_package
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow, WorkflowFile
from cascade_pants.util_rules.project_selection import parse_workflow_specs, select_workflows
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

SIZES = (1000, 5000)
LIMIT = 10.0
"""How many times longer a call may take with five times as many workflows."""

ENTRIES = 500
"""How many entries the field `workflows` has."""

FILES = ("assets.py", "schema.py", "settings.py")
SOURCE = b"from cascade.ingestion import cascade_ingestion\n\n@cascade_ingestion(table_name='t')\ndef rows(): ...\n"
LINE = b"ROW_%06d = {'station': 'EWR', 'wind': [1.5, 2.5, None], 'note': 'clear'}  # generated\n"
BYTES_OF_A_WORKFLOW = 960
"""The size of the large module, which has that many bytes for each workflow: 4.8 MB for 5,000."""

OTHER = b"import dataclasses\n\nfrom workflows.assets import rows\n"


def workflow(number: int) -> Workflow:
    """Return a workflow of three files."""
    directory = f"src/workflows/domain_{number:05}"
    return Workflow(
        Address(directory),
        "python-default",
        tuple(WorkflowFile(f"{directory}/{name}", Address(directory, relative_file_path=name)) for name in FILES),
    )


def calls(size: int) -> dict[str, Callable[[], object]]:
    """Return what to time for a repository of some workflows.

    Args:
        size: how many workflows.
    """
    workflows = AllWorkflows(workflow(number) for number in range(size))
    paths = [file.path for one in workflows for file in one.files]
    directories = [one.address.spec_path for one in workflows]
    project = Address("", target_name="dev")
    specs = parse_workflow_specs(project, [f"{one}::" for one in directories[:: max(1, size // ENTRIES)]])
    batches = [WorkflowBatch("python-default", tuple(workflows[start : start + 16])) for start in range(0, size, 16)]
    tables = TableMap.of(
        LocatedDeclaration(
            Declaration("cascade_ingestion", 3, "rows", (Argument("table_name", 3, f"t{number // 2}"),)),
            one.files[0].path,
            one.files[0].address,
        )
        for number, one in enumerate(workflows)
    )
    contents = {path: SOURCE if path.endswith(FILES[0]) else OTHER for path in paths}
    # Each of these passes on the decorator, and under a name of its own.
    large = {
        "generated.py": SOURCE + b"".join(LINE % number for number in range(size * BYTES_OF_A_WORKFLOW // len(LINE)))
    }
    contents.update((f"{one}/module_{number}.py", SOURCE) for number, one in enumerate(directories))
    return {
        "tailor: workflow_directories": lambda: workflow_directories(paths),
        "tailor: claimed_by": lambda: claimed_by(directories, paths),
        "reader: one large module": lambda: declarations_in_package(large),
        "reader: declarations_in_package": lambda: declarations_in_package(contents),
        f"project: select_workflows, {len(specs)} entries": lambda: select_workflows(
            project, "python-default", specs, workflows
        ),
        "check: neighbours_of, every batch": lambda: [
            neighbours_of(batch, [one.files[0].address for one in batch.workflows], workflows) for batch in batches
        ],
        "check: shared_tables": lambda: shared_tables(batches, tables, workflows),
    }


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> int:
    """Measure and print."""
    measured: list[dict[str, float]] = []
    for size in SIZES:
        found = {}
        for label, call in calls(size).items():
            found[label.partition(",")[0]] = min(_seconds(call) for _ in range(3))
        measured.append(found)
    print(f"{'':36}{''.join(f'{size:>10,}' for size in SIZES)}{'grows':>8}")
    within = True
    for label, small in measured[0].items():
        large = measured[1][label]
        # Below a second, the clock and the machine decide.
        over = large > 1 and large / small > LIMIT
        within = within and not over
        print(f"{label:36}{small:10.3f}{large:10.3f}{large / small:8.1f}{'  too much' if over else ''}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
