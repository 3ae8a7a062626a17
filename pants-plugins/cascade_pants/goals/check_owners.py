"""The owners that an option requires of workflows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pants.engine.target import InvalidFieldException

from cascade_pants.reader.names import INGESTION
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.project_selection import workflows_matching
from cascade_pants.util_rules.table_map import LocatedDeclaration

_OPTION = "`[cascade].require_owners`"


def missing_owners(
    declared: Iterable[LocatedDeclaration], required: Sequence[str], all_workflows: AllWorkflows
) -> list[str]:
    """Report each ingestion that must have owners and has none.

    Args:
        declared: the declarations of the checked workflows.
        required: the option `[cascade].require_owners`.
        all_workflows: every workflow of the repository.
    """
    if not required:
        return []
    try:
        keys = workflows_matching(f"The option {_OPTION}", required, all_workflows)
    except InvalidFieldException as error:
        return [str(error)]
    return [
        f"{one.place}: @{INGESTION}: owners: the table {one.declaration.table or one.declaration.name} has no owner, "
        f'and the option {_OPTION} requires one. Add an e-mail address or a team, such as owners=["team:data"].'
        for one in declared
        if one.declaration.call == INGESTION
        and all_workflows.by_file[one.address].key in keys
        and not _may_have_owners(one)
    ]


def _may_have_owners(one: LocatedDeclaration) -> bool:
    owners = one.declaration.argument("owners")
    if owners is None:
        # They may be in a mapping that only the running code knows.
        return any(argument.name == "**" for argument in one.declaration.unread)
    return owners.unread is not None or bool(owners.value)
