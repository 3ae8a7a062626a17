"""Report the contracts that a project breaks, for `cascade validate` and `pants check`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cascade.contracts.command import command
from cascade.contracts.review import Review, review_contract, unfilled_contracts
from cascade.contributor import Contribution, Contributor, LoadedProject, Problem, problems_of
from cascade.declarations import IngestionDeclaration
from cascade.exceptions import SourceLocation

_BROKEN = "BrokenContract"


class ContractContributor(Contributor):
    """Adds nothing to a project, and reports its broken contracts."""

    def contribute(self, project: LoadedProject) -> Contribution:
        """Add nothing."""
        return Contribution()

    def problems(self, project: LoadedProject) -> Iterator[Problem]:
        """Compare each contract that exists with its workflow. Nothing else needs a contract."""
        declared = (getattr(workflow, "declaration", None) for workflow in project.workflows)
        declarations = [each for each in declared if isinstance(each, IngestionDeclaration)]
        for declaration in declarations:
            review = review_contract(declaration)
            if review is not None:
                yield from _problems(review, declaration)
        if project.complete:
            files = (getattr(module, "__file__", None) for module in project.modules.values())
            directories = {Path(file).parent for file in files if file}
            for review in unfilled_contracts(declarations, directories):
                assert review.error is not None
                yield from problems_of(review.error, SourceLocation(str(review.file), 1))


def _problems(review: Review, declaration: IngestionDeclaration) -> Iterator[Problem]:
    if review.error is not None:
        # `validate` reports a schema that does not convert by itself, if anything asks for it.
        yield from problems_of(review.error, declaration.location)
        return
    for difference in review.breaking:
        yield Problem(
            f"{difference.what}. That breaks the contract of {review.table}{_readers(review, difference.column)}. "
            f"Keep what it promises, or accept the change: {command(f'--accept-breaking={review.table}')}",
            _BROKEN,
            _location(declaration, difference.column),
        )


def _readers(review: Review, column: str | None) -> str:
    named = review.readers_of(column)
    return f", which is read by {'; '.join(map(str, named))}" if named else ""


def _location(declaration: IngestionDeclaration, column: str | None) -> SourceLocation:
    from cascade.schemas.columns import location_of

    # The class has the line of a column that it lacks.
    found = location_of(declaration.validation_schema, column) if column is not None else None
    return found or declaration.location
