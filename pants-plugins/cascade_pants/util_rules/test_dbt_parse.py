"""dbt's parse for a PEX: what the process is given, and what becomes of its answer."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwners
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, DigestContents, FileContent
from pants.engine.target import InvalidFieldException

from cascade_pants import engine
from cascade_pants.target_types import CascadeProjectDbtField, CascadeProjectManifestField
from cascade_pants.testing import result_of
from cascade_pants.util_rules.dbt_parse import PACKING_MODULE, packed_directory, parse_packed_dbt, parsed_or_raise
from cascade_pants.util_rules.dbt_profile import LEFT_OUT

PROD = Address("apps/shop", target_name="prod")
PACKED = "src/cascade_project_apps__shop__prod_dbt/0123456789abcdef"
FILES = {
    "src/cascade_project_apps__shop__prod.py": "MANIFEST = {}",
    "src/cascade_project_apps__shop__prod_settings/cascade_config.py": "",
    f"{PACKED}/src/sql/dbt_project.yml": "name: shop",
}


class Ran:
    """What the engine was asked for."""

    def __init__(self) -> None:
        self.processes: list[VenvPexProcess] = []
        self.created: list[str] = []


def parse(
    monkeypatch: pytest.MonkeyPatch, *, files: dict[str, str] = FILES, value: str | None = "src/sql", owners: int = 1
) -> tuple[object, Ran]:
    """Run the parse with an engine that answers at once."""
    ran = Ran()
    some = SimpleNamespace(snapshot=SimpleNamespace(digest=EMPTY_DIGEST))
    contents = DigestContents(FileContent(path, text.encode()) for path, text in files.items())
    found = PythonModuleOwners(tuple(Address("src/cascade", target_name=str(one)) for one in range(owners)))

    def answering(answer: object) -> Any:
        async def call(_: object) -> object:
            return answer

        return call

    async def create_digest(request: CreateDigest) -> object:
        ran.created += (file.path for file in request)
        return EMPTY_DIGEST

    async def run_venv_pex(process: VenvPexProcess) -> object:
        ran.processes.append(process)
        return SimpleNamespace(exit_code=0, stdout=b"", stderr=b"a warning", output_digest="the parse")

    for name, answer in {
        "hydrate_sources": some,
        "module_owners": found,
        "digest_contents": contents,
        "transitive_targets": SimpleNamespace(closure=()),
        "python_sources": SimpleNamespace(source_files=some, source_roots=("src",)),
        "venv_pex_from_targets": None,
        "merge_digests": EMPTY_DIGEST,
    }.items():
        monkeypatch.setattr(engine, name, answering(answer))
    monkeypatch.setattr(engine, "create_digest", create_digest)
    monkeypatch.setattr(engine, "run_venv_pex", run_venv_pex)
    dbt_project, manifest = CascadeProjectDbtField(value, PROD), CascadeProjectManifestField(None, PROD)
    return result_of(parse_packed_dbt, PROD, dbt_project, manifest, "default"), ran


def test_the_process_gets_the_packed_files_and_writes_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, ran = parse(monkeypatch)
    assert answer == "the parse"
    # The workflows of the project are no reason to parse again.
    assert ran.created == [f"{PACKED}/src/sql/dbt_project.yml"]
    (process,) = ran.processes
    *start, question = process.argv
    output = "cascade_project_apps__shop__prod_dbt/0123456789abcdef_parsed"
    assert start == ["-m", PACKING_MODULE]
    assert json.loads(question) == {"files": PACKED, "inside": "src/sql", "output": output}
    assert process.output_directories == (output,)


@pytest.mark.parametrize(
    "arguments",
    [
        {"value": None},
        {"owners": 0},
        {"files": {**FILES, f"{PACKED}/src/sql/profiles.yml": ""}},
    ],
)
def test_what_is_not_parsed(monkeypatch: pytest.MonkeyPatch, arguments: Any) -> None:
    answer, ran = parse(monkeypatch, **arguments)
    assert (answer, ran.processes) == (EMPTY_DIGEST, [])


def test_the_packed_directory_is_that_of_the_project() -> None:
    files = DigestContents(FileContent(path, b"") for path in FILES)
    assert packed_directory(PROD, files) == PACKED
    assert packed_directory(Address("apps/shop", target_name="other"), files) is None
    assert packed_directory(PROD, DigestContents([FileContent(PACKED[4:] + "/x", b"")])) == PACKED[4:]


def test_a_broken_project_fails_with_the_message_of_dbt() -> None:
    with pytest.raises(InvalidFieldException) as raised:
        parsed_or_raise(1, "", "src/sql/a.sql:3: dbt: no", EMPTY_DIGEST, project=PROD, directory="src/sql")
    assert str(raised.value) == (
        "dbt cannot parse src/sql, the dbt project of the cascade_project apps/shop:prod:\nsrc/sql/a.sql:3: dbt: no"
    )


def test_packages_that_git_ignores_are_explained() -> None:
    stderr = 'dbt: dbt found 1 package(s) specified in packages.yml, but only 0 installed. Run "dbt deps" to install.'
    with pytest.raises(InvalidFieldException, match=r"does not see packages that git ignores\. Commit the directory"):
        parsed_or_raise(1, "", stderr, EMPTY_DIGEST, project=PROD, directory="src/sql")


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "said"),
    [
        (0, "It reads the environment variable X without a default.", "", "variable X without a default"),
        (1, "", f"/bin/python: No module named {PACKING_MODULE}", "runtime of its resolve is older"),
    ],
)
def test_a_project_that_can_be_parsed_only_later_is_packaged(
    caplog: pytest.LogCaptureFixture, code: int, stdout: str, stderr: str, said: str
) -> None:
    assert parsed_or_raise(code, stdout, stderr, EMPTY_DIGEST, project=PROD, directory="src/sql") == EMPTY_DIGEST
    assert "lets dbt parse src/sql when it starts for the first time" in caplog.text
    assert said in caplog.text


def test_a_profile_with_a_secret_is_not_packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = {f"{PACKED}/src/sql/profiles.yml{LEFT_OUT}": "line 7: password"}
    with pytest.raises(
        InvalidFieldException, match=r"project apps/shop:prod\. The PEX would contain secrets of a profile"
    ):
        parse(monkeypatch, files={**FILES, **profile})
