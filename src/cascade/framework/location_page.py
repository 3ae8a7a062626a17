"""What the page of the code location in Dagster's UI shows about a project: Cascade's version, and what did not load.

Dagster shows no metadata of `Definitions` there. The list of library versions is the only part of the page that the
loaded code can fill.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cascade.contributor import relative_path
from cascade.exceptions import CascadeError
from cascade.version import __version__

NOT_LOADED = "not loaded"
"""What the entry of a part that did not load begins with."""


def show_on_location_page(failures: Iterable[CascadeError], root: Path) -> None:
    """Set what the page shows about the definitions that this process serves.

    Args:
        failures: errors of parts that did not load.
        root: the root of the project.
    """
    from dagster._core.libraries import DagsterLibraryRegistry

    DagsterLibraryRegistry.register("cascade-workflows", __version__, is_dagster_package=False)
    messages: dict[str, list[str]] = {}
    for number, failure in enumerate(failures, start=1):
        place = failure.location
        where = f"{relative_path(place.file, root)}:{place.line}" if place else f"part {number}"
        messages.setdefault(where, []).append(failure.message)
    for where, texts in messages.items():
        DagsterLibraryRegistry.register(f"{NOT_LOADED}: {where}", "\n".join(texts), is_dagster_package=False)
