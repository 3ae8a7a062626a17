"""Which models differ from the last whole build, as dbt itself says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import changed
from cascade.dbt.changed import changed_nodes
from cascade.dbt.conftest import config, write_files
from cascade.dbt.parse import dbt_is_installed
from cascade.dbt.process import run_dbt
from cascade.exceptions import CascadeError

__all__ = ["config"]

MODELS = "transforms/dbt/models"


def test_without_a_whole_build_there_is_nothing_to_compare_with(config: CascadeConfig) -> None:
    assert changed_nodes(config) is None


@pytest.mark.skipif(not dbt_is_installed(), reason="dbt is not installed")
def test_models_with_other_sql_or_macros_and_new_ones_differ(config: CascadeConfig) -> None:
    root = Path(config.project_root)
    half = "{{% macro half(x) %}}{{{{ x }}}} / {}{{% endmacro %}}"
    write_files(
        root,
        {
            "transforms/dbt/macros/half.sql": half.format(2),
            f"{MODELS}/halves.sql": "select {{ half('n') }} as h from {{ ref('daily') }}",
            f"{MODELS}/same.sql": "select 1 as one",
        },
    )
    assert run_dbt(config, ["parse", "--quiet"]) == 0
    state = config.state_directory / "dbt"
    (state / "state").mkdir()
    shutil.copy(state / "target/manifest.json", state / "state")
    write_files(root, {"transforms/dbt/macros/half.sql": half.format(2.0), f"{MODELS}/new.sql": "select 2 as two"})
    assert changed_nodes(config) == frozenset({"halves", "new"})


def test_what_dbt_says_is_in_the_error(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    state = config.state_directory / "dbt/state"
    state.mkdir(parents=True)
    (state / "manifest.json").write_text("{}")
    monkeypatch.setattr(changed, "START", "import sys; sys.exit('The node x was not found')")
    with pytest.raises(CascadeError, match=r"dbt/state: The node x was not found") as caught:
        changed_nodes(config)
    assert "--asset" in str(caught.value)
