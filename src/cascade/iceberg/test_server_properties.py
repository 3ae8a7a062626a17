from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cascade.config import CascadeConfig
from cascade.exceptions import ConfigError
from cascade.iceberg import Lakehouse, catalog
from cascade.iceberg.catalog import open_lakehouse
from cascade.iceberg.server_properties import server_properties

SETTINGS = {
    "catalog_credential": "me:hunter22",
    "catalog_oauth2_uri": "https://login/token",
    "catalog_scope": "PRINCIPAL_ROLE:ALL",
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
    monkeypatch.setattr(catalog, "_open", lambda uri, properties: asked.append(properties))
    lakehouse = open_lakehouse(config)
    assert asked == [
        {
            "uri": "https://catalog",
            "warehouse": "s3://lake",
            "credential": "me:hunter22",
            "oauth2-server-uri": "https://login/token",
            "scope": "PRINCIPAL_ROLE:ALL",
            **STORE,
        },
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


def glue(root: Path, uri: str, **settings: str) -> Lakehouse:
    return open_lakehouse(CascadeConfig(project_root=root, iceberg_catalog=uri, **settings))


def test_glue_is_found_by_its_region_and_logs_in_as_the_store_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(catalog, "_open", lambda uri, properties: asked.append(properties))
    lakehouse = glue(tmp_path, "glue://eu-central-1", iceberg_warehouse="s3://lake/tables")
    glue(tmp_path, "glue://", iceberg_warehouse="s3://lake", s3_region="us-west-2", s3_access_key_id="me")
    assert asked == [
        {"type": "glue", "glue.region": "eu-central-1", "warehouse": "s3://lake/tables"},
        {
            "type": "glue",
            "glue.region": "us-west-2",
            "glue.access-key-id": "me",
            "s3.region": "us-west-2",
            "s3.access-key-id": "me",
            "warehouse": "s3://lake",
        },
    ]
    assert lakehouse.uri == "glue://eu-central-1"


def test_glue_needs_a_warehouse_and_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="iceberg_warehouse is not set") as caught:
        glue(tmp_path, "glue://eu-central-1")
    assert "CASCADE_ICEBERG_WAREHOUSE" in str(caught.value.hint)
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "pyiceberg.catalog.glue", raising=False)
    with pytest.raises(ConfigError, match="library of AWS Glue is not installed") as caught:
        glue(tmp_path, "glue://eu-central-1", iceberg_warehouse="s3://lake")
    assert caught.value.hint == "Type: pip install 'pyiceberg[glue]'"
