"""Links between the documents of the repository work. Sphinx also checks those within the site."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY
from docs.markdown import anchors, links, slug

_LISTED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=REPOSITORY,
    capture_output=True,
    text=True,
    check=True,
).stdout
DOCUMENTS = sorted({REPOSITORY / name for name in _LISTED.split("\0") if name and (REPOSITORY / name).is_file()})


def broken(document: Path) -> list[str]:
    """Return the broken links of a document, with their lines."""
    problems = []
    for link in links(document.read_text(encoding="utf-8")):
        if "://" in link.target or link.target.startswith("mailto:"):
            continue
        path, _, anchor = link.target.partition("#")
        target = (document.parent / path).resolve() if path else document
        where = f"{document.relative_to(REPOSITORY)}:{link.line}: {link.target}"
        if not target.is_relative_to(REPOSITORY) or not target.exists():
            problems.append(f"{where}: no such file")
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
            problems.append(f"{where}: no such heading")
    return problems


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(REPOSITORY)))
def test_links_work(document: Path) -> None:
    assert broken(document) == []


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(broken.__globals__, "REPOSITORY", tmp_path)
    (tmp_path / "other.md").write_text("# A `title`, twice\n# A title, twice\n")
    page = tmp_path / "page.md"
    good = "[a](other.md) [b](other.md#a-title-twice-1) [c](https://example.com) `[d](none.md)`\n"
    page.write_text(good + "```\n[e](none.md)\n```\n[f](none.md)\n[g](other.md#none) [h](#none)\n")
    assert [problem.partition(": ")[0] for problem in broken(page)] == ["page.md:5", "page.md:6", "page.md:6"]
    assert slug("[cascade]: `--type`") == "cascade---type"
