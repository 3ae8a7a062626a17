"""A dbt project in a temporary directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cascade.dbt_graph.answer import answer

Ask = Callable[..., dict[str, Any]]

FILES = {
    "shop/dbt_project.yml": "name: shop\nprofile: cascade\nvars: {days: 3, layers: [bronze, silver]}\n",
    "shop/models/sources.yml": (
        "sources:\n  - name: landing\n    schema: raw\n    tables:\n      - name: flights\n      - name: weather\n"
        "        identifier: observations\n      - name: elsewhere\n        meta: {cascade: {external: true}}\n"
    ),
    "shop/models/a.sql": "select * from {{ source('landing', 'flights') }}",
    "shop/models/b.sql": "select * from {{ ref('a') }}",
}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that adds files to a small project and answers a request."""
    monkeypatch.chdir(tmp_path)

    def asked(files: dict[str, str] | None = None, **request: Any) -> dict[str, Any]:
        for path, text in {**FILES, **(files or {})}.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding="utf-8")
        return answer({"directory": "shop", **request})

    return asked


@pytest.fixture
def needs(ask: Ask) -> Callable[..., set[str]]:
    """Return a function that says which files a model needs, without the settings of the project."""

    def needed(sql: str, files: dict[str, str] | None = None, **request: Any) -> set[str]:
        found = ask({"shop/models/c.sql": sql, **(files or {})}, **request)
        assert found["problems"] == []
        assert found["computed"] == []
        return {path.removeprefix("shop/") for path in found["files"]["shop/models/c.sql"]} - {"dbt_project.yml"}

    return needed
