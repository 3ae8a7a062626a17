"""Write a layer of an image: a program that gets a question as JSON and prints its answer as JSON.

The same files result in the same bytes: entries are sorted, belong to root and have no time. The layer of requirements
is a virtual environment at `/app`, without its interpreter, which depends on the base. The layer of sources has the
rest: the interpreter, the sources beside the requirements, and the command `cascade`.
"""

from __future__ import annotations

import compileall
import gzip
import hashlib
import io
import json
import os
import posixpath
import py_compile
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

APP = "app"
"""The directory of the virtual environment in the image, without the leading slash."""

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_VENV = "venv"
# These belong to the machine that builds the image, or only start the PEX.
_LEFT_OUT = re.compile(
    r"lib64/.*|pyvenv\.cfg|\.gitignore|\.pex-venv-scope|pex|PEX-INFO|__main__\.py|__pex__/.*|pex-repl"
    r"|bin/(python[\d.]*|pex|activate.*|Activate\.ps1)"
)
_COMMAND = """\
#!/{app}/bin/python{python} -I
import sys

from {module} import main

sys.exit(main())
"""


@dataclass(frozen=True)
class Entry:
    """An entry of a layer.

    Args:
        content: the bytes of a file, or the path to read them from; None for a directory or a link.
        executable: whether a file can be executed.
        link: what a link points to.
        owner: the numbers of the user and the group.
    """

    content: bytes | str | None = None
    executable: bool = False
    link: str = ""
    owner: tuple[int, int] = (0, 0)


class _Blob:
    """A file that knows its digest and size."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb")  # noqa: SIM115
        self._digest, self.size = hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    @property
    def hex(self) -> str:
        return self._digest.hexdigest()


class _Compressed:
    """Compresses what is written, and knows the digest of the bytes before and after."""

    def __init__(self, blob: _Blob) -> None:
        # Neither a time nor a name. The level is the usual one of other tools; a higher one takes three times as long.
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=blob, mtime=0)
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._gzip.write(data)

    def close(self) -> None:
        self._gzip.close()

    @property
    def hex(self) -> str:
        return self._digest.hexdigest()


def write_layer(entries: dict[str, Entry], output: str) -> dict[str, Any]:
    """Write a layer as a blob of an OCI layout.

    Args:
        entries: by their paths in the image, without the leading slash. Missing directories are added.
        output: the directory of the layout.

    Returns:
        `descriptor` and `diff_id` of the layer, and `files`, their number.
    """
    directory = os.path.join(output, "blobs", "sha256")
    os.makedirs(directory, exist_ok=True)
    unnamed = os.path.join(directory, "unnamed")
    blob = _Blob(unnamed)
    compressed = _Compressed(blob)
    complete = dict(entries)
    for name in entries:
        while name := posixpath.dirname(name):
            complete.setdefault(name, Entry())
    with tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for name in sorted(complete):
            _add(tar, name, complete[name])
    compressed.close()
    blob.close()
    os.rename(unnamed, os.path.join(directory, blob.hex))
    return {
        "descriptor": {"mediaType": _LAYER, "digest": f"sha256:{blob.hex}", "size": blob.size},
        "diff_id": f"sha256:{compressed.hex}",
        "files": sum(1 for entry in entries.values() if entry.content is not None),
    }


def _add(tar: tarfile.TarFile, name: str, entry: Entry) -> None:
    info = tarfile.TarInfo(name)
    info.uid, info.gid = entry.owner
    if entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        tar.addfile(info)
    elif entry.content is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    else:
        info.mode = 0o755 if entry.executable else 0o644
        if isinstance(entry.content, bytes):
            info.size = len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
        else:
            with open(entry.content, "rb") as stream:
                info.size = os.fstat(stream.fileno()).st_size
                tar.addfile(info, stream)


def files_of(root: str) -> Iterator[tuple[str, str]]:
    """Yield the files below a directory, following links: their paths from it, with slashes, and their paths here."""
    for directory, names, files in os.walk(root, followlinks=True):
        names.sort()
        for name in sorted(files):
            path = os.path.join(directory, name)
            yield os.path.relpath(path, root).replace(os.sep, "/"), path


def compile_files(directory: str, place: str) -> None:
    """Write the bytecode of a directory beside its modules, because the user of the image cannot.

    Args:
        directory: where the modules are here.
        place: where they are in the image, which tracebacks show.
    """
    # Python never looks at the times of the modules, which the layer does not have. One process, because what it has
    # interned decides some bits of the bytecode.
    here = os.path.abspath(directory)
    compileall.compile_dir(
        here,
        maxlevels=64,
        quiet=2,
        workers=1,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        stripdir=here,
        prependdir=place,
    )


def requirements(pex: str, python: str) -> dict[str, Entry]:
    """Return the entries of the layer of requirements.

    Args:
        pex: the directory of a PEX with the requirements.
        python: the minor version of Python.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PEX", "__PEX"))}
    for name in ("PEX_ROOT", "PEX_IGNORE_RCFILES"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update({"PEX_TOOLS": "1", "PYTHONHASHSEED": "0"})
    # The tool of Pex that makes such a layer: https://docs.pex-tool.org/recipes.html#pex-app-in-a-container
    subprocess.run(
        [sys.executable, os.path.join(pex, "__main__.py"), "venv", "--scope=deps", "--collisions-ok", _VENV],
        env=environment,
        stdout=sys.stderr,
        check=True,
    )
    place = f"/{APP}/lib/python{python}/site-packages"
    compile_files(os.path.join(_VENV, "lib", f"python{python}", "site-packages"), place)
    venvs = sorted({os.path.abspath(_VENV), os.path.realpath(_VENV)})
    return {
        f"{APP}/{name}": Entry(relocated(name, path, venvs), os.access(path, os.X_OK))
        for name, path in files_of(_VENV)
        if not _LEFT_OUT.fullmatch(name)
    }


def relocated(name: str, path: str, venvs: list[str]) -> bytes | str:
    """Return the content of a file of the virtual environment, without the place where it was created.

    Args:
        name: the path of the file in the virtual environment.
        path: where the file is.
        venvs: the paths under which the virtual environment may be known.
    """
    if name.startswith("bin/"):
        with open(path, "rb") as stream:
            content = stream.read()
        if content.startswith(b"#!"):
            for venv in venvs:
                content = content.replace(os.fsencode(venv), f"/{APP}".encode())
            return content
    elif name.endswith(".dist-info/RECORD"):
        with open(path, encoding="utf-8", newline="") as stream_:
            text = stream_.read()
        # The first line of a script has a path of this machine, and so has its digest.
        return re.sub(r"^((?:\.\./)+bin/[^,\n]*),[^\r\n]*", r"\1,,", text, flags=re.MULTILINE).encode()
    return path


def sources(question: dict[str, Any]) -> dict[str, Entry]:
    """Return the entries of the layer of sources.

    Args:
        question: `files`, the directory of the sources; `python`, the minor version; `interpreter`, its path in the
            image; `module`, the manifest; `directory`, the directory of the project in the image, and `owner`, whose it
            is.
    """
    python, interpreter = question["python"], question["interpreter"]
    place = f"{APP}/lib/python{python}/site-packages"
    if os.path.isdir(question["files"]):
        compile_files(question["files"], f"/{place}")
    entries = {f"{place}/{name}": Entry(path, os.access(path, os.X_OK)) for name, path in files_of(question["files"])}
    command = _COMMAND.format(app=APP, python=python, module=question["module"])
    settings = f"home = {posixpath.dirname(interpreter)}\ninclude-system-site-packages = false\n"
    user, group = question["owner"]
    return {
        **entries,
        f"{APP}/bin/cascade": Entry(command.encode(), executable=True),
        f"{APP}/bin/python": Entry(link=f"python{python}"),
        f"{APP}/bin/python3": Entry(link=f"python{python}"),
        f"{APP}/bin/python{python}": Entry(link=interpreter),
        f"{APP}/pyvenv.cfg": Entry(settings.encode()),
        question["directory"]: Entry(owner=(user, group)),
    }


def platforms_of(pex: str) -> list[str]:
    """Return the platforms of the wheels of a PEX, such as `manylinux_2_28_x86_64` and `any`."""
    wheels = os.path.join(pex, ".deps")
    names = os.listdir(wheels) if os.path.isdir(wheels) else []
    return sorted({name[: -len(".whl")].rpartition("-")[2] for name in names if name.endswith(".whl")})


def main() -> None:
    """Answer the question on the command line."""
    question = json.loads(sys.argv[1])
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets is in the bytecode.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    if "pex" in question:
        answer = {"platforms": platforms_of(question["pex"])}
        entries = requirements(question["pex"], question["python"])
    else:
        answer, entries = {}, sources(question)
    print(json.dumps({**answer, **write_layer(entries, question["output"])}, sort_keys=True))


if __name__ == "__main__":
    main()
