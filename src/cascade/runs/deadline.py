"""Stop a run that takes longer than `max_runtime_seconds`, in the process that runs it."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cascade.exceptions import RunTooLongError, SourceLocation

_REPEAT_SECONDS = 0.5


class _DeadlinePassed(BaseException):
    """Interrupts a run. `except Exception` in a source or a library does not catch it."""


@contextmanager
def deadline(seconds: float | None, table: str, location: SourceLocation | None = None) -> Iterator[None]:
    """Stop the block after a number of seconds.

    In the main thread, an alarm interrupts even a wait for a socket. In another thread, the interruption takes effect
    at the next Python instruction.

    Args:
        seconds: the limit; None for no limit.
        table: full name of the table, for the error.
        location: the workflow's function, for the error.

    Yields:
        Nothing. The run happens inside the block.

    Raises:
        RunTooLongError: the block took too long.
    """
    if seconds is None:
        yield
        return
    arm = _alarm if _can_alarm() else _watch
    try:
        with arm(seconds):
            yield
    except _DeadlinePassed:
        raise RunTooLongError(
            f"{table}: the run was stopped after max_runtime_seconds={seconds:g}.",
            location=location,
            hint="Raise max_runtime_seconds, or fetch less in one run.",
        ) from None


def _can_alarm() -> bool:
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0
    )


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _is_handled(sys.exc_info()[1]):
            raise _DeadlinePassed

    before = signal.signal(signal.SIGALRM, interrupt)
    # Python ignores an error in a finalizer or in a callback of its garbage collector, so one alarm may not be enough.
    signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.signal(signal.SIGALRM, before)


def _is_handled(error: BaseException | None) -> bool:
    """Return whether the interruption is on its way already, so that what cleans up is not interrupted."""
    while error is not None and not isinstance(error, _DeadlinePassed):
        error = error.__context__
    return error is not None


@contextmanager
def _watch(seconds: float) -> Iterator[None]:
    """Interrupt the current thread from another thread."""
    thread = ctypes.c_ulong(threading.get_ident())
    lock = threading.Lock()
    over = False

    def interrupt() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_DeadlinePassed))

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        timer.cancel()
        # A pending interruption must not reach the code that runs next in this thread.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)
