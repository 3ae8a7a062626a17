"""The plugin is valid on every Python that Pants runs on: from CPython 3.9 for Pants 2.17 to 3.14 for 2.32."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cascade_pants import register
from cascade_pants.reader import fingerprint

# Importing this makes the whole plugin a dependency of the test; Pants gives a test only what it imports.
PLUGIN = Path(register.__file__).parent
OLDEST = (3, 9)
_COMPILE = "import sys\nfor path in sys.argv[1:]:\n    compile(open(path, encoding='utf-8').read(), path, 'exec')\n"


def version_of(python: str) -> tuple[int, int] | None:
    """Run an interpreter to get its version, because a shim may exist without working."""
    try:
        answer = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, timeout=30
        )
        major, minor = map(int, answer.stdout.split())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return major, minor


def interpreters() -> dict[tuple[int, int], str]:
    """Find the interpreters of this machine by version: on PATH, and where pyenv and uv install theirs."""
    home = os.environ.get("HOME", "/")
    candidates = [sys.executable]
    candidates += [path for minor in range(9, 20) if (path := shutil.which(f"python3.{minor}"))]
    for pattern in (".pyenv/versions/3.*/bin/python3", ".local/share/uv/python/cpython-3.*/bin/python3"):
        candidates += glob.glob(os.path.join(home, pattern))
    found: dict[tuple[int, int], str] = {}
    for python in candidates:
        version = version_of(python)
        if version is not None and version >= OLDEST:
            found.setdefault(version, python)
    return found


INTERPRETERS = interpreters()


@pytest.mark.parametrize("version", sorted({min(INTERPRETERS), max(INTERPRETERS)}))
def test_every_file_compiles(version: tuple[int, int]) -> None:
    files = sorted(str(path) for path in PLUGIN.rglob("*.py"))
    assert len(files) > 20
    result = subprocess.run([INTERPRETERS[version], "-c", _COMPILE, *files], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_files_have_the_same_fingerprints_on_every_python(tmp_path: Path) -> None:
    # Files in the syntax of the oldest version, with every kind of statement that the plugin uses.
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps({str(path): True for path in PLUGIN.rglob("*.py")}), "utf-8")
    found = {
        subprocess.run(
            [INTERPRETERS[version], fingerprint.__file__, str(asked)], capture_output=True, check=True
        ).stdout
        for version in {min(INTERPRETERS), max(INTERPRETERS)}
    }
    assert len(found) == 1 and len(json.loads(found.pop())) > 20


def test_the_oldest_supported_version_is_tested() -> None:
    assert min(INTERPRETERS) == OLDEST
