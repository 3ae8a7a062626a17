"""Build one Dagster code location from modules: discovery, contributors, resources, definitions, validation."""

from __future__ import annotations
