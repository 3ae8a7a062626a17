"""What a target is to a reader of the report."""

from __future__ import annotations

from pants.backend.python.target_types import PythonTestSourceField
from pants.core.goals.test import TestFieldSet
from pants.engine.target import FieldSet, Target
from pants.engine.unions import UnionMembership

from cascade_pants.target_types.dbt import CascadeDbtSourceField


def is_made_by(union: type[FieldSet], target: Target, unions: UnionMembership) -> bool:
    """Return whether a goal works on a target.

    Args:
        union: the field sets of the goal, such as `PackageFieldSet`.
        target: the target.
        unions: which field sets belong to which goal.
    """
    return any(member.is_applicable(target) for member in unions.get(union))


def is_test(target: Target, unions: UnionMembership) -> bool:
    """Return whether `pants test` runs a target, other than a file of a dbt project, which is a model before that."""
    if target.has_field(CascadeDbtSourceField):
        return False
    return target.has_field(PythonTestSourceField) or is_made_by(TestFieldSet, target, unions)
