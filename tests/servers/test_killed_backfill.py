"""A backfill on PostgreSQL lands whole, although one of its processes is killed (G8)."""

from __future__ import annotations

from pathlib import Path

from killed_backfills import backfill_under_kills

from cascade.testing.trials.conftest import new_database


def test_g8_a_killed_backfill_lands_whole_on_postgresql(postgres: str, tmp_path: Path) -> None:
    root = tmp_path / "project"
    settings = {
        "CASCADE_ICEBERG_CATALOG": f"{postgres}/{new_database(postgres, 'catalog')}",
        "CASCADE_ICEBERG_WAREHOUSE": str(root / "warehouse"),
        "CASCADE_DAGSTER_DATABASE": f"{postgres}/{new_database(postgres, 'dagster')}",
    }
    done = backfill_under_kills(root, partitions=8, processes=2, every=6, most_kills=1, seconds=1.5, settings=settings)
    assert done.kills == 1
