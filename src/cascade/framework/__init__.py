"""From modules to one Dagster code location: discovery, contributors, resources, definitions, validation."""

from __future__ import annotations
