"""Kill runs with SIGKILL, look at what readers see, and let the next run recover: as often as you like.

    python tests/proof/kills.py 10000 [--lanes 2] [--seed 1] [--catalog URI --warehouse DIRECTORY]

Run it with the interpreter of an environment in which the runtime can be imported; `src` of this repository is put on
the path. Every write disposition is run, with and without partitions, full and incremental, with refused rows. Half of
the runs are killed at fault points, the others at random instants. What must be left comes from a model. The unit tests
run the same code with 300 kills. One kill takes about half a second of CPU time.

Without `--catalog`, the tables are in a throwaway lakehouse. The script prints how many runs it killed at which point.
It ends with exit code 1 and the first difference if readers saw anything but a whole snapshot, or if a run did not
recover; the seed then repeats the rows and the points, but not the exact instants.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from cascade.framework.resources import throwaway_config
from cascade.testing.trials.children import ChildError
from cascade.testing.trials.kills import in_lanes
from cascade.testing.trials.sites import new_site


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kills", type=int, help="how many runs to kill")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1, help="how many processes kill at a time")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="decides the rows and the points")
    parser.add_argument("--catalog", help="address of the catalog, such as postgresql://...")
    parser.add_argument("--warehouse", help="directory or address of the warehouse")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cascade-kills-") as directory:
        config = throwaway_config(Path(directory))
        if options.catalog:
            config.iceberg_catalog, config.iceberg_warehouse = options.catalog, options.warehouse
        print(f"Seed {options.seed}", flush=True)
        try:
            with new_site(config) as site:
                kills = in_lanes(site, options.lanes, options.kills, options.seed)
        except ChildError as error:
            print(error)
            return 1
    for point, number in kills.most_common():
        print(f"{number:7,} {point}")
    print(f"{kills.total():7,} kills; every run after one recovered")
    return 0


if __name__ == "__main__":
    sys.exit(main())
