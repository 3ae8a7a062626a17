"""The variables of a template while it is followed."""

from __future__ import annotations

from collections.abc import Sequence

from cascade.dbt_graph.values import UNKNOWN, Values, union


class Scope:
    """Variables in nested frames. A loop has a frame of its own; a branch has not.

    Args:
        frames: the frames, the outermost first.
    """

    def __init__(self, frames: Sequence[dict[str, Values]] = ()) -> None:
        self.frames = [dict(frame) for frame in frames] or [{}]

    def get(self, name: str) -> Values | None:
        """Return the values of a variable, or None if the template has not set it."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return None

    def set(self, name: str, values: Values) -> None:
        """Set a variable of the innermost frame."""
        self.frames[-1][name] = values

    def replace(self, name: str, values: Values) -> None:
        """Change a variable where it was set, as changing a list or a namespace does."""
        for frame in reversed(self.frames):
            if name in frame:
                frame[name] = values
                return

    def fork(self) -> Scope:
        """Copy the scope, to follow one branch."""
        return Scope(self.frames)

    def merge(self, branches: Sequence[Scope]) -> None:
        """Continue after branches that may each have been taken."""
        for number, frame in enumerate(self.frames):
            parts = [branch.frames[number] for branch in branches]
            for name in {name for part in parts for name in part}:
                frame[name] = union(part.get(name, UNKNOWN) for part in parts)
