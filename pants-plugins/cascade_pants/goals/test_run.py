"""The root of a project that Pants runs."""

from __future__ import annotations

from pants.engine.addresses import Address

from cascade_pants.goals.run import ROOT_VARIABLE, project_root


def test_the_directory_of_the_build_file() -> None:
    assert project_root("/repo", Address("", target_name="dev"), {}) == "/repo"
    assert project_root("/repo", Address("apps/billing"), {}) == "/repo/apps/billing"


def test_the_users_environment_comes_first() -> None:
    assert project_root("/repo", Address("apps/billing"), {ROOT_VARIABLE: "/data"}) == "/data"
    assert project_root("/repo", Address("apps/billing"), {ROOT_VARIABLE: ""}) == "/repo/apps/billing"
