"""The command line: one file a command, which a project's manifest and `cascade` share."""

from __future__ import annotations
