"""What a process that Cascade starts runs to be dbt: dbt itself, with the macros of Cascade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_PROJECT = "dbt_cascade"
_ADAPTER = "duckdb"
_MACROS = Path(__file__).with_name("macros")


def run() -> None:
    """Run dbt with the words of the command line."""
    add_macros()
    from dbt.cli.main import cli  # pants: no-infer-dep

    cli()


def add_macros() -> None:
    """Let dbt find the macros in `macros/`, as those of the adapter for DuckDB.

    dbt has no other way to add a materialization than a package in the project of the user.
    """
    from dbt.adapters.factory import FACTORY  # pants: no-infer-dep

    factory: Any = FACTORY
    known = factory.get_adapter_package_names

    def names(adapter: str | None) -> list[str]:
        return [_PROJECT, *known(adapter)] if adapter == _ADAPTER else list(known(adapter))

    factory.packages[_PROJECT] = _MACROS
    factory.get_adapter_package_names = names
