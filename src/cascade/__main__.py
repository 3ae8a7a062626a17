"""`python -m cascade`: the same command line as `cascade`."""

from __future__ import annotations

import os
import sys


def _forget_the_working_directory() -> None:
    """Remove the directory that Python puts first for `-m`: a folder in it could hide a standard module."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        # The working directory was deleted.
        return
    runs_from_here = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) == here
    if sys.path and sys.path[0] in ("", here) and not sys.flags.safe_path and not runs_from_here:
        del sys.path[0]


if __name__ == "__main__":
    _forget_the_working_directory()
    from cascade.cli.main import main

    main()
