"""What is read of a base, and which bases are refused."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cascade_pants.images import read_base
from cascade_pants.images.conftest import DEBIAN, TAR, BaseWriter


def read(files: list[str], tmp_path: Path, **more: Any) -> dict[str, Any]:
    question = {"files": files, "python": "3.11", "architecture": "amd64", "output": str(tmp_path / "out"), **more}
    return read_base.read_base(question)


def refusal(files: list[str], tmp_path: Path, **more: Any) -> str:
    with pytest.raises(read_base.BaseError) as caught:
        read(files, tmp_path, **more)
    return str(caught.value)


@pytest.mark.parametrize("media_type", [TAR, f"{TAR}+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"])
@pytest.mark.parametrize("as_tar", [True, False])
def test_the_image_and_its_layers(base: BaseWriter, tmp_path: Path, media_type: str, as_tar: bool) -> None:
    image = base.add(DEBIAN, ("srv/file",), media_type=media_type, config={"Env": ["PATH=/bin"]})
    answer = read(base.tar_file(tmp_path / "base.tar") if as_tar else base.directory_files(), tmp_path)
    assert (answer["digest"], answer["python"], answer["libc"]) == (image["digest"], "/usr/bin/python3.11", "glibc")
    assert answer["config"]["config"] == {"Env": ["PATH=/bin"]}
    assert [layer["mediaType"] for layer in answer["layers"]] == [TAR + "+gzip" * media_type.endswith("gzip")] * 2
    for layer in answer["layers"]:
        name = f"blobs/{layer['digest'].replace(':', '/')}"
        assert (tmp_path / "out" / name).read_bytes() == (base.directory / name).read_bytes()


def test_the_image_for_this_machine_among_others(base: BaseWriter, tmp_path: Path) -> None:
    base.add(("usr/bin/python3.11", "lib/ld-linux-aarch64.so.1"), architecture="arm64")
    wanted = base.add(DEBIAN, platform=False)
    # Builders add attestations, whose platform is `unknown/unknown`.
    base.descriptors.append({**wanted, "platform": {"os": "unknown", "architecture": "unknown"}})
    nested = base.blob(json.dumps({"manifests": base.descriptors}).encode(), "application/vnd.oci.image.index.v1+json")
    base.descriptors = [nested]
    assert read(base.directory_files(), tmp_path)["digest"] == wanted["digest"]


def test_another_architecture(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN, architecture="arm64")
    assert refusal(base.directory_files(), tmp_path).startswith(
        "is for linux/arm64. This machine builds an image for linux/amd64"
    )


def test_several_images(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN)
    base.add(DEBIAN, ("etc/hosts",))
    assert "has 2 images for linux/amd64: sha256:" in refusal(base.directory_files(), tmp_path)


def test_no_interpreter_of_this_version(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN)
    assert "has no bin/python3.12" in refusal(base.directory_files(), tmp_path, python="3.12")


@pytest.mark.parametrize(
    ("layers", "python"),
    [
        ([["usr/bin/python3.11", "./usr/local/bin/python3.11"]], "/usr/local/bin/python3.11"),
        ([["opt/a/very/deep/bin/python3.11", "opt/py/bin/python3.11"]], "/opt/py/bin/python3.11"),
        ([["usr/bin/python3.11"], ["usr/local/bin/python3.11"], ["usr/local/.wh.bin"]], "/usr/bin/python3.11"),
        ([["usr/bin/python3.11"], ["usr/bin/.wh.python3.11", "opt/bin/python3.11"]], "/opt/bin/python3.11"),
        ([["usr/bin/python3.11"], ["usr/bin/.wh..wh..opq", "usr/bin/python3.11"]], "/usr/bin/python3.11"),
    ],
)
def test_the_interpreter_that_is_left(base: BaseWriter, tmp_path: Path, layers: list[list[str]], python: str) -> None:
    base.add(*layers)
    assert read(base.directory_files(), tmp_path)["python"] == python


def test_an_opaque_directory_hides_an_interpreter(base: BaseWriter, tmp_path: Path) -> None:
    base.add(["usr/bin/python3.11"], ["usr/bin/.wh..wh..opq"])
    assert "has no bin/python3.11" in refusal(base.directory_files(), tmp_path)


@pytest.mark.parametrize(
    ("names", "libc"),
    [
        (["lib/ld-musl-x86_64.so.1"], "musl"),
        (["usr/lib64/ld-linux-x86-64.so.2"], "glibc"),
        (["lib/ld-musl-x86_64.so.1", "lib64/ld-linux-x86-64.so.2"], None),
        ([], None),
    ],
)
def test_the_c_library(base: BaseWriter, tmp_path: Path, names: list[str], libc: str | None) -> None:
    base.add(["usr/bin/python3.11", *names])
    assert read(base.directory_files(), tmp_path)["libc"] == libc


def test_a_layer_that_is_damaged(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN)
    manifest = json.loads((base.directory / "blobs" / base.descriptors[0]["digest"].replace(":", "/")).read_bytes())
    (base.directory / "blobs" / manifest["layers"][0]["digest"].replace(":", "/")).write_bytes(b"other")
    assert "is damaged" in refusal(base.directory_files(), tmp_path)


def test_a_configuration_of_other_layers(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN, rootfs={"type": "layers", "diff_ids": [f"sha256:{'0' * 64}"]})
    assert "without compression has the digest" in refusal(base.directory_files(), tmp_path)
    base.descriptors.clear()
    base.add(DEBIAN, rootfs={"type": "layers", "diff_ids": []})
    assert "has 1 layers and 0 diff_ids" in refusal(base.directory_files(), tmp_path)


def test_something_missing(base: BaseWriter, tmp_path: Path) -> None:
    base.descriptors.append(
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": f"sha256:{'0' * 64}", "size": 1}
    )
    assert f"is incomplete: it has no blobs/sha256/{'0' * 64}" in refusal(base.directory_files(), tmp_path)


@pytest.mark.parametrize("digest", ["sha512:00", "sha256:../../../etc/passwd", None])
def test_a_digest_that_is_none(base: BaseWriter, tmp_path: Path, digest: str | None) -> None:
    base.descriptors.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest})
    assert "only those of SHA-256" in refusal(base.directory_files(), tmp_path)


def test_a_compression_that_is_not_read(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN, media_type=f"{TAR}+zstd")
    assert "--dest-compress-format gzip" in refusal(base.directory_files(), tmp_path)


def test_files_that_are_no_layout(base: BaseWriter, tmp_path: Path) -> None:
    text = tmp_path / "base.txt"
    text.write_text("no image")
    assert "is not an image in OCI layout" in refusal([str(text)], tmp_path)
    assert "It has 1 file, of which 0 named oci-layout" in refusal([str(text)], tmp_path)
    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("manifest.json"))
    assert "skopeo copy docker-archive:old.tar" in refusal([str(tmp_path / "old.tar")], tmp_path)
    (base.directory / "blobs").mkdir()
    files = base.directory_files()
    (base.directory / "index.json").write_text("[]")
    assert "its index.json is not a JSON object" in refusal(files, tmp_path)


def test_the_program_runs_alone(base: BaseWriter, tmp_path: Path) -> None:
    base.add(DEBIAN)
    question = {"files": base.directory_files(), "python": "3.10", "architecture": "amd64", "output": "."}
    script = tmp_path / "read_base.py"
    script.write_bytes(Path(read_base.__file__).read_bytes())
    ran = subprocess.run(
        [sys.executable, "-I", str(script), json.dumps(question)], cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(ran.stdout)["error"].startswith("has no bin/python3.10")
    # Pants collects this directory.
    assert (tmp_path / "blobs").is_dir()
