"""The versions of the installed distributions that code imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

# Asking which distribution has a package means reading the file lists of all, which takes a third of a second.
_NAMES = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "PyYAML",
}


def requirements_of(packages: Iterable[str]) -> list[str]:
    """Return the distributions that provide packages.

    Args:
        packages: names that code imports, such as `yaml`.

    Returns:
        Their names and versions, such as `PyYAML==6.0.2`, sorted. A package that nothing provides is left out.
    """
    return sorted({requirement for package in packages for requirement in _providing(package)})


def _providing(package: str) -> Iterator[str]:
    for name in dict.fromkeys((package, _NAMES.get(package, package))):
        version = _version(name)
        if version is not None:
            yield f"{name}=={version}"
            return
    for name in sorted(set(_providers().get(package, ()))):
        version = _version(name)
        if version is not None:
            yield f"{name}=={version}"


@lru_cache(maxsize=1024)
def _version(distribution: str) -> str | None:
    # Importing it takes as long as the rest of a command line that needs no version.
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return None


@lru_cache(maxsize=1)
def _providers() -> Mapping[str, list[str]]:
    from importlib import metadata

    return metadata.packages_distributions()
