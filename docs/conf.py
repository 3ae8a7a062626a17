"""How Sphinx builds the site: `scripts/docs`. The pages are Markdown (MyST) and read as well where code is hosted."""

from __future__ import annotations

import sys
from pathlib import Path

# The public modules import next to nothing, so that their docstrings can be read without Dagster and the like.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

project = "Cascade"
copyright = "the authors of Cascade"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["generators", "BUILD"]

# Docstrings write code between single backticks, as Markdown does.
default_role = "code"

# Anchors as code hosts make them, down to the options of the Pants reference.
myst_heading_anchors = 4
# A link to another page needs its extension, which a code host needs as well.
myst_all_links_external = False
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True

nitpicky = True
nitpick_ignore_regex = [
    # Other projects' names, and the standard library's: their inventories would have to be fetched.
    ("py:.*", r"(dg|dagster|pa|pyarrow|pydantic|pydantic_settings|collections|contextlib|datetime|pathlib|typing)\..*"),
    # What an annotation mentions and no page is about.
    ("py:class", r"cascade\.declarations\..*"),
    (
        "py:.*",
        r"(Any|Callable|Catalog|OpDefinition|Table|Iterable|Iterator|Literal|Mapping|Path|Sequence|date|datetime|optional|yaml)",
    ),
]

linkcheck_timeout = 20
# The UI that the reader starts.
linkcheck_ignore = [r"http://127\.0\.0\.1:.*"]
linkcheck_retries = 2

html_theme = "furo"
html_title = "Cascade"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_static_path: list[str] = []
