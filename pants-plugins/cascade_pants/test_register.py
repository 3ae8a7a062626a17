"""The backend as a whole."""

from __future__ import annotations

import pytest
from pants.backend.python import register as python_backend
from pants.core import register as core_backend
from pants.engine.target import COMMON_TARGET_FIELDS, Field, Target
from pants.help.help_info_extracter import TargetFieldHelpInfo
from pants.option.subsystem import Subsystem
from pants.testutil.rule_runner import RuleRunner

from cascade_pants import register
from cascade_pants.goals.check import CascadeCheckSubsystem
from cascade_pants.goals.check_dbt import CascadeDbtCheckSubsystem
from cascade_pants.subsystem import CascadeSubsystem
from cascade_pants.target_types import CascadeProjectTarget, CascadeWorkflowSourceTarget, CascadeWorkflowTarget
from cascade_pants.target_types.dbt import CascadeDbtFileTarget, CascadeDbtProjectTarget
from cascade_pants.target_types.image import CascadeImageTarget

OURS: list[type[Target]] = [
    CascadeDbtFileTarget,
    CascadeDbtProjectTarget,
    CascadeImageTarget,
    CascadeProjectTarget,
    CascadeWorkflowSourceTarget,
    CascadeWorkflowTarget,
]


def test_the_backend_works_without_the_one_for_python_enabled() -> None:
    RuleRunner(
        rules=[*core_backend.rules(), *register.rules()],  # type: ignore[no-untyped-call]
        target_types=[*core_backend.target_types(), *register.target_types()],  # type: ignore[no-untyped-call]
    )


def test_no_rule_is_duplicated_with_the_python_backend_enabled() -> None:
    ours = {id(rule) for rule in register.rules() if callable(rule)}
    theirs = {id(rule) for rule in python_backend.rules() if callable(rule)}  # type: ignore[no-untyped-call]
    assert theirs <= ours


def test_targets_that_build_files_may_use() -> None:
    aliases = {target.alias for target in register.target_types()}
    assert {"cascade_project", "cascade_workflow", "cascade_workflow_source", "python_sources"} <= aliases


@pytest.mark.parametrize("target", OURS)
def test_every_target_explains_itself(target: type[Target]) -> None:
    assert len(help_of(target)) > 100


@pytest.mark.parametrize(
    "field", [field for target in OURS for field in target.core_fields if field not in COMMON_TARGET_FIELDS]
)
def test_every_field_explains_itself(field: type[Field]) -> None:
    if not field.alias.startswith("_") and field.alias != "source":
        assert len(help_of(field)) > 40, field
    # `pants help` evaluates the annotations of the field, on whatever Python Pants runs.
    assert TargetFieldHelpInfo.create(field, provider="cascade_pants").type_hint


@pytest.mark.parametrize("subsystem", [CascadeSubsystem, CascadeCheckSubsystem, CascadeDbtCheckSubsystem])
def test_every_option_explains_itself(subsystem: type[Subsystem]) -> None:
    assert len(help_of(subsystem)) > 40
    for name, option in vars(subsystem).items():
        text = getattr(option, "_help", None)
        if text is not None and name != "skip":
            assert len(text() if callable(text) else text) > 20, name


def help_of(thing: type) -> str:
    text = thing.help  # type: ignore[attr-defined]
    return str(text() if callable(text) else text)
