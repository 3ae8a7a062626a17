"""The ledger as text: table properties and the summaries of snapshots hold it.

It can be read by eye while it is short: `{"published": {"3f9c...": ["2024-01-01...2024-03-09", "2024-03-11"]}, ...}`.
With very many gaps, lengths of ranges and gaps replace the keys, compressed: of ten years, every second hour takes
1.3 kB, and half of the hours at random 30 kB. Several versions of the code in turn take more.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import Any

from cascade.exceptions import PartitionError
from cascade.iceberg.ledger.contents import Contents
from cascade.iceberg.ledger.intervals import Interval, Intervals, merged
from cascade.iceberg.ledger.schemes import Scheme
from cascade.partition_keys import RANGE_SEPARATOR

_FORMAT = 1
# So many ranges take a few kilobytes as keys.
_MOST_READABLE = 200


@dataclass(frozen=True)
class Stored:
    """The ledger as a commit to `main` left it.

    Args:
        contents: what is published.
        snapshot_id: the snapshot of the commit.
        parent_id: the snapshot that it replaced; None for an empty table.
        keys: the partitions that the commit published.
    """

    contents: Contents
    snapshot_id: int
    parent_id: int | None
    keys: tuple[str | None, ...]

    def text(self) -> str:
        """Return the text that `stored` reads."""
        parent = None if self.parent_id is None else str(self.parent_id)
        return _text(self.contents, {"snapshot": str(self.snapshot_id), "parent": parent, "by": list(self.keys)})


@dataclass(frozen=True)
class Claim:
    """What a run says that published a partition without a snapshot.

    Args:
        contents: what is published in addition.
        snapshot_id: the snapshot of the table that the run found; None for an empty table.
        number: orders claims that say different things of a partition.
    """

    contents: Contents
    snapshot_id: int | None
    number: int

    def text(self) -> str:
        """Return the text that `claim` reads."""
        snapshot = None if self.snapshot_id is None else str(self.snapshot_id)
        return _text(self.contents, {"snapshot": snapshot, "number": self.number})


@lru_cache(maxsize=256)
def stored(text: str | None) -> Stored | None:
    """Read a ledger. Return None for no text, and for one of another format, which the next commit overwrites."""
    found = _read(text)
    if found is None:
        return None
    contents, more = found
    try:
        parent = None if more["parent"] is None else int(more["parent"])
        return Stored(contents, int(more["snapshot"]), parent, tuple(more["by"]))
    except (KeyError, TypeError, ValueError):
        return None


@lru_cache(maxsize=1024)
def claim(text: str) -> Claim | None:
    """Read a claim. Return None for one of another format."""
    found = _read(text)
    if found is None:
        return None
    contents, more = found
    try:
        snapshot = None if more["snapshot"] is None else int(more["snapshot"])
        return Claim(contents, snapshot, int(more["number"]))
    except (KeyError, TypeError, ValueError):
        return None


def _text(contents: Contents, more: Mapping[str, object]) -> str:
    versions = contents.versions
    if sum(len(positions) for _, positions in versions) <= _MOST_READABLE:
        published: object = {
            version: [_range_text(contents.scheme, each) for each in positions] for version, positions in versions
        }
    else:
        steps = {version: _steps(positions) for version, positions in versions}
        published = b64encode(zlib.compress(json.dumps(steps, separators=(",", ":")).encode(), 1)).decode()
    document = {"format": _FORMAT, "partitions": str(contents.scheme), **more, "published": published}
    return json.dumps(document, separators=(",", ":"))


def _read(text: str | None) -> tuple[Contents, Mapping[str, Any]] | None:
    if text is None:
        return None
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            return None
        scheme, published = Scheme.parse(document["partitions"]), document["published"]
        if isinstance(published, str):
            steps = json.loads(zlib.decompress(b64decode(published)))
            versions = {version: _positions(each) for version, each in steps.items()}
        else:
            versions = {version: _of_texts(scheme, texts) for version, texts in published.items()}
    except (KeyError, TypeError, AttributeError, ValueError, zlib.error, PartitionError):
        return None
    return Contents(scheme, tuple((version, each) for version, each in versions.items() if each)), document


def _range_text(scheme: Scheme, interval: Interval) -> str | list[str | None]:
    first, last = interval
    if first == last:
        # A list tells a name from a range, and the one partition of a table without any from both.
        return [scheme.key(first)] if scheme.kind is None else str(scheme.key(first))
    return f"{scheme.key(first)}{RANGE_SEPARATOR}{scheme.key(last)}"


def _of_texts(scheme: Scheme, texts: list[str | list[str | None]]) -> Intervals:
    found: list[Interval] = []
    for text in texts:
        first, last = (text[0], text[0]) if isinstance(text, list) else _ends(text)
        found.append((scheme.position(first), scheme.position(last)))
    return merged(found)


def _ends(text: str) -> tuple[str, str]:
    first, _, last = text.partition(RANGE_SEPARATOR)
    return first, last or first


def _steps(positions: Intervals) -> list[int]:
    """Return how far each end of an interval is from the one before."""
    ends = [0, *chain.from_iterable(positions)]
    return [end - before for before, end in pairwise(ends)]


def _positions(steps: list[int]) -> Intervals:
    ends = list(accumulate(steps))
    return tuple(zip(ends[::2], ends[1::2], strict=True))
