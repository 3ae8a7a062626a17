"""Where the runs that Dagster starts go: processes, Docker containers or Kubernetes jobs.

`dagster.yaml` names the launcher. What a run of this project needs (image, variables, resources) is said by its code
server, since several projects may share one Dagster.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from cascade.config.run_containers import amount
from cascade.exceptions import ConfigError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_DATABASE = "CASCADE_DAGSTER_DATABASE"
_IMAGE_VARIABLES = ("DAGSTER_CONTAINER_IMAGE", "DAGSTER_CURRENT_IMAGE")
_CONTEXT_VARIABLE = "DAGSTER_CONTAINER_CONTEXT"
_PACKAGES = {"docker": "dagster_docker", "kubernetes": "dagster_k8s"}

# The directory of Dagster's home exists on this machine only. Containers keep what runs print.
_NO_LOG_FILES = """
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


def launcher_yaml(config: CascadeConfig) -> str:
    """Return the part of `dagster.yaml` that says how runs are launched; nothing for processes, Dagster's default.

    Args:
        config: the settings.
    """
    if config.run_launcher == "process":
        return ""
    if config.run_launcher == "docker":
        found: dict[str, Any] = {"module": "dagster_docker", "class": "DockerRunLauncher", "config": {}}
    else:
        found = {
            "module": "dagster_k8s",
            "class": "K8sRunLauncher",
            "config": {
                "service_account_name": config.run_service_account or "default",
                "job_namespace": config.run_namespace or "default",
                # It must be given, but a job is told all of the instance by its arguments.
                "instance_config_map": "dagster-instance",
                # Outside of a cluster, the launcher uses the configuration of kubectl.
                "load_incluster_config": "KUBERNETES_SERVICE_HOST" in os.environ,
            },
        }
    import yaml

    return f"\n{yaml.safe_dump({'run_launcher': found}, sort_keys=False)}{_NO_LOG_FILES}"


def require_launcher(config: CascadeConfig) -> None:
    """Raise if Dagster could not launch a run as the settings say.

    Args:
        config: the settings.

    Raises:
        ConfigError: the packages for it are not installed, there is no image, or no database that containers reach.
    """
    if config.run_launcher == "process":
        return
    package = _PACKAGES[config.run_launcher]
    where = config.origin_of("run_launcher") or "run_launcher"
    if find_spec(package) is None:
        raise ConfigError(
            f"Runs are launched by {config.run_launcher} ({where}), but {package.replace('_', '-')} is not installed.",
            hint=f"Type: pip install 'cascade-workflows[{config.run_launcher}]'",
        )
    if config.dagster_database is None:
        raise ConfigError(
            f"Runs are launched by {config.run_launcher} ({where}), but Dagster's database is a file, which containers "
            "cannot share.",
            hint=f"Set {_DATABASE} to a PostgreSQL database that they reach.",
        )
    if run_image(config) is None:
        raise ConfigError(
            f"Runs are launched by {config.run_launcher} ({where}), but no image is set.",
            hint="Set CASCADE_RUN_IMAGE to an image that holds the project.",
        )


def run_image(config: CascadeConfig, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the image of the containers of runs; None if runs are processes.

    Args:
        config: the settings.
        environment: the environment of the code server, which Dagster's Helm chart sets.
    """
    given = config.run_image or next((environment[name] for name in _IMAGE_VARIABLES if environment.get(name)), None)
    return given or None


def container_context(config: CascadeConfig, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Dagster's container context of this project: what launchers add to the containers of its runs.

    Args:
        config: the settings.
        environment: the environment of the code server. Of a context that Dagster's Helm chart sets there, everything
            that the settings do not say stays.

    Raises:
        ConfigError: that context is not JSON.
    """
    # A launcher that the settings do not name is that of Dagster's Helm chart.
    kind, values = ("docker", _docker(config)) if config.run_launcher == "docker" else ("k8s", _kubernetes(config))
    try:
        given = json.loads(environment.get(_CONTEXT_VARIABLE) or "{}")
    except json.JSONDecodeError as error:
        raise ConfigError(f"{_CONTEXT_VARIABLE} in the environment is not JSON: {error}.") from error
    return _merged(given, {kind: values} if values else {})


def provide_container_context(config: CascadeConfig) -> None:
    """Let a code server that Dagster's own command starts in this process say what the runs of this project need.

    Args:
        config: the settings.
    """
    context = container_context(config)
    if context:
        os.environ[_CONTEXT_VARIABLE] = json.dumps(context)


def container_arguments(config: CascadeConfig) -> list[str]:
    """Return the options of Dagster's code server that say how the runs of this project are launched.

    Args:
        config: the settings.
    """
    image = run_image(config)
    if image is None:
        # Start the runs with this interpreter: in a PEX no `dagster` is on the path.
        return ["--use-python-environment-entry-point"]
    # In a container, `dagster` is a program on the path, or a command of the image's entry point.
    context = container_context(config)
    return ["--container-image", image, *(["--container-context", json.dumps(context)] if context else [])]


def _docker(config: CascadeConfig) -> dict[str, Any]:
    limits, requests = config.run_resources.get("limits", {}), config.run_resources.get("requests", {})
    sizes: dict[str, int] = {}
    if "memory" in limits:
        sizes["mem_limit"] = round(amount(limits["memory"]))
    if "memory" in requests:
        sizes["mem_reservation"] = round(amount(requests["memory"]))
    if "cpu" in limits:
        sizes["nano_cpus"] = round(amount(limits["cpu"]) * 1e9)
    found = {
        "env_vars": list(dict.fromkeys([*config.run_variables, _DATABASE])),
        "networks": [config.run_network] if config.run_network else [],
        "container_kwargs": sizes,
    }
    return {name: value for name, value in found.items() if value}


def _kubernetes(config: CascadeConfig) -> dict[str, Any]:
    found = {
        "env_vars": list(config.run_variables),
        "env_secrets": list(config.run_env_from),
        "resources": config.run_resources,
        "namespace": config.run_namespace,
        "service_account_name": config.run_service_account,
    }
    return {name: value for name, value in found.items() if value}


def _merged(given: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(given)
    for name, value in more.items():
        before = found.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[name] = [*before, *(each for each in value if each not in before)]
        else:
            found[name] = value
    return found
