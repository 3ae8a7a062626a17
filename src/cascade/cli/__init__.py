"""The command line of `cascade` and of a project's manifest: one file for each command."""

from __future__ import annotations
