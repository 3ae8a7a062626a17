"""The long description of a distribution has no link that leads nowhere on an index."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from docs.conftest import REPOSITORY
from docs.markdown import links

FILES = "https://code.example/team/cascade/blob/v1.2.3"


class Hook:
    """What hatchling provides as the base of a hook."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    interface = ModuleType("hatchling.metadata.plugin.interface")
    interface.MetadataHookInterface = Hook  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location(
        "distribution_metadata", REPOSITORY / "scripts" / "distribution_metadata.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def update(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    def update(directory: Path, repository: str, version: str = "1.2.3") -> dict[str, Any]:
        monkeypatch.setenv(module.VARIABLE, repository)
        metadata: dict[str, Any] = {"version": version}
        module.DistributionMetadata(directory).update(metadata)
        return metadata

    return update


@pytest.mark.parametrize("directory", [".", "pants-plugins"])
@pytest.mark.parametrize("repository", ["https://code.example/team/cascade/", ""])
def test_every_link_of_the_readme_is_absolute(
    update: Callable[..., dict[str, Any]], directory: str, repository: str
) -> None:
    readme = update(REPOSITORY / directory, repository)["readme"]
    assert readme["content-type"] == "text/markdown"
    targets = [link.target for link in links(readme["text"])]
    assert targets and all(target.startswith("https://") for target in targets)
    assert any(target.startswith(FILES) for target in targets) is (directory == "." and bool(repository))


def test_links_of_the_project_appear_only_if_the_place_of_the_repository_is_known(
    update: Callable[..., dict[str, Any]],
) -> None:
    assert update(REPOSITORY, "https://code.example/team/cascade")["urls"] == {
        "Documentation": f"{FILES}/docs/index.md",
        "Changelog": f"{FILES}/CHANGELOG.md",
        "Source": "https://code.example/team/cascade",
        "Issues": "https://code.example/team/cascade/issues",
    }
    assert "urls" not in update(REPOSITORY, "")


def test_a_version_between_two_releases_links_to_the_newest_commit(module: ModuleType) -> None:
    assert [module.git_reference(version) for version in ("1.0.0", "1.0.0rc1", "1.0.1.dev3+g1234567")] == [
        "v1.0.0",
        "v1.0.0rc1",
        "HEAD",
    ]


def test_a_link_over_two_lines_and_one_to_a_heading(module: ModuleType) -> None:
    text = "See [a\n  page](docs/a.md#b), [this](#here), ![shot](shot.png) and [that](https://x.example)."
    assert module.with_absolute_links(text, FILES) == text.replace("docs/a.md", f"{FILES}/docs/a.md")
    assert module.with_absolute_links(text, "") == text.replace("[a\n  page](docs/a.md#b)", "a\n  page")
