"""The targets of files, BUILD files and directories."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pants.engine.addresses import Address
from pants.engine.target import MultipleSourcesField, SingleSourceField, SourcesField, Target, TargetGenerator
from pants.source.filespec import FilespecMatcher

from cascade_pants.target_types import CascadeWorkflowDataField


def directories_above(path: str) -> Iterator[str]:
    """Yield the directory of a path and those above it, up to the root, which is empty."""
    while path:
        path = os.path.dirname(path)
        yield path


@lru_cache(maxsize=10_000)
def _matcher(patterns: tuple[str, ...]) -> FilespecMatcher:
    excludes = tuple(one[1:] for one in patterns if one.startswith("!"))
    return FilespecMatcher(tuple(one for one in patterns if not one.startswith("!")), excludes)


def matches(patterns: tuple[str, ...], directory: str, path: str) -> bool:
    """Return whether globs of a BUILD file match a path.

    Args:
        patterns: the globs, relative to the BUILD file; a leading `!` excludes.
        directory: the directory of the BUILD file.
        path: the path, from the root of the repository.
    """
    inside = not directory or path.startswith(f"{directory}/")
    return inside and bool(_matcher(patterns).matches([os.path.relpath(path, directory or ".")]))


class Owners:
    """The targets of the repository, by what they own.

    Args:
        targets: all targets, generators included.
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        self.targets = {target.address: target for target in targets}
        self._by_path: defaultdict[str, list[Address]] = defaultdict(list)
        self._globs: defaultdict[str, list[tuple[Target, tuple[str, ...]]]] = defaultdict(list)
        self._by_directory: defaultdict[str, list[Address]] = defaultdict(list)
        self._by_generator: defaultdict[Address, list[Address]] = defaultdict(list)
        for address, target in self.targets.items():
            self._by_directory[address.spec_path].append(address)
            if address.is_generated_target:
                self._by_generator[address.maybe_convert_to_target_generator()].append(address)
            if address.relative_file_path is not None:
                self._by_path[address.filename].append(address)
            elif target.has_field(SourcesField):
                self._add_sources(target)

    def _add_sources(self, target: Target) -> None:
        field = target[SourcesField]
        if isinstance(field, SingleSourceField):
            if field.file_path is not None:
                self._by_path[field.file_path].append(target.address)
        elif isinstance(field, MultipleSourcesField):
            globs = tuple(field.value or ())
            self._globs[target.address.spec_path].append((target, globs))
            if target.has_field(CascadeWorkflowDataField):
                data = tuple(target[CascadeWorkflowDataField].value or ())
                self._globs[target.address.spec_path].append((target, data))

    def of(self, path: str) -> list[Address]:
        """Return the targets that own a file."""
        found = set(self._by_path.get(path, ()))
        found.update(one.address for one in self._matching(path) if not isinstance(one, TargetGenerator))
        return sorted(found)

    def that_would_own(self, path: str) -> list[Address]:
        """Return the targets that would own a file if it were there, generators included."""
        return sorted({*self._by_path.get(path, ()), *(target.address for target in self._matching(path))})

    def _matching(self, path: str) -> Iterator[Target]:
        for directory in directories_above(path):
            for target, patterns in self._globs.get(directory, ()):
                if patterns and matches(patterns, directory, path):
                    yield target

    def generated_from(self, generator: Address) -> list[Address]:
        """Return the targets that a generator generates."""
        return self._by_generator.get(generator, [])

    def in_directory(self, directory: str) -> list[Address]:
        """Return the targets of the BUILD files of a directory, without those that Pants invents."""
        return [address for address in self._by_directory.get(directory, ()) if self.targets[address].alias[:1] != "_"]

    def below(self, directory: str) -> Iterator[Address]:
        """Yield the targets of the BUILD files of a directory and of all below it."""
        for one in self._by_directory:
            if not directory or one == directory or one.startswith(f"{directory}/"):
                yield from self.in_directory(one)

    def of_files_below(self, directory: str) -> Iterator[tuple[str, Address]]:
        """Yield the files below a directory that a target of their own owns, with that target."""
        for path, addresses in self._by_path.items():
            if not directory or path.startswith(f"{directory}/"):
                yield from ((path, address) for address in addresses)
