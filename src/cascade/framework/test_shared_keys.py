"""Two checks of one name are told with the modules of both. `test_definitions.py` is about keys of assets."""

from __future__ import annotations

import pytest

from cascade.exceptions import DiscoveryError
from cascade.framework.conftest import SampleProject
from cascade.framework.definitions import build_definitions
from cascade.framework.validate import find_problems

CHECK = """
    import dagster as dg

    @dg.asset_check(asset="{asset}", name="{name}")
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)
"""


def test_two_checks_of_one_name_are_told_with_their_modules(project: SampleProject) -> None:
    project.write("first.py", CHECK.format(asset="weather", name="is_good"))
    project.write("second.py", CHECK.format(asset="weather", name="is_good"))
    told = f"Two checks of weather are called is_good, in {project.module('first')} and in {project.module('second')}."
    with pytest.raises(DiscoveryError, match=told):
        build_definitions()
    (problem,) = find_problems([project.module("first"), project.module("second")])
    assert problem.message.startswith(told)


def test_checks_of_other_assets_and_one_that_definitions_hold_too_are_no_clash(project: SampleProject) -> None:
    project.write("first.py", CHECK.format(asset="weather", name="is_good"))
    project.write("second.py", CHECK.format(asset="traffic", name="is_good"))
    project.write(
        "third.py", CHECK.format(asset="rain", name="is_good") + "\n    defs = dg.Definitions(asset_checks=[check])\n"
    )
    assert not find_problems([project.module(name) for name in ("first", "second", "third")])
