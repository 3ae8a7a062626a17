"""Tell the user of something that a run noticed and that does not stop it.

Code that does not know of runs, such as a reader of files, calls `notice`. During a run the text goes to the run's log,
which the command line and Dagster show. Outside of a run, it is a Python warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_log: ContextVar[Callable[[str], None] | None] = ContextVar("cascade_notices", default=None)


class CascadeNotice(UserWarning):
    """Something that Cascade noticed outside of a run."""


def notice(text: str) -> None:
    """Tell the user of something that does not stop the run.

    Args:
        text: what was noticed, in whole sentences.
    """
    log = _log.get()
    if log is None:
        warnings.warn(text, CascadeNotice, stacklevel=2)
    else:
        log(text)


@contextmanager
def notices_to(log: Callable[[str], None]) -> Iterator[None]:
    """Pass every notice to a log instead of warning.

    Args:
        log: takes the text of each notice.

    Yields:
        Nothing. The log is used inside the block.
    """
    token = _log.set(log)
    try:
        yield
    finally:
        _log.reset(token)
