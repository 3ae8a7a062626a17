"""dbt projects: their models, sources and tests, the problems that dbt reports, and how dbt runs.

dbt itself comes with the extra `dbt`. The names below load on first use.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.dbt.layout import DbtLayout, read_layout
    from cascade.dbt.parse import dbt_is_installed, how_to_install_dbt, parse_project
    from cascade.dbt.results import DbtModel, DbtProblem, DbtProject, DbtSource
    from cascade.dbt.translator import CascadeDbtTranslator

__all__ = [
    "CascadeDbtTranslator",
    "DbtLayout",
    "DbtModel",
    "DbtProblem",
    "DbtProject",
    "DbtSource",
    "dbt_is_installed",
    "how_to_install_dbt",
    "parse_project",
    "read_layout",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CascadeDbtTranslator": "translator",
        "DbtLayout": "layout",
        "DbtModel": "results",
        "DbtProblem": "results",
        "DbtProject": "results",
        "DbtSource": "results",
        "dbt_is_installed": "parse",
        "how_to_install_dbt": "parse",
        "parse_project": "parse",
        "read_layout": "layout",
    },
)

# dagster-dbt installs sqlglot with `rs`, which warns where it is imported. Nobody who runs a project can change that.
warnings.filterwarnings("ignore", message=r"sqlglot(rs|\[rs\]) is deprecated")
