"""Links and headings of Markdown files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^ *(```+).*?^ *\1\s*$", re.M | re.S)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"(?<!!)\[(?:[^\]\\]|\\.)*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *#*$", re.M)


@dataclass(frozen=True)
class Link:
    """A link.

    Args:
        line: its line, counted from 1.
        target: its target, as written.
    """

    line: int
    target: str


def links(markdown: str) -> list[Link]:
    """Return the links of a page, except for those in code."""
    text = _blanked(_CODE, _blanked(_FENCE, markdown))
    return [Link(text.count("\n", 0, found.start()) + 1, found["target"]) for found in _LINK.finditer(text)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that code hosts give to the headings of a page."""
    taken: set[str] = set()
    for found in _HEADING.finditer(_blanked(_FENCE, page.read_text(encoding="utf-8"))):
        base = slug(found["title"])
        name, number = base, 0
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
    return taken


def slug(title: str) -> str:
    """Return the anchor of a heading: in lower case, without punctuation, with hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()).replace(" ", "-")


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """Blank out each match, but keep its line breaks, so that line numbers stay the same."""
    return pattern.sub(lambda found: "\n" * found[0].count("\n"), text)
