"""Lets `python -m pytest pants-plugins` import test modules that import relatively."""

from __future__ import annotations

import contextlib
import importlib

# Pants' test utilities require pytest 7.0, which invents an empty parent for a test module unless a real one is loaded.
with contextlib.suppress(ModuleNotFoundError):
    importlib.import_module("pants-plugins.cascade_pants.reader")
