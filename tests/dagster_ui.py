"""Query Dagster's webserver."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

ASSETS = "{ assetNodes { assetKey { path } description groupName partitionStats { numPartitions numMaterialized } } }"


def ask(port: int, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Send a GraphQL query and return its data."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def assets(port: int) -> dict[str, Any]:
    """Return the assets that the UI shows, by name."""
    return {"/".join(node["assetKey"]["path"]): node for node in ask(port, ASSETS)["assetNodes"]}
