"""The configuration, the manifest and the index of an image."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cascade_pants.images import read_base
from cascade_pants.images.conftest import DEBIAN, BaseWriter, valid_image
from cascade_pants.images.manifest import Settings, full_reference, image_config, image_files
from cascade_pants.images.write_layer import Entry, write_layer

SETTINGS = Settings(
    reference="data/dev:1.4",
    entrypoint=["/app/bin/cascade"],
    path="/app/bin",
    directory="/project",
    user="65532:65532",
    port=4000,
)
BASE: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "config": {
        "Env": ["PATH=/usr/bin:/bin", "LANG=C.UTF-8", "EMPTY="],
        "Entrypoint": ["/old"],
        "Cmd": ["python3"],
        "Labels": {"maintainer": "us", "version": "1"},
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:1"]},
    "history": [{"created_by": "one"}, {"created_by": "two", "empty_layer": True}],
}
LAYERS = [("requirements", {"diff_id": "sha256:2"}), ("sources", {"diff_id": "sha256:3"})]


def image_in(directory: Path, base: BaseWriter, settings: Settings = SETTINGS, source: bytes = b"X = 1") -> Path:
    """Write an image with layers of one file each."""
    answer = read_base.read_base(
        {"files": base.directory_files(), "python": "3.11", "architecture": "amd64", "output": str(directory)}
    )
    layers = {
        "requirements": write_layer({"app/lib/polars.py": Entry(b"...")}, str(directory)),
        "sources": write_layer({"app/lib/mine.py": Entry(source)}, str(directory)),
    }
    for name, content in image_files(answer, layers, settings).items():
        (directory / name).write_bytes(content)
    return directory


def test_a_valid_layout(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN, ("etc/hosts",), config={"Env": ["LANG=C"]})
    config = valid_image(image_in(tmp_path / "image", base))
    assert len(config["rootfs"]["diff_ids"]) == 4
    index = json.loads((tmp_path / "image/index.json").read_bytes())
    assert index["manifests"][0]["annotations"] == {
        "org.opencontainers.image.ref.name": "1.4",
        "io.containerd.image.name": "docker.io/data/dev:1.4",
    }
    assert json.loads((tmp_path / "image/manifest.json").read_bytes())[0]["RepoTags"] == ["data/dev:1.4"]


def test_an_edit_of_sources_changes_one_layer(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN)
    configs = [
        valid_image(image_in(tmp_path / name, base, source=source))
        for name, source in (("a", b"X = 1"), ("b", b"X = 1"), ("c", b"X = 2"))
    ]
    assert configs[0] == configs[1]
    assert configs[0]["rootfs"]["diff_ids"][:-1] == configs[2]["rootfs"]["diff_ids"][:-1]
    assert configs[0]["rootfs"]["diff_ids"][-1] != configs[2]["rootfs"]["diff_ids"][-1]
    indexes = [(tmp_path / name / "index.json").read_bytes() for name in "abc"]
    assert indexes[0] == indexes[1] != indexes[2]


def test_an_image_may_be_the_base_of_another(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN)
    first = image_in(tmp_path / "first", base)
    answer = read_base.read_base(
        {
            "files": [str(path) for path in first.rglob("*") if path.is_file()],
            "python": "3.11",
            "architecture": "amd64",
            "output": str(tmp_path / "second"),
        }
    )
    assert answer["config"] == valid_image(first)


def test_settings_of_the_base() -> None:
    config = image_config(BASE, LAYERS, dataclasses.replace(SETTINGS, env={"LANG": "C", "A": "b=c"}))
    assert config["config"] == {
        "Env": ["A=b=c", "EMPTY=", "LANG=C", "PATH=/app/bin:/usr/bin:/bin"],
        "Entrypoint": ["/app/bin/cascade"],
        "ExposedPorts": {"80/tcp": {}, "4000/tcp": {}},
        "Labels": {"maintainer": "us", "version": "1"},
        "StopSignal": "SIGQUIT",
        "User": "65532:65532",
        "WorkingDir": "/project",
    }
    assert config["rootfs"]["diff_ids"] == ["sha256:1", "sha256:2", "sha256:3"]
    assert [step["created_by"] for step in config["history"]] == [
        "one",
        "two",
        "cascade_image: requirements",
        "cascade_image: sources",
    ]
    assert config["created"] == "1970-01-01T00:00:00Z"


def test_a_base_without_settings_and_history() -> None:
    config = image_config({**BASE, "config": None, "history": None}, LAYERS, SETTINGS)
    assert config["config"]["Env"] == ["PATH=/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    assert len(config["history"]) == 3


def test_a_path_of_its_own_is_extended() -> None:
    config = image_config(BASE, LAYERS, dataclasses.replace(SETTINGS, env={"PATH": "/opt/bin"}, command=["list"]))
    assert "PATH=/app/bin:/opt/bin" in config["config"]["Env"]
    assert config["config"]["Cmd"] == ["list"]


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("dev:latest", "docker.io/library/dev:latest"),
        ("data/dev:1", "docker.io/data/dev:1"),
        ("ghcr.io/data/dev:1", "ghcr.io/data/dev:1"),
        ("localhost/dev:1", "localhost/dev:1"),
        ("registry:5000/dev:1", "registry:5000/dev:1"),
    ],
)
def test_the_full_reference(given: str, full: str) -> None:
    assert full_reference(given) == full


def test_a_layer_is_compressed_without_name_and_time(tmp_path: Path) -> None:
    layer = write_layer({"a": Entry(b"a" * 100)}, str(tmp_path))
    compressed = (tmp_path / "blobs" / layer["descriptor"]["digest"].replace(":", "/")).read_bytes()
    # RFC 1952: no flags, so no name, and the time is 0.
    assert compressed[3:8] == b"\0\0\0\0\0"
    assert layer["diff_id"] == f"sha256:{hashlib.sha256(gzip.decompress(compressed)).hexdigest()}"
