"""How the workflows of a run of CI differ from the contracts of their tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cascade.contracts.review import review_contract
from cascade.declarations import IngestionDeclaration


@dataclass(frozen=True)
class ContractDifference:
    """One difference between a contract and its workflow.

    Args:
        table: the table of the contract.
        effect: `breaking`, `compatible` or `note`; `unreadable` if the contract cannot be judged.
        what: what differs, or the error.
        readers: those in the contract that a breaking difference concerns.
    """

    table: str
    effect: str
    what: str
    readers: Sequence[str] = ()


def contract_differences(declarations: Iterable[IngestionDeclaration]) -> list[ContractDifference]:
    """Compare workflows with the contracts of their tables. A table without a contract differs in nothing.

    Args:
        declarations: the declarations of the workflows.

    Returns:
        The differences, by table, the breaking ones first.
    """
    found = []
    for review in map(review_contract, sorted(declarations, key=lambda each: each.table)):
        if review is None:
            continue
        if review.error is not None:
            found.append(ContractDifference(review.table, "unreadable", review.error.message))
        for one in review.differences:
            readers = map(str, review.readers_of(one.column)) if one.is_breaking else ()
            found.append(ContractDifference(review.table, one.effect.name.lower(), one.what, tuple(readers)))
    return found
