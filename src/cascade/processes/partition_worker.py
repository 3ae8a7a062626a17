"""A process that loads a project once, and runs one partition after another.

Its first line of standard input says what to run, and every other one is a partition. It answers each with one line on
standard output, and ends with its input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TextIO

from cascade.processes.partition_results import PartitionResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READY = "ready"


@dataclass(frozen=True)
class Job:
    """What a worker runs.

    Args:
        asset: key of the asset, as text.
        modules: the modules of the project; None to find them.
        tags: tags of the runs.
        verbose: whether Dagster's log goes to standard error.
    """

    asset: str
    modules: Sequence[str] | None
    tags: Mapping[str, str]
    verbose: bool = False

    def text(self) -> str:
        """Return one line that `parse` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Job:
        """Read what `text` returned."""
        return cls(**json.loads(text))


def main() -> None:
    """Run partitions until standard input ends."""
    # A process in the background, and its children, would ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What workflows print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        _serve(sys.stdin, answers)
    except (KeyboardInterrupt, BrokenPipeError):
        # Without a partition under way, there is nothing to tell.
        return


def _serve(requests: TextIO, answers: TextIO) -> None:
    import dagster as dg

    from cascade.collector import collector_paused
    from cascade.config import CascadeConfig
    from cascade.framework.assembly import assemble, contribute_what_loads
    from cascade.framework.contents import load_contents
    from cascade.framework.discovery import project_modules
    from cascade.framework.instance import open_instance
    from cascade.framework.runs import run_partitions
    from cascade.iceberg.catalog import import_libraries

    job = Job.parse(requests.readline())
    with collector_paused(for_good=True), ExitStack() as stack:
        config = CascadeConfig.from_user_config()
        contents = load_contents(job.modules, config)
        contributed = contribute_what_loads(contents.collected, contents.project(config, with_dbt=False))
        definitions = assemble(contributed, config)
        packages = tuple(dict.fromkeys(name.partition(".")[0] for name in project_modules(job.modules, config)))
        import_libraries()
        instance = stack.enter_context(open_instance(config))
        stack.enter_context(dg.partition_loading_context(dynamic_partitions_store=instance))
        _answer(answers, READY)
        for line in requests:
            (outcome,) = run_partitions(
                definitions,
                dg.AssetKey.from_user_string(job.asset),
                [json.loads(line)],
                instance=instance,
                packages=packages,
                tags=job.tags,
                verbose=job.verbose,
            )
            _answer(answers, PartitionResult.of(outcome).text())
            if outcome.error is not None and PartitionResult.of(outcome).interrupted:
                return


def _answer(answers: TextIO, text: str) -> None:
    answers.write(f"{text}\n")
    answers.flush()


if __name__ == "__main__":
    main()
