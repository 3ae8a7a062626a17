"""What a process that Cascade starts runs to be dbt: dbt itself, with the macros of Cascade."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PROJECT = "dbt_cascade"
_ADAPTERS = ("duckdb", "trino")
_MACROS = Path(__file__).with_name("macros")


def run() -> None:
    """Run dbt with the words of the command line."""
    hide_keyring_notice()
    add_macros()
    read_branch_of_sources()
    from dbt.cli.main import cli  # pants: no-infer-dep

    cli()


def run_in_order() -> None:
    """Run dbt like `run`, but let it read files in the order of their names. File systems have orders of their own."""
    walk = os.walk

    def in_order(*arguments: Any, **options: Any) -> Iterator[tuple[str, list[str], list[str]]]:
        for place, directories, files in walk(*arguments, **options):
            directories.sort()
            yield place, directories, sorted(files)

    os.walk = in_order  # type: ignore[assignment]
    run()


def add_macros() -> None:
    """Let dbt find the macros in `macros/`, as those of the adapters for DuckDB and Trino.

    dbt has no other way to add a materialization than a package in the project of the user.
    """
    from dbt.adapters.factory import FACTORY  # pants: no-infer-dep

    factory: Any = FACTORY
    known = factory.get_adapter_package_names

    def names(adapter: str | None) -> list[str]:
        return [_PROJECT, *known(adapter)] if adapter in _ADAPTERS else list(known(adapter))

    factory.packages[_PROJECT] = _MACROS
    factory.get_adapter_package_names = names


def read_branch_of_sources() -> None:
    """Let dbt on Trino read sources from the branch that `DBT_CASCADE_BRANCH` names, where they have it."""
    branch = os.environ.get("DBT_CASCADE_BRANCH")
    if branch:
        from cascade.dbt.trino_sources import read_branch

        read_branch(os.environ["DBT_CASCADE_TRINO_CATALOG"], branch)


def hide_keyring_notice() -> None:
    """Drop what the client of Trino prints if there is no keyring, which it needs for OAuth2 alone."""
    import logging

    logging.getLogger("trino.auth").addFilter(lambda record: "keyring" not in record.getMessage())
