"""The Kubernetes job of a run is valid, by the schemas that Kubernetes publishes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._config import process_config
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin

from cascade.config import CascadeConfig
from cascade.framework.run_launcher import container_context, launcher_yaml, run_image

VERSIONS = ("1.33", "1.37")


@pytest.fixture
def validator() -> str:
    """Return the program that knows the schemas."""
    program = os.environ.get("CASCADE_KUBERNETES_VALIDATE")
    if not program:
        pytest.skip("CASCADE_KUBERNETES_VALIDATE does not name kubernetes-validate; run scripts/servers")
    return program


class Cluster:
    """Stands for the API of a cluster, and keeps the job that it is given."""

    def __init__(self) -> None:
        self.created: list[tuple[str, Any]] = []

    def create_namespaced_job(self, *, body: Any, namespace: str, **_: object) -> None:
        """Keep a job."""
        self.created.append((namespace, body))


def launched(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    """Launch a run with Dagster's launcher, configured by settings. Return the namespace and the job."""
    import dagster_k8s.launcher
    import kubernetes  # pants: no-infer-dep

    # There is no cluster, and no configuration of one.
    monkeypatch.setattr(dagster_k8s.launcher, "load_kubernetes_config", lambda **_: None)
    cluster = Cluster()
    given = yaml.safe_load(launcher_yaml(config))["run_launcher"]["config"]
    kind = dagster_k8s.K8sRunLauncher.config_type()  # type: ignore[no-untyped-call]
    values: Any = process_config(kind, given).value
    launcher = dagster_k8s.K8sRunLauncher(**values, k8s_client_batch_api=cluster, k8s_client_core_api=cluster)
    origin = JobPythonOrigin(
        "__ASSET_JOB",
        RepositoryPythonOrigin(
            executable_path="python",
            code_pointer=ModuleCodePointer("cascade.framework.definitions", "defs", None),
            container_image=run_image(config),
            entry_point=DEFAULT_DAGSTER_ENTRY_POINT,
            container_context=container_context(config),
        ),
    )
    with dg.DagsterInstance.local_temp() as instance:
        launcher.register_instance(instance)
        run = instance.add_run(dg.DagsterRun("__ASSET_JOB", job_code_origin=origin))
        launcher.launch_run(LaunchRunContext(run, workspace=None))
    ((namespace, job),) = cluster.created
    return namespace, kubernetes.client.ApiClient().sanitize_for_serialization(job)


def test_a_job_is_valid(validator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "production")
    config = CascadeConfig(
        project_root=tmp_path,
        run_launcher="kubernetes",
        run_image="registry.example/flights:1.4",
        run_variables="STAGE",
        run_env_from="flights-env",
        run_resources={"requests": {"memory": "512Mi"}, "limits": {"cpu": "500m", "memory": "2Gi"}},
        run_namespace="data",
        run_service_account="runs",
    )
    namespace, job = launched(config, monkeypatch)
    assert namespace == "data"
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    assert container["image"] == "registry.example/flights:1.4"
    assert {"name": "STAGE", "value": "production"} in container["env"]
    assert container["envFrom"] == [{"secretRef": {"name": "flights-env"}}]
    assert pod["serviceAccountName"] == "runs"
    for version in VERSIONS:
        assert complaints(validator, version, job, tmp_path) == ""
    container["imagePullPolice"] = "Always"
    assert "imagePullPolice" in complaints(validator, VERSIONS[0], job, tmp_path)


def complaints(validator: str, version: str, job: dict[str, Any], directory: Path) -> str:
    """Return what is wrong with a job, in a version of Kubernetes."""
    path = directory / "job.yaml"
    path.write_text(json.dumps(job))
    done = subprocess.run(
        [validator, "--strict", "-k", version, str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""
