"""What a plan holds for each row of a large batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Bits:
    """A boolean for each row, of one chunk after the other, in one bit."""

    _parts: list[np.ndarray[Any, Any]] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)
    count: int = 0
    """Number of rows for which it is true."""

    def add(self, mask: np.ndarray[Any, Any]) -> None:
        """Add the booleans of the next chunk."""
        import numpy as np

        self._parts.append(np.packbits(mask))
        self._sizes.append(len(mask))
        self.count += int(mask.sum())

    def chunk(self, number: int) -> np.ndarray[Any, Any]:
        """Return the booleans of a chunk.

        Args:
            number: its number, from 0.
        """
        import numpy as np

        return np.unpackbits(self._parts[number], count=self._sizes[number]).astype(bool)


@dataclass
class Positions:
    """Sorted positions, in a bit for each row of a chunk or in four bytes for each position, whichever is less."""

    _parts: list[tuple[int, int | None, np.ndarray[Any, Any]]] = field(default_factory=list)
    count: int = 0
    """Number of positions."""

    def add(self, at: np.ndarray[Any, Any], start: int, size: int) -> None:
        """Add positions in the next chunk that has any.

        Args:
            at: the positions, sorted, from the chunk's first row.
            start: position of that row.
            size: number of rows of the chunk.
        """
        import numpy as np

        if not len(at):
            return
        self.count += len(at)
        if 4 * len(at) < size / 8:
            self._parts.append((start, None, at.astype(np.uint32)))
            return
        mask = np.zeros(size, dtype=bool)
        mask[at] = True
        self._parts.append((start, size, np.packbits(mask)))

    def array(self) -> np.ndarray[Any, Any]:
        """Return the positions."""
        import numpy as np

        found = [np.empty(0, dtype=np.int64)]
        for start, size, part in self._parts:
            at = part if size is None else np.flatnonzero(np.unpackbits(part, count=size))
            found.append(at.astype(np.int64) + start)
        return np.concatenate(found)
