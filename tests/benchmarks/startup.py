"""How long `import cascade` and `cascade --help` take, against their limits of 0.1 and 0.3 seconds.

    python tests/benchmarks/startup.py [--runs 10] [--json]

Run it with the interpreter of an environment in which the runtime can be imported; `src` of this repository is put on
the path. Each measurement is the wall time of a fresh process, and the import is the difference to a process that
imports nothing. The median counts. The first process, which may have to compile the sources, does not. Exit code 1
when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"

LIMITS = {"import cascade": 0.1, "cascade --help": 0.3}


def median_seconds(arguments: Sequence[str], runs: int) -> float:
    """Measures a command of the interpreter.

    Args:
        arguments: what follows `python`.
        runs: how many times.

    Returns:
        The median of the wall time, in seconds.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCES), *sys.path[1:]])}
    seconds = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])


def measure(runs: int) -> dict[str, float]:
    """Measures everything that has a limit."""
    bare = median_seconds(["-c", "pass"], runs)
    return {
        "import cascade": max(0.0, median_seconds(["-c", "import cascade"], runs) - bare),
        "cascade --help": median_seconds(["-m", "cascade", "--help"], runs),
    }


def main() -> int:
    """Print the measurements and compare them with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=10, help="processes for each measurement, 10 by default")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    measured = measure(options.runs)
    if options.json:
        print(json.dumps({name: {"seconds": round(s, 4), "limit": LIMITS[name]} for name, s in measured.items()}))
    else:
        for name, seconds in measured.items():
            print(f"{name:16} {seconds:7.3f} s  (limit {LIMITS[name]} s)")
    return int(any(seconds > LIMITS[name] for name, seconds in measured.items()))


if __name__ == "__main__":
    sys.exit(main())
