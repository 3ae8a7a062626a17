"""Run a server of a stack for as long as the tests need it."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from processes import wait_until

from cascade.processes.children import Children
from cascade.services.service import Service


@contextmanager
def running(service: Service) -> Iterator[None]:
    """Start a server, and stop it. A kill of the tests ends it too.

    Args:
        service: the server. The directory of its stack goes with it.
    """
    launch = service.launch()
    log: deque[str] = deque(maxlen=80)
    # Its data is thrown away, so it need not end in order. The guardian of the children removes the directory.
    with Children(service.stack.directory, grace=0.2) as children:
        argv = ["/bin/sh", "-c", 'exec "$@" >&2', "sh", *launch.argv]
        child = children.start(service.name, argv, env=launch.environment, shows=log.append)
        try:
            wait_until(lambda: child.ended is not None or service.trouble() is None, service.seconds)
            assert child.ended is None, f"{service.name} ended with {child.ended}"
            service.complete()
            yield
            assert child.ended is None, f"{service.name} ended with {child.ended}"
        except BaseException:
            print("".join(log))
            raise
    if launch.scratch is not None:
        shutil.rmtree(launch.scratch, ignore_errors=True)
