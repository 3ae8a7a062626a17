"""Output of a process in a sandbox, without the path of the sandbox.

Pants' own removal is greedy: of a line that names two files, it leaves only what follows the last path.
"""

from __future__ import annotations

import re

_SANDBOX = re.compile(r"""(?:/[^/\s'"()\[\]{}<>,;:=]+)*/pants-sandbox-[a-zA-Z0-9]+(?:/|(?![a-zA-Z0-9]))""")


def without_sandbox_paths(output: bytes) -> str:
    """Make the paths in an output relative to the sandbox, which has the same directories as the repository.

    Args:
        output: what a process printed.
    """
    return _SANDBOX.sub("", output.decode(errors="replace"))
