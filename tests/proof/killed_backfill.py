"""Backfill a year of partitions while one of its processes is killed every ten seconds, and check that it lands whole.

    python tests/proof/killed_backfill.py
    python tests/proof/killed_backfill.py --partitions 1000 --processes 8 --every 3
    python tests/proof/killed_backfill.py --catalog postgresql://user@host/one --dagster postgresql://user@host/other

Everything is in a temporary directory, unless addresses of databases say otherwise: use empty databases. The exit code
is 1 if a partition or a row is missing or twice, if a run is left in progress, or if the backfill fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from killed_backfills import backfill_under_kills


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--partitions", type=int, default=365, help="how many daily partitions")
    parser.add_argument("--processes", type=int, default=4, help="how many run at once")
    parser.add_argument("--every", type=float, default=10.0, help="a process is killed every so many seconds")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long the source takes for a partition")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="decides which process is killed")
    parser.add_argument("--catalog", help="address of the catalog's database, such as postgresql://...")
    parser.add_argument("--dagster", help="address of Dagster's database, such as postgresql://...")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cascade-backfill-") as directory:
        root = Path(directory) / "project"
        settings = {}
        if options.catalog:
            settings["CASCADE_ICEBERG_CATALOG"] = options.catalog
            settings["CASCADE_ICEBERG_WAREHOUSE"] = str(root / "warehouse")
        if options.dagster:
            settings["CASCADE_DAGSTER_DATABASE"] = options.dagster
        print(f"Seed {options.seed}. What the backfill says is in {root}/errors.", flush=True)
        try:
            done = backfill_under_kills(
                root,
                partitions=options.partitions,
                processes=options.processes,
                every=options.every,
                seconds=options.seconds,
                settings=settings,
                seed=options.seed,
            )
        except AssertionError as error:
            print(error)
            return 1
    print(
        f"{options.partitions} partitions landed whole in {done.seconds:.0f} s over {options.processes} processes, of "
        f"which {done.kills} were killed; {done.again} partitions ran again"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
