"""What a run reports about a row of another partition that it replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_PARTITION = "overwritten_partition"
_KEY = "overwritten_key"


@dataclass(frozen=True)
class Overwritten:
    """A row that another partition had written, and that a run replaced.

    Args:
        partition: key of the other partition.
        key: the unique key of the row, such as `station=a, hour=3`.
    """

    partition: str
    key: str

    def __str__(self) -> str:
        """Return a warning for the user."""
        return (
            f"this run replaced rows of the partition {self.partition}, for example {self.key}. Both partitions return "
            "this key, so the one that runs last decides. If these are different rows, add a column to unique_key."
        )

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of a materialization from which `from_metadata` can restore this."""
        return {_PARTITION: self.partition, _KEY: self.key}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Overwritten | None:
        """Read this from the metadata of a materialization, or return None if it has nothing about it."""
        return cls(metadata[_PARTITION], metadata[_KEY]) if {_PARTITION, _KEY} <= metadata.keys() else None
