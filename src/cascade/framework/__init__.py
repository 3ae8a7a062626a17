"""From modules to one Dagster code location: discovery, resources, definitions, validation."""

from __future__ import annotations
