"""A new plugin: its request, its names, and its rendered files."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from cascade.plugins import GROUPS, Kind
from cascade.scaffold.choices import BUILT_IN_SOURCES, DEFAULT_PLUGIN_KIND, PLUGIN_KINDS, RESERVED_TYPES
from cascade.scaffold.environment import environment
from cascade.scaffold.project import TAKEN_NAMES, directory_problems, normal_form, requirement_on_runtime
from cascade.scaffold.project_pants import PantsPlace
from cascade.scaffold.request import choice_problems, raise_if_any

_OBJECTS: dict[Kind, str] = {
    "source": "Source",
    "quality": "Quality",
    "contributor": "Owners",
    "catalog": "open_catalog",
    "command": "command",
    "resource": "api",
}
_WORDLESS = frozenset({"cascade", "plugin"})
"""Words of a distribution's name that say nothing of what it adds."""
_OF_TESTS = frozenset({"test", "tests"})
"""A package of Python itself, and the directory of the tests."""


@dataclass(frozen=True, kw_only=True)
class PluginRequest:
    """A plugin to write.

    Args:
        name: the name of its directory, from which those of its distribution and package follow.
        kinds: what it adds, at least one of `PLUGIN_KINDS`.
        runtime_version: the minimum version of Cascade. A version that is not a release sets no minimum.
        pants: its place in a Pants repository, or None without Pants.
        taken: names that its entry points cannot have.

    Raises:
        UsageError: an argument is wrong; the message lists every problem.
    """

    name: str
    kinds: tuple[str, ...] = (DEFAULT_PLUGIN_KIND,)
    runtime_version: str = ""
    pants: PantsPlace | None = None
    taken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        raise_if_any(tuple(self._problems()))

    def _problems(self) -> Iterator[str]:
        named = tuple(directory_problems(self.name))
        yield from named
        unusable = {*sys.stdlib_module_names, *_OF_TESTS}
        if not named and (self.distribution in TAKEN_NAMES or self.package in unusable):
            suggestion = f"acme-{self.distribution}"
            yield f"{self.name!r} is the name of a package that plugins use. Use {suggestion!r}, for example."
        for kind in self.kinds:
            yield from choice_problems("kind", kind, tuple(PLUGIN_KINDS))

    @property
    def distribution(self) -> str:
        """The name of its distribution."""
        return normal_form(self.name)

    @property
    def package(self) -> str:
        """The name of its package."""
        name = self.distribution.replace("-", "_")
        return f"plugin_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name

    @property
    def address(self) -> str:
        """The address of its `python_distribution`, if Pants builds it."""
        directory = self.pants.directory if self.pants else ""
        return f"{directory or '//'}:dist"

    @property
    def slug(self) -> str:
        """The name of its entry points, which users type: that of the distribution without the word `cascade`."""
        words = [word for word in self.distribution.split("-") if word not in _WORDLESS]
        short = "-".join(words)
        usable = short and not short[0].isdigit()
        reserved = {*BUILT_IN_SOURCES, *RESERVED_TYPES, *self.taken}
        return short if usable and short not in reserved else self.package.replace("_", "-")


def render_plugin(request: PluginRequest) -> dict[str, str]:
    """Render the files of a plugin.

    Args:
        request: the plugin.

    Returns:
        The text of each file by its path from the root of the distribution, sorted.
    """
    kinds = tuple(dict.fromkeys(request.kinds))
    identifier = request.slug.replace("-", "_")
    parts = [
        {
            "group": GROUPS[kind][0],
            "entry": identifier if kind == "resource" else request.slug,
            "module": kind,
            "object": _OBJECTS[kind],
            "adds": _adds(kind, request.slug, identifier),
        }
        for kind in PLUGIN_KINDS
        if kind in kinds
    ]
    context = {
        "distribution": request.distribution,
        "package": request.package,
        "slug": request.slug,
        "identifier": identifier,
        "parts": parts,
        "requirement": requirement_on_runtime(request.runtime_version),
        "testing": requirement_on_runtime(request.runtime_version, "testing"),
        "pants": request.pants,
        "address": request.address,
    }
    templates = {
        ".gitignore": "gitignore",
        "README.md": "README.md",
        "pyproject.toml": "pyproject.toml",
        **{f"src/{request.package}/{part['module']}.py": f"{part['module']}.py" for part in parts},
        **{f"tests/test_{part['module']}.py": f"test_{part['module']}.py" for part in parts},
    }
    files = {
        path: environment().get_template(f"plugin/{template}.jinja").render(context)
        for path, template in templates.items()
    }
    files[f"src/{request.package}/__init__.py"] = f'"""A plugin of Cascade: {request.distribution}."""\n'
    files[f"src/{request.package}/py.typed"] = ""
    if request.pants is not None:
        files["BUILD"] = environment().get_template("plugin/pants_build.jinja").render(context)
        files[f"src/{request.package}/BUILD"] = "python_sources()\n"
        files["tests/BUILD"] = "python_tests()\n"
    return dict(sorted(files.items()))


def _adds(kind: Kind, slug: str, identifier: str) -> str:
    return {
        "source": f"the source of `cascade create-workflow --source {slug}`",
        "quality": "checks of every table",
        "contributor": "a job with all assets, and a rule about the owners of tables",
        "catalog": f"catalogs at `{slug}://...`, for the setting `iceberg_catalog`",
        "command": f"the command `cascade {slug}`",
        "resource": f"the resource `{identifier}`, which workflows take by parameter",
    }[kind]
