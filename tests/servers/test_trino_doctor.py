"""`cascade doctor` asks a real Trino server about each setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from servers.trino import Trino

from cascade.config import CascadeConfig
from cascade.doctor.finding import Finding
from cascade.doctor.trino import check_trino
from cascade.iceberg import open_lakehouse


def test_the_doctor_finds_no_fault_in_either_catalog(
    trino: Trino, rest_settings: CascadeConfig, sql_settings: CascadeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trino.certificate))
    for catalog, config in (("iceberg", rest_settings), ("sql", sql_settings)):
        lakehouse = open_lakehouse(config)
        lakehouse.catalog.create_namespace_if_not_exists("visible")
        for login in (trino.settings, trino.secure_settings):
            given = config.model_copy(update=typed_settings({**login, "trino_catalog": catalog}))
            found = list(check_trino(given, lakehouse))
            assert [finding.status for finding in found] == ["ok", "ok", "ok"], found


@pytest.fixture
def problem(trino: Trino, rest_settings: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finding]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trino.certificate))

    def find(**settings: Any) -> Finding:
        given = {**trino.secure_settings, **settings}
        *_, last = check_trino(rest_settings.model_copy(update=typed_settings(given)), open_lakehouse(rest_settings))
        assert last.status == "problem", last
        return last

    return find


def test_the_doctor_names_the_setting_that_is_wrong(
    trino: Trino, problem: Callable[..., Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "CASCADE_TRINO_USER": {"trino_user": "nobody"},
        "CASCADE_TRINO_PASSWORD": {"trino_password": "hunter22"},
        "CASCADE_TRINO_PORT": {"trino_port": trino.port},
        "CASCADE_TRINO_CATALOG": {"trino_catalog": "memory"},
    }
    for setting, given in wrong.items():
        found = problem(**given)
        assert setting in str(found.hint), found
        assert trino.password not in str(found) and "hunter22" not in str(found)
    # Without a password, HTTPS is not spoken.
    assert "CASCADE_TRINO_PASSWORD" in str(problem(trino_password=None).hint)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "REQUESTS_CA_BUNDLE" in str(problem().hint)


def typed_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the types that `CascadeConfig` gives them."""
    given = CascadeConfig(**settings)
    return {name: getattr(given, name) for name in settings}
