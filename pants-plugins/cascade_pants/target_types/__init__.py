"""The targets of the backend and their fields."""

from __future__ import annotations

from cascade_pants.target_types.project import (
    CascadeProjectDbtField,
    CascadeProjectDependenciesField,
    CascadeProjectExecutionModeField,
    CascadeProjectInterpreterConstraintsField,
    CascadeProjectLayoutField,
    CascadeProjectManifestField,
    CascadeProjectPluginsField,
    CascadeProjectPortField,
    CascadeProjectTarget,
    CascadeProjectWorkflowsField,
)
from cascade_pants.target_types.workflow import (
    CascadeContractSourceField,
    CascadeContractTarget,
    CascadeWorkflowDataField,
    CascadeWorkflowLoadField,
    CascadeWorkflowOverridesField,
    CascadeWorkflowSourceField,
    CascadeWorkflowSourceLoadField,
    CascadeWorkflowSourcesField,
    CascadeWorkflowSourceTarget,
    CascadeWorkflowTarget,
)

__all__ = [
    "CascadeContractSourceField",
    "CascadeContractTarget",
    "CascadeProjectDbtField",
    "CascadeProjectDependenciesField",
    "CascadeProjectExecutionModeField",
    "CascadeProjectInterpreterConstraintsField",
    "CascadeProjectLayoutField",
    "CascadeProjectManifestField",
    "CascadeProjectPluginsField",
    "CascadeProjectPortField",
    "CascadeProjectTarget",
    "CascadeProjectWorkflowsField",
    "CascadeWorkflowDataField",
    "CascadeWorkflowLoadField",
    "CascadeWorkflowOverridesField",
    "CascadeWorkflowSourceField",
    "CascadeWorkflowSourceLoadField",
    "CascadeWorkflowSourceTarget",
    "CascadeWorkflowSourcesField",
    "CascadeWorkflowTarget",
]
