"""`pants package` on a `cascade_image`, with the engine and the processes replaced."""

from __future__ import annotations

import json
from typing import Any, Protocol

import pytest
from pants.backend.python.target_types import PexLayout
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest
from pants.core.goals.package import BuiltPackage
from pants.core.target_types import FileTarget
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, EMPTY_SNAPSHOT
from pants.engine.target import HydratedSources, InvalidFieldException, InvalidTargetException, Target

from cascade_pants import engine
from cascade_pants.goals import package_image
from cascade_pants.goals.package_image import CascadeImagePackageFieldSet, image_settings, wrong_wheels
from cascade_pants.target_types import CascadeProjectTarget
from cascade_pants.target_types.image import CascadeImageTarget
from cascade_pants.testing import python_setup, result_of

IMAGE = Address("", target_name="image")
PROJECT = CascadeProjectTarget({"port": 4001}, Address("", target_name="dev"))
TARGETS: dict[str, Target] = {
    ":dev": PROJECT,
    ":python": FileTarget({"source": "python.tar"}, Address("images", target_name="python")),
}
BASE: dict[str, Any] = {
    "digest": f"sha256:{'b' * 64}",
    "config": {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ["sha256:0"]}},
    "layers": [{"digest": "sha256:0", "size": 2_000_000, "mediaType": "tar"}],
    "python": "/usr/bin/python3.11",
    "libc": "glibc",
}
LAYER = {"descriptor": {"digest": "sha256:1", "size": 1_500_000, "mediaType": "tar"}, "diff_id": "sha256:2", "files": 3}


class Packaged(Protocol):
    """Runs the rule; see the fixture `packaged`."""

    def __call__(
        self, *, base: dict[str, Any] = ..., platforms: list[str] = ..., targets: dict[str, Target] = ..., **fields: Any
    ) -> tuple[BuiltPackage, dict[str, Any]]: ...


class Snapshot:
    """Files of a base."""

    digest = EMPTY_DIGEST
    files = ("images/python.tar",)


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> Packaged:
    """Run the rule with programs that answer as given."""

    def run(
        *,
        base: dict[str, Any] = BASE,
        platforms: list[str] = ["any", "manylinux_2_28_x86_64"],  # noqa: B006
        targets: dict[str, Target] = TARGETS,
        **fields: Any,
    ) -> tuple[BuiltPackage, dict[str, Any]]:
        seen: dict[str, Any] = {}
        image = CascadeImageTarget({"project": ":dev", "base": ":python", **fields}, IMAGE)

        async def named_addresses(inputs: Any) -> Any:
            return inputs.values

        async def targets_from_addresses(addresses: Any) -> Any:
            return [targets[one] for one in addresses]

        async def hydrate_sources(request: Any) -> Any:
            is_file = type(request.field).__name__ == "FileSourceField"
            return HydratedSources(Snapshot() if is_file else EMPTY_SNAPSHOT, None, None)  # type: ignore[arg-type]

        async def project_pex_request(*arguments: Any) -> tuple[PexRequest, str]:
            seen["asked pex"] = arguments[2:]
            request = PexRequest(
                output_filename=arguments[2],
                internal_only=False,
                interpreter_constraints=InterpreterConstraints(["CPython==3.11.*"]),
                sources="the sources",  # type: ignore[arg-type]
            )
            return request, "3.11"

        async def pex(request: PexRequest) -> Any:
            seen["pex"] = request
            return type("Pex", (), {"digest": "the requirements"})

        async def create_digest(request: Any) -> Any:
            files = tuple(request)
            assert [file.path for file in files] == sorted(file.path for file in files)
            if any(file.path == "index.json" for file in files):
                seen["small"] = {file.path: file.content for file in files}
            return [file.path for file in files]

        async def merge_digests(request: Any) -> Any:
            return request

        async def add_prefix(request: Any) -> Any:
            return request

        async def run_pex_tool(process: Any) -> Any:
            separator, script, question = process.extra_args[-3:]
            assert separator == "--" and process.extra_args[:2] == ("--interpreter-constraint", "CPython==3.11.*")
            question = json.loads(question)
            name = script if "pex" not in question else "requirements"
            seen[name] = {**question, "files given": process.additional_input_digest[0]}
            answer = base if script == "read_base.py" else {**LAYER, "platforms": platforms}
            stdout = f"noise\n{json.dumps(answer)}\n".encode()
            return type("Result", (), {"stdout": stdout, "output_digest": f"the blobs of {name}"})

        async def concurrently(coroutines: Any) -> Any:
            return [await one for one in coroutines]

        for fake in (
            *(named_addresses, targets_from_addresses, hydrate_sources, pex, create_digest, merge_digests, add_prefix),
            *(run_pex_tool, concurrently),
        ):
            monkeypatch.setattr(engine, fake.__name__, fake)
        # Those of Pants take only digests, and hide them.
        monkeypatch.setattr(package_image, "MergeDigests", tuple)
        monkeypatch.setattr(package_image, "AddPrefix", lambda digest, prefix: (prefix, digest))
        monkeypatch.setattr(package_image, "project_pex_request", project_pex_request)
        package = result_of(package_image.package_image, CascadeImagePackageFieldSet.create(image), python_setup())
        assert isinstance(package, BuiltPackage)
        return package, seen

    return run


def test_a_directory_with_three_sources_of_blobs(packaged: Packaged) -> None:
    package, seen = packaged()
    (artifact,) = package.artifacts
    assert artifact.relpath == "image.oci"
    (small,) = json.loads(seen["small"]["index.json"])["manifests"]
    assert artifact.extra_log_lines == (
        f"  {small['digest']}",
        "  base 2.0 MB, requirements 1.5 MB, sources 1.5 MB",
    )
    digest: Any = package.digest
    prefix, blobs = digest
    assert prefix == "image.oci"
    assert blobs[:3] == ("the blobs of read_base.py", "the blobs of requirements", "the blobs of write_layer.py")


def test_the_layer_of_requirements_depends_on_no_source_and_no_base(packaged: Packaged) -> None:
    _, seen = packaged()
    assert seen["asked pex"] == ("requirements.pex", PexLayout.PACKED, ("--include-tools",))
    assert seen["pex"].sources == EMPTY_DIGEST and seen["pex"].main is None
    assert seen["requirements"] == {
        "files given": "the requirements",
        "pex": "requirements.pex",
        "python": "3.11",
        "output": ".",
    }


def test_the_other_questions(packaged: Packaged) -> None:
    _, seen = packaged(user="1000")
    assert seen["read_base.py"]["files"] == ["images/python.tar"]
    assert seen["read_base.py"]["python"] == "3.11"
    assert seen["write_layer.py"] == {
        "files given": ("sources", "the sources"),
        "files": "sources",
        "python": "3.11",
        "interpreter": "/usr/bin/python3.11",
        "module": "cascade_project_dev",
        "directory": "project",
        "owner": [1000, 1000],
        "output": ".",
    }


def test_the_fields(packaged: Packaged) -> None:
    package, seen = packaged(
        reference="data/dev:1.4",
        command=["list"],
        env={"CASCADE_ICEBERG_WAREHOUSE": "s3://lake"},
        labels={"team": "data"},
        output_path="out/dev",
    )
    assert package.artifacts[0].relpath == "out/dev"
    (docker,) = json.loads(seen["small"]["manifest.json"])
    assert docker["RepoTags"] == ["data/dev:1.4"]
    config = json.loads(seen["small"][docker["Config"]])["config"]
    assert config["Cmd"] == ["list"] and config["Entrypoint"] == ["/app/bin/cascade"]
    assert "CASCADE_ICEBERG_WAREHOUSE=s3://lake" in config["Env"] and "HOME=/project" in config["Env"]
    assert config["Labels"] == {"org.opencontainers.image.title": "dev", "team": "data"}
    assert config["ExposedPorts"] == {"4001/tcp": {}}


def test_secrets_in_the_environment_are_named_without_their_values(
    packaged: Packaged, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = {"CASCADE_ICEBERG_CATALOG": "postgresql://me:hush@host/catalog"}
    packaged(env={"CASCADE_CATALOG_TOKEN": "hush", "TOKENIZERS_PARALLELISM": "1", **catalog})
    (warning,) = caplog.messages
    assert "can read CASCADE_CATALOG_TOKEN, CASCADE_ICEBERG_CATALOG in it" in warning
    assert "hush" not in warning
    caplog.clear()
    packaged(env={"CASCADE_ICEBERG_CATALOG": "https://host/path", "DAY": "1"})
    assert not caplog.messages


def test_settings_by_default() -> None:
    field_set = CascadeImagePackageFieldSet.create(CascadeImageTarget({"project": ":D", "base": ":b"}, IMAGE))
    settings = image_settings(field_set, "Dev", None)
    assert (settings.reference, settings.user, settings.port) == ("dev:latest", "65532:65532", 4000)
    # Without arguments, `cascade` would start the UI.
    assert settings.command == ("--help",)


def test_a_base_that_cannot_be_used(packaged: Packaged) -> None:
    with pytest.raises(InvalidFieldException) as caught:
        packaged(base={"error": "has no bin/python3.11"})
    assert str(caught.value) == (
        "The field `base` of the cascade_image //:image is ':python'. The base has no bin/python3.11."
    )


def test_a_base_with_another_c_library(packaged: Packaged) -> None:
    with pytest.raises(InvalidFieldException, match=r"the C library of the base is musl, but .* for glibc, such as"):
        packaged(base={**BASE, "libc": "musl"})


def test_targets_of_other_kinds(packaged: Packaged) -> None:
    with pytest.raises(InvalidFieldException, match=r"That is a file, not a cascade_project"):
        packaged(targets={":dev": FileTarget({"source": "x"}, IMAGE)})
    with pytest.raises(InvalidFieldException, match=r"must be a file or files target with files; it is a cascade_proj"):
        packaged(targets={":dev": PROJECT, ":python": PROJECT})


@pytest.mark.parametrize(
    ("platforms", "libc", "text"),
    [
        (["any", "linux_x86_64"], "musl", None),
        (["manylinux1_x86_64"], None, None),
        (["manylinux1_x86_64"], "glibc", None),
        (["musllinux_1_2_x86_64"], "musl", None),
        (["musllinux_1_2_x86_64"], "glibc", "the C library of the base is glibc"),
        (["any", "macosx_11_0_arm64"], "glibc", "build it on Linux"),
    ],
)
def test_wheels_that_fit(platforms: list[str], libc: str | None, text: str | None) -> None:
    found = wrong_wheels(platforms, libc)
    assert found is None if text is None else text in str(found)


@pytest.mark.parametrize(
    "fields",
    [
        {"reference": "dev"},
        {"reference": "Dev:1"},
        {"reference": "a//b:1"},
        {"user": "cascade"},
        {"user": "1:2:3"},
        {"env": {"A=B": "c"}},
        {"project": [":dev"]},
    ],
)
def test_values_that_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidTargetException) as caught:
        CascadeImageTarget({"project": ":dev", "base": ":python", **fields}, IMAGE)
    assert "//:image" in str(caught.value)


@pytest.mark.parametrize("reference", ["dev:1", "ghcr.io/a/b-c/d__e:v1.0", "localhost:5000/dev:latest"])
def test_references(reference: str) -> None:
    CascadeImageTarget({"project": ":dev", "base": ":python", "reference": reference}, IMAGE)


@pytest.mark.parametrize("missing", ["project", "base"])
def test_required_fields(missing: str) -> None:
    fields = {"project": ":dev", "base": ":python"}
    del fields[missing]
    with pytest.raises(InvalidTargetException):
        CascadeImageTarget(fields, IMAGE)
