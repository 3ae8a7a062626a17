"""The layers above the base."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cascade_pants.images import write_layer

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE = f"app/lib/python{MINOR}/site-packages"
# Stands for the tool of Pex: what it writes depends on where it writes it.
TOOL = f"""\
import os, sys
from pathlib import Path

assert os.environ["PEX_TOOLS"] == "1" and "PEX_PYTHON" not in os.environ, os.environ
venv = Path(sys.argv[-1]).absolute()
site = venv / "lib/python{MINOR}/site-packages"
for name in ("rich", "rich-1.dist-info"):
    (site / name).mkdir(parents=True)
(venv / "bin").mkdir()
(venv / "bin/python").symlink_to(sys.executable)
(venv / "bin/activate").write_text(str(venv))
(venv / "lib64").symlink_to("lib")
(venv / "pyvenv.cfg").write_text(str(venv))
script = venv / "bin/rich"
script.write_text(f"#!{{venv}}/bin/python{MINOR} -I\\nprint()\\n")
script.chmod(0o755)
(site / "rich/__init__.py").write_text("VALUES = {{'a', 'b', 'c'}}\\ndef f(x): return x in {{'a', 'b', 'c'}}\\n")
(site / "rich/broken.py").write_text("no python")
record = f"../../../bin/rich,sha256={{hash(venv)}},1\\r\\nrich/__init__.py,sha256=x,1\\n"
(site / "rich-1.dist-info/RECORD").write_text(record)
print("said by the tool")
"""


def members(directory: Path, answer: dict[str, Any]) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(directory / "blobs" / answer["descriptor"]["digest"].replace(":", "/")) as tar:
        return {member.name: member for member in tar}


def content(directory: Path, answer: dict[str, Any], name: str) -> bytes:
    with tarfile.open(directory / "blobs" / answer["descriptor"]["digest"].replace(":", "/")) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()


def ask(place: Path, **question: Any) -> dict[str, Any]:
    """Run the program alone, as Pants does."""
    shutil.copy(write_layer.__file__, place / "write_layer.py")
    ran = subprocess.run(
        [sys.executable, "write_layer.py", json.dumps({"python": MINOR, "output": ".", **question})],
        cwd=place,
        env={**os.environ, "PEX_PYTHON": "none", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def requirements_in(directory: Path) -> dict[str, Any]:
    (directory / "x.pex/.deps").mkdir(parents=True)
    for name in ("rich-1-py3-none-any.whl", "polars-1-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"):
        (directory / "x.pex/.deps" / name).touch()
    (directory / "x.pex/__main__.py").write_text(TOOL)
    return ask(directory, pex="x.pex")


SOURCES = {"module": "cascade_project_dev", "interpreter": "/usr/bin/pythonX", "directory": "project"}


def sources_in(directory: Path, text: str = "X = 1\n") -> dict[str, Any]:
    (directory / "sources/workflows").mkdir(parents=True)
    (directory / "sources/workflows/weather.py").write_text(text)
    (directory / "sources/cascade_project_dev.py").write_text("def main(): ...\n")
    (directory / "sources/run.sh").write_text("#!/bin/sh\n")
    (directory / "sources/run.sh").chmod(0o777)
    return ask(directory, files="sources", owner=[1000, 2000], **SOURCES)


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Two directories with paths of different lengths."""
    found = (tmp_path / "a", tmp_path / "another one")
    for one in found:
        one.mkdir()
    return found


def test_requirements_are_the_same_bytes_anywhere(places: tuple[Path, Path]) -> None:
    first, second = map(requirements_in, places)
    assert first == second
    assert first["platforms"] == ["any", "manylinux_2_17_x86_64.manylinux2014_x86_64"]


def test_requirements_are_a_virtual_environment_without_interpreter(places: tuple[Path, Path]) -> None:
    place = places[0]
    answer = requirements_in(place)
    found = members(place, answer)
    bytecode = {name for name in found if "__pycache__" in name}
    assert set(found) - bytecode == {
        "app",
        "app/bin",
        "app/bin/rich",
        "app/lib",
        f"app/lib/python{MINOR}",
        SITE,
        f"{SITE}/rich",
        f"{SITE}/rich/__init__.py",
        f"{SITE}/rich/broken.py",
        f"{SITE}/rich-1.dist-info",
        f"{SITE}/rich-1.dist-info/RECORD",
    }
    tag = sys.implementation.cache_tag
    assert bytecode == {f"{SITE}/rich/__pycache__", f"{SITE}/rich/__pycache__/__init__.{tag}.pyc"}
    assert content(place, answer, "app/bin/rich").startswith(f"#!/app/bin/python{MINOR} -I\n".encode())
    assert found["app/bin/rich"].mode == 0o755 and found["app/lib"].mode == 0o755
    assert content(place, answer, f"{SITE}/rich-1.dist-info/RECORD") == (
        b"../../../bin/rich,,\r\nrich/__init__.py,sha256=x,1\n"
    )
    assert answer["files"] == 5
    for name in found:
        member = found[name]
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


def test_bytecode_is_used_without_looking_at_times(places: tuple[Path, Path]) -> None:
    place = places[0]
    answer = requirements_in(place)
    compiled = content(place, answer, f"{SITE}/rich/__pycache__/__init__.{sys.implementation.cache_tag}.pyc")
    # The flags of PEP 552: a hash, which is not checked.
    assert compiled[4:8] == b"\x01\0\0\0"
    assert f"/{SITE}/rich/__init__.py".encode() in compiled
    assert os.fsencode(place) not in compiled


def test_the_layer_of_sources(places: tuple[Path, Path]) -> None:
    first, second = map(sources_in, places)
    assert first == second
    found = members(places[0], first)
    assert found[f"{SITE}/workflows/weather.py"].mode == 0o644
    assert found[f"{SITE}/run.sh"].mode == 0o755
    assert f"{SITE}/workflows/__pycache__/weather.{sys.implementation.cache_tag}.pyc" in found
    assert found[f"app/bin/python{MINOR}"].linkname == "/usr/bin/pythonX"
    assert found["app/bin/python"].linkname == found["app/bin/python3"].linkname == f"python{MINOR}"
    assert content(places[0], first, "app/pyvenv.cfg").startswith(b"home = /usr/bin\n")
    command = content(places[0], first, "app/bin/cascade").decode()
    assert command.startswith(f"#!/app/bin/python{MINOR} -I\n") and "from cascade_project_dev import main" in command
    assert found["app/bin/cascade"].mode == 0o755
    project = found["project"]
    assert project.isdir() and (project.uid, project.gid) == (1000, 2000)
    assert {member.uid for name, member in found.items() if name != "project"} == {0}


def test_an_edit_changes_the_layer_of_sources(places: tuple[Path, Path]) -> None:
    first, second = sources_in(places[0]), sources_in(places[1], "X = 2\n")
    assert first["descriptor"]["digest"] != second["descriptor"]["digest"]


def test_a_project_without_sources(tmp_path: Path) -> None:
    answer = ask(tmp_path, files="sources", owner=[0, 0], **SOURCES)
    assert answer["files"] == 2


def test_two_layers_are_one_virtual_environment(tmp_path: Path) -> None:
    """What an engine does with the layers results in an interpreter that finds everything."""
    interpreter = os.path.realpath(sys.executable)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/mine.py").write_text("import rich\nVALUES = sorted(rich.VALUES)\n")
    layers = [requirements_in(tmp_path)]
    layers.append(ask(tmp_path, files="sources", owner=[0, 0], **{**SOURCES, "interpreter": interpreter}))
    for layer in layers:
        with tarfile.open(tmp_path / "blobs" / layer["descriptor"]["digest"].replace(":", "/")) as tar:
            tar.extractall(tmp_path / "unpacked")
    ran = subprocess.run(
        [str(tmp_path / "unpacked/app/bin/python"), "-I", "-c", "import mine, sys; print(mine.VALUES, sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"['a', 'b', 'c'] {tmp_path}/unpacked/app\n"
