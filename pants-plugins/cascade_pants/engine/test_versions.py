"""Supported and unsupported versions of Pants."""

from __future__ import annotations

import pytest

from cascade_pants.engine.versions import BY_NAME, GET, UnsupportedPantsError, engine_for


@pytest.mark.parametrize(("minor", "engine"), [(17, GET), (30, BY_NAME), (31, BY_NAME), (35, BY_NAME)])
def test_versions_that_work(minor: int, engine: str) -> None:
    assert engine_for(f"2.{minor}.0", 2, minor) == engine


def test_a_later_major_version_calls_by_name() -> None:
    assert engine_for("3.0.0", 3, 0) == BY_NAME


@pytest.mark.parametrize("minor", [16, *range(18, 30)])
def test_unsupported_versions_are_refused_with_those_that_work(minor: int) -> None:
    with pytest.raises(UnsupportedPantsError) as raised:
        engine_for(f"2.{minor}.3", 2, minor)
    message = str(raised.value)
    assert f"does not run on Pants 2.{minor}.3" in message
    assert "2.17.1" in message
    assert "2.30 and later" in message
    assert "`pants_version` under [GLOBAL] in pants.toml" in message
