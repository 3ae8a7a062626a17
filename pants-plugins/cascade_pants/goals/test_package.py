"""The arguments of the Pex tool."""

from __future__ import annotations

from typing import Protocol

import pytest
from pants.backend.python.target_types import EntryPoint, PexExecutionMode, PexLayout
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import Pex, PexRequest
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.core.goals.package import BuiltPackage
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, Digest
from pants.engine.target import TransitiveTargets, TransitiveTargetsRequest
from pants.util.ordered_set import FrozenOrderedSet

from cascade_pants import engine
from cascade_pants.goals.package import (
    CascadeProjectPackageFieldSet,
    for_one_minor_version,
    package_project,
    pex_arguments,
)
from cascade_pants.target_types import CascadeProjectTarget
from cascade_pants.testing import python_setup, result_of

BOOT = ("--sh-boot", "--preamble-file", "__cascade_preamble.py")
DEV = Address("", target_name="dev")


class Packaged(Protocol):
    """Runs the rule; see the fixture `packaged`."""

    def __call__(
        self, *, found: str = ..., default: str = ..., address: Address = ..., **fields: object
    ) -> tuple[BuiltPackage, PexFromTargetsRequest, PexRequest]: ...


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> Packaged:
    """Run the rule with an interpreter that says it is `found`, and without the engine of Pants."""

    def run(
        *, found: str = "3.11", default: str = ">=3.11,<3.14", address: Address = DEV, **fields: object
    ) -> tuple[BuiltPackage, PexFromTargetsRequest, PexRequest]:
        described: list[PexFromTargetsRequest] = []
        built: list[PexRequest] = []
        target = CascadeProjectTarget(fields, address)
        wanted = fields["interpreter_constraints"][0] if "interpreter_constraints" in fields else default  # type: ignore[index]
        setup = python_setup(
            interpreter_constraints=[default], interpreter_versions_universe=["3.10", "3.11", "3.12", "3.13"]
        )

        async def transitive_targets(_: TransitiveTargetsRequest) -> TransitiveTargets:
            return TransitiveTargets((target,), FrozenOrderedSet())

        async def create_digest(_: CreateDigest) -> Digest:
            return EMPTY_DIGEST

        async def run_pex_tool(process: PexCliProcess) -> _Answer:
            assert process.extra_args[:2] == ("--interpreter-constraint", str(InterpreterConstraints([wanted])))
            return _Answer(f"{found}\n".encode())

        async def pex_request_from_targets(request: PexFromTargetsRequest) -> PexRequest:
            described.append(request)
            return PexRequest(
                output_filename=request.output_filename, internal_only=request.internal_only, layout=request.layout
            )

        async def pex(request: PexRequest) -> Pex:
            built.append(request)
            return Pex(EMPTY_DIGEST, request.output_filename, None)

        for fake in (transitive_targets, create_digest, run_pex_tool, pex_request_from_targets, pex):
            monkeypatch.setattr(engine, fake.__name__, fake)
        package = result_of(package_project, CascadeProjectPackageFieldSet.create(target), setup)
        assert isinstance(package, BuiltPackage)
        return package, described[0], built[0]

    return run


class _Answer:
    def __init__(self, stdout: bytes) -> None:
        self.stdout = stdout


def test_one_file_that_starts_the_manifest(packaged: Packaged) -> None:
    package, request, _ = packaged()
    assert [artifact.relpath for artifact in package.artifacts] == ["dev.pex"]
    assert request.main == EntryPoint("cascade_project_dev", "main")
    assert request.layout is PexLayout.ZIPAPP
    assert request.additional_args == ("--venv", "prepend", *BOOT)


def test_it_takes_the_requirements_that_run_installed_and_fits_other_machines(packaged: Packaged) -> None:
    _, described, built = packaged()
    assert described.internal_only
    assert described.hardcoded_interpreter_constraints is None
    assert not built.internal_only
    assert built.layout is PexLayout.ZIPAPP


def test_a_project_in_a_directory(packaged: Packaged) -> None:
    package, _, _ = packaged(address=Address("apps/billing", target_name="prod"))
    assert package.artifacts[0].relpath == "apps.billing/prod.pex"


def test_the_fields(packaged: Packaged) -> None:
    package, request, built = packaged(output_path="out/x.pex", layout="packed", execution_mode="zipapp")
    assert package.artifacts[0].relpath == "out/x.pex"
    assert request.layout is built.layout is PexLayout.PACKED
    assert request.additional_args == ()


@pytest.mark.parametrize(
    ("arguments", "minor"),
    [
        ({"interpreter_constraints": ["==3.12.*"], "found": "3.11"}, "3.12"),
        ({"interpreter_constraints": [">=3.12"], "found": "3.13"}, "3.13"),
        ({"found": "3.12"}, "3.12"),
        ({"default": "==3.11.*", "found": "3.12"}, "3.11"),
    ],
)
def test_one_minor_version(packaged: Packaged, arguments: dict[str, object], minor: str) -> None:
    _, _, built = packaged(**arguments)  # type: ignore[arg-type]
    assert built.interpreter_constraints.partition_into_major_minor_versions(["3.10", "3.11", "3.12", "3.13"]) == (
        minor,
    )


def test_stricter_constraints_are_kept() -> None:
    universe = ["3.11", "3.12"]
    plain = for_one_minor_version(InterpreterConstraints([">=3.11,<3.14"]), "3.11", universe)
    assert str(plain) == "CPython==3.11.*"
    newer = for_one_minor_version(InterpreterConstraints([">=3.11,<3.14"]), "3.13", universe)
    assert str(newer) == "CPython==3.13.*"
    narrow = for_one_minor_version(InterpreterConstraints([">=3.11.4,<3.14"]), "3.11", universe)
    assert str(narrow) == "CPython<3.14,==3.11.*,>=3.11.4"


def test_the_arguments_of_each_mode_and_layout() -> None:
    assert pex_arguments(PexExecutionMode.VENV, PexLayout.ZIPAPP) == ("--venv", "prepend", *BOOT)
    assert pex_arguments(PexExecutionMode.VENV, PexLayout.LOOSE) == ("--venv", "prepend")
    assert pex_arguments(PexExecutionMode.ZIPAPP, PexLayout.PACKED) == ()
