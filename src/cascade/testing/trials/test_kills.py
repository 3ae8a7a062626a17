from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from cascade.fault_points import FaultPoint
from cascade.framework.resources import throwaway_config
from cascade.testing.trials.cases import REFUSED, Case
from cascade.testing.trials.kills import AT_RANDOM, Campaign, in_lanes
from cascade.testing.trials.maintained import assert_killed_maintenance_loses_nothing
from cascade.testing.trials.sites import new_site

KILLS = 300


def test_g2_killed_runs_leave_whole_snapshots_and_the_next_runs_recover(tmp_path: Path) -> None:
    """`tests/proof/kills.py` does the same for any number of kills."""
    with new_site(throwaway_config(tmp_path)) as site:
        kills = in_lanes(site, lanes=2, kills=KILLS, seed=1)
    print(dict(kills))
    assert kills.total() >= KILLS
    assert kills[AT_RANDOM] >= KILLS // 3
    assert {point.value for point in FaultPoint if point.is_of_every_run} <= kills.keys()
    assert {f"{point} (quarantine)" for point in ("write", "commit", "publish")} <= kills.keys()


def test_a_long_campaign_still_has_good_rows(tmp_path: Path) -> None:
    with new_site(throwaway_config(tmp_path)) as site:
        campaign = Campaign(site, Case("merge"), seed=1)
        campaign.numbers = count(10_000_000)
        assert any(row.value < REFUSED for row in campaign._more(None))


@pytest.mark.parametrize("case", [Case("merge"), Case("append"), Case("replace")], ids=str)
def test_g7_maintenance_that_is_killed_beside_runs_loses_nothing(tmp_path: Path, case: Case) -> None:
    with new_site(throwaway_config(tmp_path)) as site:
        assert_killed_maintenance_loses_nothing(site, case, kills=12, seed=1)
