"""`pants package` on a `cascade_image`: a container image in OCI layout, without a container engine."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PexLayout
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, OutputPathField, PackageFieldSet
from pants.core.target_types import FileSourceField, ResourceSourceField
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, AddPrefix, CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.rules import collect_rules, rule
from pants.engine.target import HydrateSourcesRequest, InvalidFieldException, SourcesField
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from cascade_pants import engine
from cascade_pants.engine import EnvironmentField
from cascade_pants.goals.package import CascadeProjectPackageFieldSet, project_pex_request
from cascade_pants.images import read_base, write_layer
from cascade_pants.images.manifest import Settings, image_files
from cascade_pants.target_types import CascadeProjectPortField, CascadeProjectTarget
from cascade_pants.target_types.image import (
    CascadeImageBaseField,
    CascadeImageCommandField,
    CascadeImageEnvField,
    CascadeImageLabelsField,
    CascadeImageProjectField,
    CascadeImageReferenceField,
    CascadeImageTarget,
    CascadeImageUserField,
)
from cascade_pants.util_rules.manifest import manifest_module

logger = logging.getLogger(__name__)

_PEX = "requirements.pex"
_SOURCES = "sources"
_BLOBS = "blobs"
_DIRECTORY = "project"
_DEFAULT_PORT = 4000
_SECRET_NAME = re.compile(r"(?i)(secret|token|password|passwd|passphrase|credential|api_?key|access_?key)s?$")
_SECRET_VALUE = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


@dataclass(frozen=True)
class CascadeImagePackageFieldSet(PackageFieldSet):
    """A `cascade_image`, as `pants package` sees it."""

    required_fields = (CascadeImageProjectField, CascadeImageBaseField)

    project: CascadeImageProjectField
    base: CascadeImageBaseField
    reference: CascadeImageReferenceField
    command: CascadeImageCommandField
    user: CascadeImageUserField
    env: CascadeImageEnvField
    labels: CascadeImageLabelsField
    output_path: OutputPathField
    environment: EnvironmentField


def image_settings(field_set: CascadeImagePackageFieldSet, project: str, port: int | None) -> Settings:
    """Return what an image does when it starts.

    Args:
        field_set: the image.
        project: the name of its project.
        port: the port of the project's code server, if it has one of its own.
    """
    app, directory = f"/{write_layer.APP}", f"/{_DIRECTORY}"
    return Settings(
        reference=field_set.reference.value or f"{project.lower()}:latest",
        entrypoint=[f"{app}/bin/cascade"],
        command=field_set.command.value or (),
        path=f"{app}/bin",
        directory=directory,
        user=field_set.user.value or field_set.user.default,
        port=port or _DEFAULT_PORT,
        env={
            "CASCADE_PROJECT_ROOT": directory,
            # The base knows neither the home nor the name of a user that is only a number, and libraries ask for them.
            "HOME": directory,
            "USER": "cascade",
            **(field_set.env.value or {}),
        },
        labels={"org.opencontainers.image.title": project, **(field_set.labels.value or {})},
    )


def readable_secrets(env: Mapping[str, str]) -> list[str]:
    """Return the names of variables that look like secrets.

    Args:
        env: the variables of an image, which everyone who has it can read.
    """
    return sorted(name for name, value in env.items() if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def wrong_wheels(platforms: list[str], libc: str | None) -> str | None:
    """Say why requirements do not run on a base, if so.

    Args:
        platforms: the platforms of the wheels.
        libc: the C library of the base, if known.
    """
    other_systems = [one for one in platforms if one != "any" and "linux" not in one]
    if other_systems:
        return f"its requirements are for {other_systems[0]}, but an image needs them for Linux: build it on Linux"
    for one in platforms:
        needed = "glibc" if "manylinux" in one else "musl" if "musllinux" in one else libc
        if libc is not None and needed != libc:
            return (
                f"the C library of the base is {libc}, but the requirements of the project are for {needed}, such as "
                f"a wheel for {one}. Take a base with the C library of the machine that builds the image"
            )
    return None


def problem(image: Address, field: str, given: str, text: str) -> InvalidFieldException:
    """Return the error of a field of an image.

    Args:
        image: the address of the image.
        field: the name of the field.
        given: its value.
        text: what is wrong.
    """
    alias = CascadeImageTarget.alias
    return InvalidFieldException(f"The field `{field}` of the {alias} {image} is {given!r}. {text}.")


def summary(base: Mapping[str, Any], layers: Mapping[str, Mapping[str, Any]], index: bytes) -> tuple[str, ...]:
    """Describe an image, so that a user sees what a registry has to take.

    Args:
        base: what `read_base` answered.
        layers: what is in each layer above the base, and what `write_layer` answered.
        index: the index of the image.
    """
    sizes = {"base": sum(one["size"] for one in base["layers"])}
    sizes.update({what: layer["descriptor"]["size"] for what, layer in layers.items()})
    listed = ", ".join(f"{what} {size / 1e6:.1f} MB" for what, size in sizes.items())
    return (f"  {json.loads(index)['manifests'][0]['digest']}", f"  {listed}")


async def _find_project(image: Address, field: CascadeImageProjectField) -> tuple[CascadeProjectPackageFieldSet, Any]:
    addresses = await engine.named_addresses(field.to_unparsed_address_inputs())
    targets = await engine.targets_from_addresses(addresses)
    for target in targets:
        if CascadeProjectPackageFieldSet.is_applicable(target):
            return CascadeProjectPackageFieldSet.create(target), target
    (given,) = field.value or ("",)
    kind = targets[0].alias if targets else "target without files"
    raise problem(image, field.alias, given, f"That is a {kind}, not a {CascadeProjectTarget.alias}")


async def _find_base(image: Address, field: CascadeImageBaseField) -> tuple[Digest, list[str]]:
    addresses = await engine.named_addresses(field.to_unparsed_address_inputs())
    targets = await engine.targets_from_addresses(addresses)
    sources = await engine.concurrently(
        engine.hydrate_sources(
            HydrateSourcesRequest(
                target.get(SourcesField),
                for_sources_types=(FileSourceField, ResourceSourceField),
                enable_codegen=True,
            )
        )
        for target in targets
    )
    files = sorted(file for one in sources for file in one.snapshot.files)
    if not files:
        (given,) = field.value or ("",)
        kinds = sorted({target.alias for target in targets}) or ["target without files"]
        raise problem(image, field.alias, given, f"It must be a file or files target with files; it is a {kinds[0]}")
    return await engine.merge_digests(MergeDigests(one.snapshot.digest for one in sources)), files


async def _ask(
    program: ModuleType, question: Mapping[str, Any], constraints: InterpreterConstraints, files: Digest, what: str
) -> tuple[dict[str, Any], Digest]:
    """Run a program of `cascade_pants.images` with an interpreter that fits, and return its answer and its blobs."""
    script = f"{program.__name__.rpartition('.')[2]}.py"
    content = Path(str(program.__file__)).read_bytes()
    code = await engine.create_digest(CreateDigest([FileContent(script, content)]))
    result = await engine.run_pex_tool(
        PexCliProcess(
            # Without requirements, Pex starts the interpreter that it chooses.
            subcommand=(),
            extra_args=(
                *constraints.generate_pex_arg_list(),
                *("--", script, json.dumps({**question, "output": "."}, sort_keys=True)),
            ),
            additional_input_digest=await engine.merge_digests(MergeDigests([files, code])),
            output_directories=(_BLOBS,),
            description=what,
            level=LogLevel.INFO,
        )
    )
    answer: dict[str, Any] = json.loads(result.stdout.decode().splitlines()[-1])
    return answer, result.output_digest


@rule(desc="Package Cascade image", level=LogLevel.DEBUG)
async def package_image(field_set: CascadeImagePackageFieldSet, python_setup: PythonSetup) -> BuiltPackage:
    image = field_set.address
    project, target = await _find_project(image, field_set.project)
    secrets = readable_secrets(field_set.env.value or {})
    if secrets:
        logger.warning(
            f"Everyone who has {image} can read {', '.join(secrets)} in it, because its field {field_set.env.alias!r} "
            "sets that. Set secrets where the image runs instead."
        )
    base_digest, base_files = await _find_base(image, field_set.base)
    request, minor = await project_pex_request(project, python_setup, _PEX, PexLayout.PACKED, ("--include-tools",))
    constraints = request.interpreter_constraints
    base, base_blobs = await _ask(
        read_base, {"files": base_files, "python": minor}, constraints, base_digest, f"Read the base of {image}"
    )
    (given_base,) = field_set.base.value or ("",)
    if "error" in base:
        raise problem(image, field_set.base.alias, given_base, f"The base {base['error']}")
    # Without sources, an edit of them leaves the PEX as it is, and so the layer.
    pex = await engine.pex(dataclasses.replace(request, sources=EMPTY_DIGEST, main=None))
    requirements, requirements_blobs = await _ask(
        write_layer,
        {"pex": _PEX, "python": minor},
        constraints,
        pex.digest,
        f"Write the layer of requirements of {project.address}",
    )
    unfit = wrong_wheels(requirements["platforms"], base["libc"])
    if unfit:
        raise problem(image, field_set.base.alias, given_base, f"The image would not run, because {unfit}")
    sources, sources_blobs = await _ask(
        write_layer,
        {
            "files": _SOURCES,
            "python": minor,
            "interpreter": base["python"],
            "module": manifest_module(project.address),
            "directory": _DIRECTORY,
            "owner": field_set.user.owner,
        },
        constraints,
        await engine.add_prefix(AddPrefix(request.sources or EMPTY_DIGEST, _SOURCES)),
        f"Write the layer of sources of {project.address}",
    )
    layers = {"requirements": requirements, "sources": sources}
    settings = image_settings(field_set, project.address.target_name, target[CascadeProjectPortField].value)
    small = image_files(base, layers, settings)
    small_digest = await engine.create_digest(CreateDigest(FileContent(path, small[path]) for path in sorted(small)))
    layout = await engine.merge_digests(MergeDigests([base_blobs, requirements_blobs, sources_blobs, small_digest]))
    output = field_set.output_path.value_or_default(file_ending="oci")
    return BuiltPackage(
        await engine.add_prefix(AddPrefix(layout, output)),
        (BuiltPackageArtifact(output, extra_log_lines=summary(base, layers, small["index.json"])),),
    )


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), UnionRule(PackageFieldSet, CascadeImagePackageFieldSet)]
