from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cascade.framework.project import Project, program_name


@pytest.mark.parametrize("directory", ["dist", "my dist", "a#b", "it's", "$HOME", "-dash", "📦"])
def test_the_command_of_a_pex_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str) -> None:
    """The hints of a packaged project repeat its file as the user typed it, wherever it is."""
    manifest = ModuleType("packaged_manifest")
    manifest.__file__ = str(Path(sys.prefix, "packaged_manifest.py"))
    monkeypatch.setitem(sys.modules, "packaged_manifest", manifest)
    pex = tmp_path / directory / "dev.pex"
    monkeypatch.setenv("PEX", str(pex))
    project = Project("dev", ("workflows.a",), address="//:dev", module="packaged_manifest")
    for here, typed in ((tmp_path, f"{directory}/dev.pex"), (tmp_path / directory, "./dev.pex"), (Path("/"), None)):
        here.mkdir(exist_ok=True)
        monkeypatch.chdir(here)
        assert shlex.split(program_name(project)) == [typed or str(pex.relative_to("/"))]
    # An image has no PEX.
    monkeypatch.delenv("PEX")
    assert program_name(project) == "cascade"
