"""Cascade's fixtures, for the tests of all workflows."""

from cascade.testing.plugin import lakehouse, offline_http

__all__ = ["lakehouse", "offline_http"]
