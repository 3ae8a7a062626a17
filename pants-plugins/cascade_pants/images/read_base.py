"""Read the base of an image: a program that gets a question as JSON and prints its answer as JSON.

It copies the layers of the image that is for this machine, checking every digest on the way, and finds the interpreter
in them. The format is that of the OCI image specification 1.1: https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import posixpath
import re
import sys
import tarfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

_INDEX = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFEST = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_TAR = "application/vnd.oci.image.layer.v1.tar"
# Tools write the names of Docker into an OCI layout as well. The bytes mean the same.
_LAYERS = {
    _TAR: _TAR,
    f"{_TAR}+gzip": f"{_TAR}+gzip",
    "application/vnd.docker.image.rootfs.diff.tar": _TAR,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{_TAR}+gzip",
}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_CHUNK = 1 << 20
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class BaseError(Exception):
    """The base cannot be used. The message continues the sentence "The base ..."."""


class Layout:
    """The files of an OCI layout, in a directory or in a tar file.

    Args:
        files: the files of the target `base`: a tar file, or all files of a directory.

    Raises:
        BaseError: the files are no OCI layout.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._tar: tarfile.TarFile | None = None
        markers = [file for file in files if posixpath.basename(file) == "oci-layout"]
        if len(markers) == 1:
            self._directory = posixpath.dirname(markers[0])
        elif len(files) == 1 and tarfile.is_tarfile(files[0]):
            self._tar = tarfile.open(files[0])  # noqa: SIM115
            self._members = {posixpath.normpath(member.name): member for member in self._tar if member.isfile()}
            if "oci-layout" not in self._members:
                raise BaseError(
                    "is a tar file without an OCI layout. Convert it: skopeo copy docker-archive:old.tar "
                    "oci-archive:new.tar"
                )
        else:
            raise BaseError(
                f"is not an image in OCI layout: a tar file, or a directory with oci-layout, index.json and blobs/. It "
                f"has {len(files)} {'file' if len(files) == 1 else 'files'}, of which {len(markers)} named oci-layout"
            )

    def open(self, name: str) -> IO[bytes]:
        """Open a file of the layout.

        Raises:
            BaseError: the layout has no such file.
        """
        if self._tar is not None:
            member = self._members.get(name)
            found = None if member is None else self._tar.extractfile(member)
            if found is None:
                raise BaseError(f"is incomplete: it has no {name}")
            return found
        try:
            return open(posixpath.join(self._directory, name), "rb")
        except FileNotFoundError:
            raise BaseError(f"is incomplete: it has no {name}") from None

    def document(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the layout."""
        with self.open(name) as stream:
            content = stream.read()
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise BaseError(f"is damaged: its {name} is not a JSON object")
        return document

    def described(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        """Read the JSON blob that a descriptor names, and check its digest."""
        name = blob(descriptor)
        with self.open(name) as stream:
            found = hashlib.sha256(stream.read()).hexdigest()
        if not name.endswith(found):
            raise BaseError(f"is damaged: its {name} has the digest sha256:{found}")
        return self.document(name)


def blob(descriptor: dict[str, Any]) -> str:
    """Return the name of the file that a descriptor names."""
    match = _DIGEST.fullmatch(str(descriptor.get("digest")))
    if match is None:
        raise BaseError(f"has the digest {descriptor.get('digest')!r}, but only those of SHA-256 are supported")
    return f"blobs/sha256/{match[1]}"


def _manifests(layout: Layout, index: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the images of an index with their platforms."""
    for descriptor in index.get("manifests", ()):
        kind = descriptor.get("mediaType")
        if kind in _INDEX:
            yield from _manifests(layout, layout.described(descriptor))
        elif kind in _MANIFEST:
            given = descriptor.get("platform")
            if given is None:
                given = layout.described(layout.described(descriptor)["config"])
            yield f"{given.get('os')}/{given.get('architecture')}", descriptor


def choose_image(layout: Layout, wanted: str) -> dict[str, Any]:
    """Return the descriptor of the image for a platform.

    Args:
        layout: an OCI layout.
        wanted: such as `linux/amd64`.

    Raises:
        BaseError: the layout has no image for this platform, or several.
    """
    found = list(_manifests(layout, layout.document("index.json")))
    matching = {descriptor["digest"]: descriptor for platform_, descriptor in found if platform_ == wanted}
    if not matching:
        others = ", ".join(sorted({platform_ for platform_, _ in found})) or "no platform"
        raise BaseError(
            f"is for {others}. This machine builds an image for {wanted}, because the compiled requirements of the "
            "project are for this machine"
        )
    if len(matching) > 1:
        raise BaseError(
            f"has {len(matching)} images for {wanted}: {', '.join(sorted(matching))}. Copy the one that you mean: "
            "skopeo copy oci:all@0 oci:one"
        )
    (chosen,) = matching.values()
    return chosen


class _Hashing:
    """A stream that computes the digest of what is read from it, or written to it."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._digest, self.size = stream, hashlib.sha256(), 0

    def _seen(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self._seen(data)
        return data

    def drain(self) -> None:
        while self.read(_CHUNK):
            pass

    @property
    def digest(self) -> str:
        return f"sha256:{self._digest.hexdigest()}"


class Contents:
    """What matters of the files of an image: interpreters and the loaders of C libraries, by their paths.

    Args:
        python: the minor version of Python, such as `3.11`.
    """

    def __init__(self, python: str) -> None:
        self._kept = re.compile(rf"(.*/)?(bin/python{re.escape(python)}|lib\w*/(.*/)?ld-(linux|musl)[^/]*\.so\.\d+)")
        self._paths: set[str] = set()

    def add_layer(self, names: Iterator[str]) -> None:
        """Add the files of a layer, and remove what it deletes of the layers below."""
        added: set[str] = set()
        for name in names:
            path = posixpath.normpath(f"/{name}")
            directory, base = posixpath.split(path)
            if base == ".wh..wh..opq":
                self._remove(directory, keep_itself=True)
            elif base.startswith(".wh."):
                self._remove(posixpath.join(directory, base[len(".wh.") :]))
            elif self._kept.fullmatch(path):
                added.add(path)
        self._paths |= added

    def _remove(self, path: str, *, keep_itself: bool = False) -> None:
        below = path.rstrip("/") + "/"
        self._paths = {one for one in self._paths if not one.startswith(below) and (keep_itself or one != path)}

    @property
    def python(self) -> str | None:
        """The path of the interpreter: the usual ones first, then the shortest."""
        found = [path for path in self._paths if posixpath.basename(posixpath.dirname(path)) == "bin"]
        usual = ("/usr/local/bin", "/usr/bin")
        ranked = sorted(found, key=lambda path: (posixpath.dirname(path) not in usual, len(path), path))
        local = [path for path in ranked if path.startswith("/usr/local/bin/")]
        return next(iter([*local, *ranked]), None)

    @property
    def libc(self) -> str | None:
        """The C library: `glibc`, `musl`, or None if the files do not tell."""
        loaders = {posixpath.basename(path).split("-")[1] for path in self._paths if "/ld-" in path}
        return {"linux": "glibc", "musl": "musl"}[loaders.pop()] if len(loaders) == 1 else None


def copy_layer(layout: Layout, descriptor: dict[str, Any], diff_id: str, contents: Contents, output: str) -> None:
    """Copy a layer, check its digests, and note its files.

    Args:
        layout: the layout of the base.
        descriptor: the descriptor of the layer, with the media type of OCI.
        diff_id: the digest of the layer without compression, as the configuration of the image has it.
        contents: gets the names of its files.
        output: the directory to copy it to.

    Raises:
        BaseError: the layer does not have these digests.
    """
    name = blob(descriptor)
    target = os.path.join(output, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with layout.open(name) as stream, open(target, "wb") as copy:
        reading = _Hashing(stream)
        while chunk := reading.read(_CHUNK):
            copy.write(chunk)
    if (reading.digest, reading.size) != (descriptor["digest"], descriptor.get("size")):
        raise BaseError(f"is damaged: its {name} has the digest {reading.digest} and {reading.size} bytes")
    with open(target, "rb") as stream:
        plain = _Hashing(gzip.GzipFile(fileobj=stream) if descriptor["mediaType"].endswith("+gzip") else stream)
        try:
            with tarfile.open(fileobj=plain, mode="r|") as members:  # type: ignore[call-overload]
                contents.add_layer(member.name for member in members)
            plain.drain()
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise BaseError(f"is damaged: its {name} is not a layer ({error})") from None
    if plain.digest != diff_id:
        raise BaseError(f"is damaged: its {name} without compression has the digest {plain.digest}, not {diff_id}")


def read_base(question: dict[str, Any]) -> dict[str, Any]:
    """Copy the layers of a base and describe it.

    Args:
        question: `files`, those of the base; `python`, the minor version that the image needs; `output`, the directory
            to copy layers to; `architecture`, that of this machine by default.

    Returns:
        `digest`, that of its manifest; `config`, its configuration; `layers`, their descriptors; `python`, the path of
        the interpreter; `libc`.

    Raises:
        BaseError: the base cannot be used.
    """
    machine = platform.machine().lower()
    wanted = f"linux/{question.get('architecture') or _MACHINES.get(machine, machine)}"
    layout = Layout(question["files"])
    chosen = choose_image(layout, wanted)
    manifest = layout.described(chosen)
    config = layout.described(manifest["config"])
    found = f"{config.get('os')}/{config.get('architecture')}"
    if found != wanted:
        raise BaseError(f"is damaged: its index says {wanted}, and the configuration of the image {found}")
    diff_ids = (config.get("rootfs") or {}).get("diff_ids") or []
    if len(diff_ids) != len(manifest.get("layers", ())):
        raise BaseError(f"is damaged: it has {len(manifest.get('layers', ()))} layers and {len(diff_ids)} diff_ids")
    contents = Contents(question["python"])
    layers = []
    for descriptor, diff_id in zip(manifest["layers"], diff_ids):
        kind = descriptor.get("mediaType")
        if kind not in _LAYERS:
            raise BaseError(
                f"has a layer of the type {kind}, which cannot be read here. Compress its layers with gzip: "
                "skopeo copy --dest-compress-format gzip oci:old oci:new"
            )
        layer = {"mediaType": _LAYERS[kind], "digest": descriptor["digest"], "size": descriptor["size"]}
        copy_layer(layout, layer, diff_id, contents, question["output"])
        layers.append(layer)
    if contents.python is None:
        raise BaseError(
            f"has no bin/python{question['python']}, the version of Python that the project is packaged for"
        )
    return {
        "digest": chosen["digest"],
        "config": config,
        "layers": layers,
        "python": contents.python,
        "libc": contents.libc,
    }


def main() -> None:
    """Answer the question on the command line. A problem of the base is an answer, too."""
    question = json.loads(sys.argv[1])
    # Pants collects this directory even if the base cannot be used.
    os.makedirs(os.path.join(question["output"], "blobs"), exist_ok=True)
    try:
        answer = read_base(question)
    except BaseError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer, sort_keys=True))


if __name__ == "__main__":
    main()
