"""Configure Sphinx, which `scripts/docs` runs. The pages are Markdown (MyST) and also readable on a code host."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx  # pants: no-infer-dep
from sphinx.util.inspect import stringify_signature  # pants: no-infer-dep

# The public modules import almost nothing, so autodoc reads their docstrings without Dagster and other heavy packages.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

project = "Cascade"
copyright = "the authors of Cascade"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["generators", "BUILD"]

# Docstrings mark code with single backticks, as Markdown does.
default_role = "code"

# Generate anchors as code hosts do, down to the options in the Pants reference.
myst_heading_anchors = 4
# Links to other pages include the file extension, because code hosts need it.
myst_all_links_external = False
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True

# Longer signatures put each parameter on its own line.
maximum_signature_line_length = 100

nitpicky = True
nitpick_ignore_regex = [
    # Names from other projects and the standard library: resolving them would need a download of their inventories.
    (
        "py:.*",
        r"(dg|dagster|pa|pl|pyarrow|pydantic|pydantic_settings|collections|contextlib|datetime|pathlib|typing)\..*",
    ),
    # Types that annotations mention but no page documents.
    (
        "py:class",
        r"cascade\.declarations\..*|Retention|Handover|TableRef|Check|Scope|Severity|Preview|DecoratedFunction"
        r"|TableChecks|IngestionDeclaration",
    ),
    # Sphinx parses a variable-length tuple as one name.
    ("py:class", r"tuple\[(~cascade\.|Any|dg\.|CascadeError).*"),
    (
        "py:.*",
        r"(Any|Callable|Catalog|Files|OpDefinition|Table|Iterable|Iterator|Literal|Mapping|Mapping\[(str|int)|Path|Sequence|date|datetime|optional|yaml)",
    ),
]

linkcheck_timeout = 20
# The UI that the reader starts locally.
linkcheck_ignore = [r"http://127\.0\.0\.1:.*"]
linkcheck_retries = 2

html_theme = "furo"
html_title = "Cascade"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_static_path: list[str] = []


def setup(app: Sphinx) -> None:
    """Register the handlers that adapt docstrings and signatures for Sphinx."""
    # Run before napoleon, which splits docstrings into sections.
    app.connect("autodoc-process-docstring", mark_code, priority=400)
    app.connect("autodoc-process-signature", spell_out_arguments)


def mark_code(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Mark an indented block after a paragraph as code, as Markdown does."""
    marked: list[str] = []
    last = ""
    for line in lines:
        if line.startswith("    ") and last and not last.startswith(" ") and not marked[-1]:
            marked += ["::", ""]
        marked.append(line)
        last = line or last
    lines[:] = marked


def spell_out_arguments(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str, None] | None:
    """Replace the `**arguments` of a decorator with the actual arguments and their defaults."""
    from cascade import declarations

    declared: dict[str, tuple[type[declarations.Declaration], type]] = {
        "cascade.cascade_ingestion": (declarations.IngestionDeclaration, declarations.IngestionArguments),
        "cascade.cascade_quality": (declarations.QualityDeclaration, declarations.QualityArguments),
        "cascade.cascade_check": (declarations.CheckDeclaration, declarations.CheckArguments),
    }
    if name not in declared:
        return None
    declaration, types = declared[name]
    arguments = declarations.arguments_of(declaration)
    kinds = typing.get_type_hints(types)
    fields = {field.name: field for field in dataclasses.fields(declaration)}
    parameters = [
        inspect.Parameter(
            argument,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=kinds[argument],
            default=inspect.Parameter.empty if arguments[argument].required else default(fields[argument]),
        )
        for argument in sorted(kinds, key=lambda argument: not arguments[argument].required)
    ]
    return stringify_signature(inspect.Signature(parameters), unqualified_typehints=True), None


def default(field: dataclasses.Field[Any]) -> object:
    """Return the default of a field, as a signature shows it."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    # An optional argument without a default is worked out from the function: None stands for that.
    return None if field.default is dataclasses.MISSING else field.default
