"""What Pants tells a project that it runs."""

from __future__ import annotations

import json

import pytest
from pants.engine.addresses import Address

from cascade_pants.goals.run import ROOT_VARIABLE, manifest_command, project_root


def test_the_directory_of_the_build_file() -> None:
    assert project_root("/repo", Address("", target_name="dev"), {}) == "/repo"
    assert project_root("/repo", Address("apps/billing"), {}) == "/repo/apps/billing"


def test_the_users_environment_comes_first() -> None:
    assert project_root("/repo", Address("apps/billing"), {ROOT_VARIABLE: "/data"}) == "/data"
    assert project_root("/repo", Address("apps/billing"), {ROOT_VARIABLE: ""}) == "/repo/apps/billing"


@pytest.mark.parametrize(("pantsd", "options"), [(True, ["--concurrent", "--no-pantsd"]), (False, [])])
def test_a_running_dev_asks_beside_the_daemon_that_it_occupies(pantsd: bool, options: list[str]) -> None:
    asked = json.loads(manifest_command("/repo", [Address("apps/billing")], pantsd=pantsd))
    assert asked["directory"] == "/repo"
    assert asked["argv"][1:] == [*options, "cascade-manifest", "apps/billing:billing"]
