"""Query the webserver that `dev` started for its code locations, and reload them."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cascade.processes.ports import address_of

_SERVER_INFO_SECONDS = 2
_QUERY_SECONDS = 120
_RELOAD_SECONDS = 600
"""Longer than any module should take to import."""

_BROKEN = "broken"
"""The kind of the assets of `cascade.ingestion.broken`, which imports Dagster."""

_LOCATIONS = """
query CascadeLocations {
  workspaceOrError {
    ... on Workspace {
      locationEntries {
        name
        locationOrLoadError {
          ... on PythonError { message causes { message } }
          ... on RepositoryLocation {
            repositories {
              assetNodes { assetKey { path } groupName isPartitioned isMaterializable kinds }
              sensors { name sensorType sensorState { status } }
              schedules { name scheduleState { status } }
            }
          }
        }
      }
    }
  }
}
"""

_RELOAD = """
mutation CascadeReload($name: String!) {
  reloadRepositoryLocation(repositoryLocationName: $name) {
    __typename
    ... on WorkspaceLocationEntry { locationOrLoadError { ... on PythonError { message causes { message } } } }
    ... on PythonError { message causes { message } }
    ... on ReloadNotSupported { message }
    ... on RepositoryLocationNotFound { message }
  }
}
"""


@dataclass(frozen=True)
class Asset:
    """An asset in the UI.

    Args:
        key: its key as a string.
        group: its group.
        partitioned: whether it is partitioned.
        broken: whether it stands in for an asset whose code does not load.
    """

    key: str
    group: str
    partitioned: bool
    broken: bool = False


@dataclass(frozen=True)
class Location:
    """A code location.

    Args:
        name: its name.
        error: why it did not load; None if it did.
        assets: its materializable assets.
        ticking: the names of the sensors and schedules that are on.
        stopped: the names of the sensors and schedules that are off.
    """

    name: str
    error: str | None = None
    assets: tuple[Asset, ...] = ()
    ticking: tuple[str, ...] = ()
    stopped: tuple[str, ...] = field(default=())


class UserInterface:
    """The webserver.

    Args:
        host: the address it listens on.
        port: the port it listens on.
    """

    def __init__(self, host: str, port: int) -> None:
        self.address = address_of(host, port)

    def answers(self) -> bool:
        """Return whether the webserver answers."""
        try:
            with urllib.request.urlopen(f"{self.address}/server_info", timeout=_SERVER_INFO_SECONDS) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def locations(self) -> tuple[Location, ...]:
        """Return the code locations and their contents."""
        entries = self._query(_LOCATIONS, {})["workspaceOrError"].get("locationEntries", [])
        return tuple(_location(entry) for entry in entries)

    def reload(self, name: str) -> str | None:
        """Reload a code location.

        Returns:
            The error in its code; None if it loads.
        """
        answer = self._query(_RELOAD, {"name": name}, _RELOAD_SECONDS)["reloadRepositoryLocation"]
        return _message(answer.get("locationOrLoadError") or answer)

    def _query(self, query: str, variables: Mapping[str, Any], seconds: float = _QUERY_SECONDS) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": dict(variables)}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=seconds) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise OSError(str(answer["errors"][0].get("message")))
        data = answer["data"]
        assert isinstance(data, dict)
        return data


def _location(entry: Mapping[str, Any]) -> Location:
    content = entry.get("locationOrLoadError") or {}
    repositories = content.get("repositories", [])
    ticks = [
        (tick["name"], tick[state]["status"])
        for repository in repositories
        for kind, state in (("sensors", "sensorState"), ("schedules", "scheduleState"))
        for tick in repository[kind]
    ]
    assets = {
        Asset(
            "/".join(node["assetKey"]["path"]),
            node["groupName"] or "default",
            node["isPartitioned"],
            broken=_BROKEN in node["kinds"],
        )
        for repository in repositories
        for node in repository["assetNodes"]
        if node["isMaterializable"]
    }
    return Location(
        name=entry["name"],
        error=_message(content),
        assets=tuple(sorted(assets, key=lambda asset: (asset.group, asset.key))),
        ticking=tuple(name for name, status in ticks if status == "RUNNING"),
        stopped=tuple(name for name, status in ticks if status != "RUNNING"),
    )


_OWN_ERROR = re.compile(r"cascade\.exceptions\.\w+: ")
_RPC_DETAILS = re.compile(r'details = "(.*)"')


def _message(answer: Mapping[str, Any]) -> str | None:
    """Return the error that Cascade raised, else the innermost one. The outer ones only report that loading failed."""
    if "message" not in answer:
        return None
    messages = [str(error["message"]).strip() for error in (answer, *(answer.get("causes") or ()))]
    for message in messages:
        own = _OWN_ERROR.match(message)
        if own:
            return message[own.end() :]
    # A failure of the code server itself is wrapped in a long gRPC message.
    details = _RPC_DETAILS.search(messages[-1])
    return details[1] if details else messages[-1]
