"""The other tools whose projects `migrate --from` can read."""

from __future__ import annotations

TOOLS = ("dlt", "dagster", "meltano")
