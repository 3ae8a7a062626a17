"""The database of Dagster's runs, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import ConfigError
from cascade.framework.instance import prepare_dagster_home


def test_a_url_in_the_file_that_dagster_reads_too_must_name_its_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.cascade]\n")
    (tmp_path / ".env").write_text("CASCADE_DAGSTER_DATABASE=postgresql://me:hunter22@127.0.0.1:1/dagster\n")
    with pytest.raises(ConfigError, match=r"CASCADE_DAGSTER_DATABASE in .*/\.env does not name its driver") as raised:
        prepare_dagster_home(CascadeConfig.from_user_config())
    assert raised.value.hint == "Begin the URL with postgresql+psycopg2:// in place of postgresql://."
    assert "hunter22" not in str(raised.value)
