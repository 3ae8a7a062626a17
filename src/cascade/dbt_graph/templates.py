"""Parse the Jinja of dbt with Jinja's own parser and the tags that dbt adds."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from cascade.dbt_graph.errors import TemplateError

SNAPSHOT = "dbt_snapshot__"
"""The prefix of the macro that stands for a snapshot block."""

_DOCS = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}")


class DbtTags(Extension):
    """The tags of dbt. Each becomes a macro, whose name has dbt's own prefix."""

    tags = {"snapshot", "test", "data_test", "materialization"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """Parse one block."""
        tag = next(parser.stream)
        macro = nodes.Macro(lineno=tag.lineno)
        macro.args, macro.defaults = [], []
        name = parser.parse_assign_target(name_only=True).name
        if tag.value == "snapshot":
            macro.name = SNAPSHOT + name
        elif tag.value == "materialization":
            macro.name = f"materialization_{name}_{self._adapter(parser)}"
        else:
            macro.name = f"test_{name}"
            parser.parse_signature(macro)
        macro.body = parser.parse_statements((f"name:end{tag.value}",), drop_needle=True)
        return macro

    @staticmethod
    def _adapter(parser: Parser) -> str:
        adapter = "default"
        while parser.stream.skip_if("comma"):
            option = parser.parse_assign_target(name_only=True).name
            if parser.stream.skip_if("assign"):
                value = parser.parse_expression()
                if option == "adapter" and isinstance(value, nodes.Const):
                    adapter = str(value.value)
        return adapter


@cache
def environment() -> Environment:
    """Return the environment of Jinja, with the extensions that dbt projects use."""
    return Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", DbtTags])


def parse(text: str) -> nodes.Template:
    """Parse a template.

    Args:
        text: its source.

    Raises:
        TemplateError: Jinja cannot parse it.
    """
    try:
        return environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "The template is not valid Jinja.", error.lineno) from error


def has_jinja(text: str) -> bool:
    """Return whether a text can contain Jinja."""
    return "{{" in text or "{%" in text


def docs_blocks(text: str) -> list[str]:
    """Return the names of the blocks of documentation in a Markdown file."""
    return _DOCS.findall(text)
