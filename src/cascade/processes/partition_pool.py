"""Run the partitions of an asset in several processes, each of which loads the project once."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from cascade.exceptions import CascadeError
from cascade.processes.children import Child, Children, child_environment
from cascade.processes.partition_results import PartitionResult
from cascade.processes.partition_worker import READY, Job
from cascade.processes.stop_signals import Stopped, StopSignals

# How long runs may take to end after Ctrl-C: a commit that is under way is worth waiting for.
_GRACE_SECONDS = 30.0
# A process that is killed says nothing about its partition, but a partition that takes too much memory kills each.
_MOST_ATTEMPTS = 5
# Nor does one that is killed while it loads the project, but a project that takes too much memory never loads.
_MOST_LOADS = 20
_WORKER = (sys.executable, "-m", "cascade.processes.partition_worker")


@dataclass(eq=False)
class _Worker:
    child: Child
    partition: str | None = None
    busy: bool = False
    ready: bool = False
    begun: bytes = b""

    @property
    def requests(self) -> IO[bytes]:
        assert self.child.process.stdin is not None
        return self.child.process.stdin

    @property
    def answers(self) -> IO[bytes]:
        assert self.child.process.stdout is not None
        return self.child.process.stdout

    def lines(self) -> tuple[list[str], bool]:
        """Return the lines that have come, and whether more may come."""
        # A buffered reader would hold back a second line, which the selector would not know of.
        read = os.read(self.answers.fileno(), 1 << 20)
        *whole, self.begun = (self.begun + read).split(b"\n")
        return [line.decode() for line in whole], bool(read)

    def ask(self, text: str) -> None:
        # A worker that has ended is noticed when it does not answer.
        try:
            self.requests.write(f"{text}\n".encode())
            self.requests.flush()
        except BrokenPipeError:
            return


def run_in_processes(
    job: Job,
    partitions: Sequence[str | None],
    *,
    processes: int,
    signals: StopSignals,
    stopping: Callable[[], None],
    taken_again: Callable[[PartitionResult], None] = lambda _: None,
    worker_argv: Sequence[str] = _WORKER,
) -> Iterator[PartitionResult]:
    """Run partitions, several at a time.

    A partition whose run fails does not stop the others. One whose process dies runs again, after all others, in a new
    process; it fails when five processes have died of it. After `Stopped`, no further run starts, and those under way
    are asked to end, or killed at the next signal.

    Args:
        job: what to run.
        partitions: the keys, in the order in which they start.
        processes: how many processes run at once.
        signals: turns Ctrl-C into `Stopped`.
        stopping: called when it begins to wait for the end of the runs under way.
        taken_again: called when the process of a run has died and its partition will run again, with what is known of
            the run.
        worker_argv: the command line of a process.

    Yields:
        What each run did, as it ends; also of those that were interrupted. Of the runs of one partition, the last.

    Raises:
        CascadeError: a process could not load the project, or several in a row were killed while they did.
    """
    waiting = deque(partitions)
    attempts: Counter[str | None] = Counter()
    killed_loading = 0
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="cascade-backfill-"))
        selector = stack.enter_context(selectors.DefaultSelector())
        children = stack.enter_context(Children(Path(scratch), grace=_GRACE_SECONDS))
        workers: set[_Worker] = set()

        def start() -> None:
            worker = _Worker(children.start("worker", worker_argv, env=child_environment(), talks=True))
            workers.add(worker)
            selector.register(worker.answers, selectors.EVENT_READ, worker)
            worker.ask(job.text())
            give(worker)

        def give(worker: _Worker) -> None:
            worker.busy = bool(waiting)
            if not waiting:
                worker.requests.close()
                return
            worker.partition = waiting.popleft()
            worker.ask(json.dumps(worker.partition))

        def end(worker: _Worker) -> int:
            selector.unregister(worker.answers)
            workers.discard(worker)
            with worker.answers:
                children.forget([worker.child])
            return worker.child.process.returncode

        try:
            with signals.held():
                for _ in range(min(processes, len(waiting))):
                    start()
            while workers:
                # Nothing but this is interrupted, so that no answer is lost.
                events = selector.select()
                with signals.held():
                    for event, _ in events:
                        worker = event.data
                        lines, goes_on = worker.lines()
                        for line in lines:
                            if line == READY:
                                worker.ready = True
                                killed_loading = 0
                            else:
                                attempts[worker.partition] += 1
                                tried = attempts[worker.partition]
                                give(worker)
                                yield replace(PartitionResult.parse(line), attempts=tried)
                        if goes_on:
                            continue
                        code = end(worker)
                        if worker.busy and not worker.ready:
                            killed_loading += 1
                            if code >= 0 or killed_loading == _MOST_LOADS:
                                raise _unloadable(code)
                            # Its partition has nothing to do with it.
                            waiting.appendleft(worker.partition)
                        elif worker.busy:
                            attempts[worker.partition] += 1
                            lost = _lost(worker.partition, code, attempts[worker.partition])
                            if attempts[worker.partition] < _MOST_ATTEMPTS:
                                waiting.append(worker.partition)
                                taken_again(lost)
                            else:
                                yield lost
                        if waiting:
                            start()
        except Stopped:
            running = list(workers)
            stopping()
            children.stop(hurry=signals.insisted)
            for worker in running:
                with worker.answers:
                    for line in (worker.begun + worker.answers.read()).decode().splitlines():
                        if line == READY:
                            worker.ready = True
                        else:
                            worker.busy = False
                            yield PartitionResult.parse(line)
                if worker.busy and worker.ready:
                    yield PartitionResult(
                        worker.partition, success=False, interrupted=True, error="it was interrupted."
                    )
            raise


def _lost(partition: str | None, code: int, attempts: int) -> PartitionResult:
    error = f"the process of the run {_ending(code)}."
    if attempts == _MOST_ATTEMPTS:
        error = f"{attempts} processes died while they ran it. The last {_ending(code)}."
        if code == -signal.SIGKILL:
            error += " If memory ran out, use a lower --parallel."
    return PartitionResult(partition, success=False, error=error, attempts=attempts)


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with the exit code {code}"


def _unloadable(code: int) -> CascadeError:
    return CascadeError(
        f"A process of the backfill {_ending(code)} before it had loaded the project.",
        hint="Its error is above. With --parallel 1, everything runs in one process.",
    )
