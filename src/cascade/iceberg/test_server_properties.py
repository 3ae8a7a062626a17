from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from cascade.config import CascadeConfig
from cascade.iceberg import catalog
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.server_properties import server_properties

SETTINGS = {
    "catalog_credential": "me:hunter22",
    "s3_endpoint": "http://127.0.0.1:1",
    "s3_region": "eu-central-1",
    "s3_access_key_id": "hunter33",
    "s3_secret_access_key": "hunter44",
}
STORE = {
    "s3.endpoint": "http://127.0.0.1:1",
    "s3.region": "eu-central-1",
    "s3.access-key-id": "hunter33",
    "s3.secret-access-key": "hunter44",
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CascadeConfig:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"CASCADE_{name.upper()}", value)
    return CascadeConfig(project_root=tmp_path, iceberg_catalog="https://catalog", iceberg_warehouse="s3://lake")


def test_a_rest_catalog_is_opened_with_the_settings_of_both(
    config: CascadeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(catalog, "_open", lambda properties: asked.append(properties))
    lakehouse = open_lakehouse(config)
    assert asked == [
        {"uri": "https://catalog", "warehouse": "s3://lake", "credential": "me:hunter22", **STORE},
    ]
    assert "hunter" not in repr(lakehouse)


def test_a_database_gets_no_token(config: CascadeConfig) -> None:
    assert server_properties(config, rest=False) == STORE


def test_the_settings_are_shown_without_secrets_and_reach_other_processes(config: CascadeConfig) -> None:
    assert "hunter" not in f"{config!r} {config} {config.describe()}"
    assert server_properties(pickle.loads(pickle.dumps(config)), rest=True)["credential"] == "me:hunter22"


def test_a_server_of_your_own_is_in_some_region_so_that_amazon_is_not_asked() -> None:
    found = server_properties(SimpleNamespace(s3_endpoint="http://s3"), rest=True)
    assert found == {"s3.endpoint": "http://s3", "s3.region": "us-east-1"}
    assert server_properties(SimpleNamespace(catalog_token="x"), rest=True) == {"token": "x"}
    assert server_properties(SimpleNamespace(), rest=True) == {}
