"""The ledger of a table: which of its partitions are published, and by which version of the code.

It is a property of the table, written in the commit that publishes the rows, so it can neither run ahead of them nor
fall behind, and it outlives the snapshots. `state.py` says how it stays right when several runs publish at once.

The names below are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.iceberg.ledger.entry import LedgerEntry
    from cascade.iceberg.ledger.partition_set import KeyRange, PartitionSet
    from cascade.iceberg.ledger.published import PublishedPartitions, PublishedRange, published_partitions
    from cascade.iceberg.ledger.schemes import UNPARTITIONED, Scheme

__all__ = [
    "UNPARTITIONED",
    "KeyRange",
    "LedgerEntry",
    "PartitionSet",
    "PublishedPartitions",
    "PublishedRange",
    "Scheme",
    "published_partitions",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "UNPARTITIONED": "schemes",
        "KeyRange": "partition_set",
        "LedgerEntry": "entry",
        "PartitionSet": "partition_set",
        "PublishedPartitions": "published",
        "PublishedRange": "published",
        "Scheme": "schemes",
        "published_partitions": "published",
    },
)
