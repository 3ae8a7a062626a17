"""Bases of images to try things on, and what must be true of every layout."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

TAR = "application/vnd.oci.image.layer.v1.tar"
DEBIAN = ("usr/bin/python3.11", "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "etc/os-release")


class BaseWriter:
    """Writes images in OCI layout, with whatever may be wrong with them.

    Args:
        directory: where to write them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.descriptors: list[dict[str, Any]] = []

    def blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Write a blob and return its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        blobs = self.directory / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        (blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add(
        self,
        *layers: Iterable[str],
        architecture: str = "amd64",
        config: Mapping[str, Any] | None = None,
        media_type: str = f"{TAR}+gzip",
        platform: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        """Add an image whose layers have empty files with these names, and return its descriptor."""
        descriptors, diff_ids = [], []
        for names in layers:
            plain = io.BytesIO()
            with tarfile.open(fileobj=plain, mode="w") as tar:
                for name in names:
                    tar.addfile(tarfile.TarInfo(name))
            content = gzip.compress(plain.getvalue()) if media_type.endswith("gzip") else plain.getvalue()
            descriptors.append(self.blob(content, media_type))
            diff_ids.append(f"sha256:{hashlib.sha256(plain.getvalue()).hexdigest()}")
        document = {
            "architecture": architecture,
            "os": "linux",
            "config": dict(config or {}),
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            **more,
        }
        manifest = {
            "schemaVersion": 2,
            "config": self.blob(json.dumps(document).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": descriptors,
        }
        described = self.blob(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
        if platform:
            described["platform"] = {"architecture": architecture, "os": "linux"}
        self.descriptors.append(described)
        return described

    def directory_files(self) -> list[str]:
        """Complete the layout, and return the paths of its files."""
        (self.directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (self.directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.descriptors}))
        return sorted(str(path) for path in self.directory.rglob("*") if path.is_file())

    def tar_file(self, path: Path) -> list[str]:
        """Write the layout to a tar file, with names as `tar -C layout .` gives them, and return its path."""
        self.directory_files()
        with tarfile.open(path, "w") as tar:
            tar.add(self.directory, "./")
        return [str(path)]


@pytest.fixture
def base(tmp_path: Path) -> BaseWriter:
    """Provide a writer of bases in an empty directory."""
    directory = tmp_path / "base"
    directory.mkdir()
    return BaseWriter(directory)


def valid_image(layout: Path) -> dict[str, Any]:
    """Check everything that an engine checks of a layout with one image, and return the image's configuration."""

    def read(descriptor: dict[str, Any]) -> bytes:
        content: bytes = (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert descriptor["size"] == len(content)
        return content

    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    (described,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads(read(described))
    assert manifest["schemaVersion"] == 2 and manifest["mediaType"] == described["mediaType"]
    config: dict[str, Any] = json.loads(read(manifest["config"]))
    assert described["platform"]["architecture"] == config["architecture"]
    layers = [read(layer) for layer in manifest["layers"]]
    plain = [
        gzip.decompress(layer) if descriptor["mediaType"].endswith("gzip") else layer
        for layer, descriptor in zip(layers, manifest["layers"])
    ]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in plain]
    assert len([step for step in config["history"] if not step.get("empty_layer")]) == len(layers)
    for layer in plain:
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            assert len(tar.getnames()) == len(set(tar.getnames()))
    used = {described["digest"], manifest["config"]["digest"], *(one["digest"] for one in manifest["layers"])}
    assert {f"sha256:{path.name}" for path in (layout / "blobs/sha256").iterdir()} == used
    (docker,) = json.loads((layout / "manifest.json").read_bytes())
    assert [(layout / layer).read_bytes() for layer in docker["Layers"]] == layers
    assert json.loads((layout / docker["Config"]).read_bytes()) == config
    return config
