"""How runs are launched: what `dagster.yaml` and the code server say, and what Dagster's launchers make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cascade.config import CascadeConfig
from cascade.exceptions import ConfigError
from cascade.framework.run_launcher import container_arguments, container_context, launcher_yaml, require_launcher

SETTINGS = {
    "run_image": "registry.example/flights:1.4",
    "run_variables": "STAGE, REGION",
    "run_env_from": "flights-env",
    "run_resources": '{"requests": {"memory": "512Mi"}, "limits": {"cpu": "500m", "memory": "2Gi"}}',
    "run_namespace": "data",
    "run_service_account": "runs",
    "run_network": "lake",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Preparing the home of Dagster sets it.
    monkeypatch.setenv("DAGSTER_HOME", "")
    # Dagster reads the values where the launcher is.
    monkeypatch.setenv("STAGE", "production")
    monkeypatch.setenv("REGION", "eu")
    for name in ("DAGSTER_CURRENT_IMAGE", "DAGSTER_CONTAINER_IMAGE", "DAGSTER_CONTAINER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)


def config(tmp_path: Path, **settings: Any) -> CascadeConfig:
    return CascadeConfig(project_root=tmp_path, **settings)


def context_of(arguments: list[str]) -> Any:
    return json.loads(arguments[arguments.index("--container-context") + 1])


def test_runs_are_processes_by_default(tmp_path: Path) -> None:
    plain = config(tmp_path)
    assert launcher_yaml(plain) == ""
    assert container_arguments(plain) == ["--use-python-environment-entry-point"]
    require_launcher(plain)


def test_kubernetes(tmp_path: Path) -> None:
    pytest.importorskip("dagster_k8s")
    from dagster._config import process_config
    from dagster_k8s import K8sRunLauncher
    from dagster_k8s.container_context import K8sContainerContext

    settings = config(tmp_path, run_launcher="kubernetes", **SETTINGS)
    launcher = yaml.safe_load(launcher_yaml(settings))["run_launcher"]
    assert (launcher["module"], launcher["class"]) == ("dagster_k8s", "K8sRunLauncher")
    assert process_config(K8sRunLauncher.config_type(), launcher["config"]).success  # type: ignore[no-untyped-call]
    arguments = container_arguments(settings)
    assert arguments[:2] == ["--container-image", "registry.example/flights:1.4"]
    found = K8sContainerContext.create_from_config(context_of(arguments))
    container = found.run_k8s_config.container_config
    assert container["env"] == [{"name": "STAGE", "value": "production"}, {"name": "REGION", "value": "eu"}]
    assert container["env_from"] == [{"secret_ref": {"name": "flights-env"}}]
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "2Gi"}
    assert found.run_k8s_config.pod_spec_config["service_account_name"] == "runs"
    assert found.namespace == "data"


def test_docker(tmp_path: Path) -> None:
    pytest.importorskip("dagster_docker")
    from dagster._config import process_config
    from dagster_docker import DockerRunLauncher
    from dagster_docker.container_context import DockerContainerContext

    settings = config(tmp_path, run_launcher="docker", **SETTINGS)
    launcher = yaml.safe_load(launcher_yaml(settings))["run_launcher"]
    assert process_config(DockerRunLauncher.config_type(), launcher["config"]).success  # type: ignore[no-untyped-call]
    context = context_of(container_arguments(settings))
    found = DockerContainerContext.create_from_config(context)  # type: ignore[no-untyped-call]
    assert list(found.env_vars) == ["STAGE", "REGION", "CASCADE_DAGSTER_DATABASE"]
    assert list(found.networks) == ["lake"]
    assert found.container_kwargs == {
        "mem_limit": 2 * 1024**3,
        "mem_reservation": 512 * 1024**2,
        "nano_cpus": 500_000_000,
    }


def test_what_the_helm_chart_says_stays(tmp_path: Path) -> None:
    given = {"k8s": {"env_config_maps": ["flights-user-env"], "env_secrets": ["shared"], "namespace": "dagster"}}
    environment = {"DAGSTER_CONTAINER_CONTEXT": json.dumps(given)}
    assert container_context(config(tmp_path), environment) == given
    merged = container_context(config(tmp_path, run_env_from=["flights-env", "shared"]), environment)
    assert merged == {"k8s": {**given["k8s"], "env_secrets": ["shared", "flights-env"]}}
    with pytest.raises(ConfigError, match="DAGSTER_CONTAINER_CONTEXT in the environment is not JSON"):
        container_context(config(tmp_path), {"DAGSTER_CONTAINER_CONTEXT": "{k8s"})


def test_the_image_of_the_code_server_is_that_of_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_CURRENT_IMAGE", "registry.example/flights:2")
    assert container_arguments(config(tmp_path)) == ["--container-image", "registry.example/flights:2"]


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_what_a_launcher_lacks_is_said_before_anything_starts(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cascade.framework.run_launcher.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="is not installed") as raised:
        require_launcher(config(tmp_path, run_launcher=kind))
    assert raised.value.hint == f"Type: pip install 'cascade-workflows[{kind}]'"
    monkeypatch.setattr("cascade.framework.run_launcher.find_spec", lambda name: name)
    with pytest.raises(ConfigError, match="Dagster's database is a file"):
        require_launcher(config(tmp_path, run_launcher=kind))
    database = "postgresql://user:geheim@host/dagster"
    with pytest.raises(ConfigError, match="no image is set"):
        require_launcher(config(tmp_path, run_launcher=kind, dagster_database=database))
    require_launcher(config(tmp_path, run_launcher=kind, dagster_database=database, run_image="flights:1"))


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("run_variables", "STAGE=geheim", "must be names alone, separated by commas, without values"),
        ("run_resources", "{", "must be JSON, such as"),
        ("run_resources", {"limit": {"cpu": "1"}}, "may have the tables requests and limits"),
        ("run_resources", {"limits": {"memory": "2 GB"}}, "has '2 GB' for memory in limits. Write amounts as"),
    ],
)
def test_wrong_settings_are_explained(tmp_path: Path, setting: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(tmp_path, **{setting: value})


def test_limits_of_runs(tmp_path: Path) -> None:
    from cascade.framework.instance import prepare_dagster_home

    settings = config(tmp_path, concurrent_runs=40, runs_per_table=3)
    prepare_dagster_home(settings)
    written = yaml.safe_load((settings.dagster_home / "dagster.yaml").read_text())
    assert written["concurrency"] == {
        "runs": {"max_concurrent_runs": 40},
        "pools": {"granularity": "run", "default_limit": 3},
    }
