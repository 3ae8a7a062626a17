"""Complete the metadata of both distributions when hatchling builds them: their links.

An index shows the README without the repository around it, so a relative link would lead nowhere. The release workflow
sets CASCADE_REPOSITORY_URL, the address of the repository. Without it, relative links become plain text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE = "CASCADE_REPOSITORY_URL"
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_RELEASE = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?")


class DistributionMetadata(MetadataHookInterface):  # type: ignore[misc]
    """The hook that hatchling calls."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the long description and, if the place of the repository is known, the links of the project."""
        repository = os.environ.get(VARIABLE, "").rstrip("/")
        files = f"{repository}/blob/{git_reference(metadata['version'])}" if repository else ""
        text = with_absolute_links(Path(self.root, "README.md").read_text(encoding="utf-8"), files)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        if repository:
            metadata["urls"] = {
                "Documentation": f"{files}/docs/index.md",
                "Changelog": f"{files}/CHANGELOG.md",
                "Source": repository,
                "Issues": f"{repository}/issues",
            }


def git_reference(version: str) -> str:
    """Return the tag of a release, or the newest commit for a version between two releases."""
    return f"v{version}" if _RELEASE.fullmatch(version) else "HEAD"


def with_absolute_links(markdown: str, files: str) -> str:
    """Return a page with links that work anywhere.

    Args:
        markdown: the page.
        files: the address that relative links begin at, or an empty string to keep only their text.
    """

    def replaced(link: re.Match[str]) -> str:
        if re.match(r"[a-z]+:|#", link["target"]):
            return link[0]
        return f"[{link['text']}]({files}/{link['target']})" if files else link["text"]

    return _LINK.sub(replaced, markdown)
