"""Secrets are masked in findings, even if a library puts them in its errors."""

from __future__ import annotations

import pytest

from cascade.config import CascadeConfig
from cascade.doctor.finding import Finding, known_secrets, without_secrets
from cascade.framework.conftest import SampleProject, project

__all__ = ["project"]


def test_secrets_of_the_environment_of_settings_and_of_dotenv_are_known(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_POSTGRES_PASSWORD", "of settings")
    monkeypatch.setenv("CASCADE_MY_TOKEN", "of an extra")
    (project.root / ".env").write_text("SOURCES__API__API_KEY=of dotenv\nSOURCES__API__URL=https://api\n")
    environment = {"AWS_SECRET_ACCESS_KEY": "of the environment", "PWD": "/home/me", "X_TOKEN": "abc", "HOME": "home"}
    secrets = known_secrets(environment, CascadeConfig())
    assert secrets == ["of the environment", "of an extra", "of settings", "of dotenv"]
    assert known_secrets(environment, None) == ["of the environment"]


def test_secrets_are_masked_everywhere() -> None:
    found = Finding("catalog", "problem", "refused hunter22hunter22 at postgresql://me:pw@host", "try hunter22")
    hidden = without_secrets(found, ["hunter22hunter22", "hunter22"])
    assert hidden.detail == "refused ********** at postgresql://me:**********@host"
    assert hidden.hint == "try **********"
    assert without_secrets(Finding("a", "ok", "b"), ["c"]).hint is None
