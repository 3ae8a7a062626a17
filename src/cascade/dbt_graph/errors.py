"""What a file of a dbt project that cannot be read raises."""

from __future__ import annotations


class UnreadableError(Exception):
    """A file, or a part of one, that cannot be read.

    Args:
        message: what is wrong.
        line: where.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class DocumentError(UnreadableError):
    """A document that is not valid YAML."""


class TemplateError(UnreadableError):
    """A template that Jinja cannot parse."""
