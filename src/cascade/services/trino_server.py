"""The files of a Trino server: found, or downloaded with Maven."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cascade.exceptions import CascadeError

VERSION = "476"
SIZE = "821 MB"
JAVA = 25
"""The major version of Java that it needs."""

# Of io.trino:trino-server:476:tar.gz.
_SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
# The server holds those and the connectors that every Trino has. The others are most of its size.
_PLUGINS = ("iceberg", "memory", "password-authenticators")


def is_server(directory: Path) -> bool:
    """Return whether a directory has the files of a Trino server."""
    return (directory / "bin" / "launcher").is_file() and (directory / "plugin" / "iceberg").is_dir()


def downloaded_server() -> Path:
    """Return where the downloaded server is, or will be: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "cascade" / f"trino-{VERSION}"


def can_download() -> bool:
    """Return whether Maven is installed."""
    return shutil.which("mvn") is not None


def download_server() -> Path:
    """Download the server into the user's cache, unless it is there.

    Returns:
        Its directory.

    Raises:
        CascadeError: Maven is missing or failed, or the archive is not the known one.
    """
    server = downloaded_server()
    if is_server(server):
        return server
    if not can_download():
        raise CascadeError(
            "Trino is downloaded with Maven, and there is no mvn on the PATH.", hint="apt install maven, or similar"
        )
    try:
        server.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{server.name}.", dir=server.parent) as made:
            new = _unpacked(_archive(Path(made)))
            # Moved into place whole. Of two at once, the second finds the first one's.
            if not server.exists():
                new.rename(server)
    except OSError as error:
        raise CascadeError(f"Trino cannot be written to {server}: {error.strerror or error}.") from error
    return server


def _archive(directory: Path) -> Path:
    archive = directory / f"trino-server-{VERSION}.tar.gz"
    command = [
        *("mvn", "--batch-mode", "--quiet", "--no-transfer-progress"),
        # Maven would keep a copy of the archive in its own repository.
        *(f"-Dmaven.repo.local={directory / 'repository'}", "dependency:copy"),
        *(f"-Dartifact=io.trino:trino-server:{VERSION}:tar.gz", f"-DoutputDirectory={directory}"),
    ]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0 or not archive.is_file():
        raise CascadeError(f"Maven could not download Trino {VERSION}:\n{(done.stdout + done.stderr).strip()}")
    with archive.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != _SHA256:
        raise CascadeError(f"Trino {VERSION} has the SHA-256 {found}, not {_SHA256}.")
    return archive


def _unpacked(archive: Path) -> Path:
    # Files of several plugins are links to each other, so everything is unpacked first.
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(archive.parent)], check=True)
    server = archive.parent / f"trino-server-{VERSION}"
    kept = archive.parent / "kept"
    kept.mkdir()
    for plugin in _PLUGINS:
        (server / "plugin" / plugin).rename(kept / plugin)
    shutil.rmtree(server / "plugin")
    kept.rename(server / "plugin")
    return server
