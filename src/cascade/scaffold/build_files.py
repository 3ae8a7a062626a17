"""The text of the BUILD file of a workflow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from cascade.scaffold.environment import literal


def workflow_build(files: Iterable[str], *, sources: Iterable[str] = (), resolve: str | None = None) -> str:
    """Write the BUILD file of a workflow.

    Args:
        files: the files of the workflow, relative to its directory. Those that are not Python become resources, which
            sandboxes and PEXes contain.
        sources: globs of the files that the workflow owns. Default: every Python file in its directory and below.
        resolve: the resolve of the workflow. Default: none, which means the repository's default resolve.

    Returns:
        The text of the BUILD file.
    """
    data = sorted({PurePosixPath(path).parent for path in files if not path.endswith(".py")})
    arguments = {
        "sources": list(sources),
        "dependencies": [":data"] if data else [],
        "resolve": resolve,
    }
    written = ", ".join(f"{name}={literal(value)}" for name, value in arguments.items() if value)
    text = f"cascade_workflow({written})\n"
    if data:
        globs = [str(folder / "*") for folder in data]
        text += f'\nresources(name="data", sources={literal(globs)})\n'
    return text
