"""Assets whose module does not load, on the command line."""

from __future__ import annotations

import pytest

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import THINGS, SampleProject


@pytest.mark.parametrize("name", ["broken", "raw.broken"])
def test_a_broken_asset_does_not_run_and_its_error_is_printed(
    cascade: Cascade, project: SampleProject, name: str
) -> None:
    project.write("things.py", THINGS)
    path = project.write("broken.py", THINGS.replace('"things"', '"broken"') + "    import missing_library\n")
    for arguments in (("materialize", name), ("materialize", "things", name, "--partition", "2024-01-01")):
        result = cascade(*arguments)
        assert result.exit_code == 1
        assert f"error: {path}:" in result.stderr
        assert f"{name} cannot run. The module {project.module('broken')} does not import" in result.stderr
        assert "missing_library" in result.stderr
    assert not (project.root / ".cascade" / "warehouse").exists()
