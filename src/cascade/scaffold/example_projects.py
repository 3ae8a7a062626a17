"""The example projects of `init --example`. The build copies their files from the repository into the wheel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from cascade.exceptions import UsageError

PARTS: Mapping[str, tuple[str, ...]] = {
    "nyc": (
        "transforms",
        "workflows/conftest.py",
        "workflows/nyc_common",
        "workflows/nyc_flights",
        "workflows/nyc_weather",
    ),
}
"""The files and directories of each example, from `src` of the repository and from the root of the project.
`pyproject.toml` and `BUILD` of the repository put the same ones into the wheel."""

WHEEL_DIRECTORY = "example_projects"
"""The directory of the examples in the wheel, in this package."""

_SUFFIXES = frozenset({".jsonl", ".md", ".parquet", ".py", ".sql", ".yml"})
# What dbt and Python write beside the sources, and a test of goals of Pants.
_OTHER_NAMES = frozenset({"__pycache__", "dbt_packages", "logs", "target", "test_graph.py"})


def example_files(name: str, *, source: Traversable | None = None) -> dict[str, bytes]:
    """Read the files of an example project.

    Nothing in them is rewritten: they import each other as `workflows.*`, in the repository and in a project.

    Args:
        name: the name of the example.
        source: the directory that contains them. Default: that in the wheel, else `src` of the checkout.

    Returns:
        The content of each file by its path from the root of the project, with forward slashes.

    Raises:
        UsageError: this installation does not contain the example.
    """
    source = source if source is not None else _source(name)
    found = dict(_read(source, PARTS[name])) if source is not None else {}
    if not found:
        raise UsageError(
            f"This installation of Cascade does not contain the example {name}.",
            hint="Install the wheel again: pip install --force-reinstall --no-deps cascade-workflows",
        )
    return found


def _source(name: str) -> Traversable | None:
    in_wheel = files("cascade.scaffold").joinpath(WHEEL_DIRECTORY, name)
    if in_wheel.is_dir():
        return in_wheel
    # A checkout, or an editable installation of one.
    sources = Path(__file__).resolve().parents[2]
    return sources if all((sources / part).exists() for part in PARTS[name]) else None


def _read(source: Traversable, parts: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for part in parts:
        place = source.joinpath(*part.split("/"))
        if place.is_dir():
            yield from _below(place, part)
        elif place.is_file():
            yield part, place.read_bytes()


def _below(directory: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.name in _OTHER_NAMES or entry.name.startswith("."):
            continue
        inside = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _below(entry, inside)
        elif PurePosixPath(entry.name).suffix in _SUFFIXES:
            yield inside, entry.read_bytes()
